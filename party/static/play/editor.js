/** Making a quiz: by typing, from pasted text, from a file. */

import { announce, h, saveFile } from "./dom.js";
import { draft, emptyQuestion, emptyQuiz, forget, keep, keepDraft, keptQuizzes } from "./library.js";
import { asText, cleaned, isPlayable, MOST_ANSWERS, readQuiz } from "./quiz-text.js";
import { letter } from "./shapes.js";
import { t } from "./texts.js";

/** @typedef {import("./library.js").Written} Written */

const SECONDS = [5, 10, 20, 30, 60, 90, 120, 300];
const PAUSES = [5, 10, 20, 60];

/**
 * @param {object} use
 * @param {(quiz: Written, name: string) => Promise<void>} use.open  play it
 * @param {() => void} use.back
 * @param {string} use.label  of the button that opens
 * @param {boolean} use.asksName
 * @returns {HTMLElement}
 */
export function editor({ open, back, label, asksName }) {
  /** @type {Written} */
  let quiz = draft() ?? emptyQuiz();
  const questions = h("ol", { class: "questions" });
  const problem = h("p", { class: "error", role: "alert" });
  const kept = h("div", { class: "kept" });
  const title = h("input", { id: "quiz-title", maxlength: "100", dir: "auto", oninput: changed });
  const seconds = select("quiz-seconds", SECONDS, changed);
  const pause = select("quiz-pause", PAUSES, changed);
  const name = h("input", { id: "host-name", maxlength: "50", required: true, dir: "auto", autocomplete: "nickname" });
  name.value = sessionStorage.getItem("party-play-name") ?? "";
  const pasted = h("textarea", { id: "pasted", rows: "8", dir: "auto", placeholder: t("paste.example") });

  function changed() {
    quiz = { ...quiz, title: title.value.trim(), seconds: Number(seconds.value), pause: Number(pause.value) };
    keepDraft(quiz);
  }

  function showQuiz() {
    title.value = quiz.title;
    seconds.value = String(quiz.seconds);
    pause.value = String(quiz.pause);
    questions.replaceChildren(...quiz.questions.map((_, index) => questionFields(index)));
    showKept();
  }

  function showKept() {
    const items = keptQuizzes().map((each) =>
      h("li", {},
        h("button", { type: "button", class: "quiet", dir: "auto", onclick: () => take(each) }, each.title),
        h("button", {
          type: "button", class: "quiet small", "aria-label": t("editor.forget", { title: each.title }),
          onclick: () => (forget(each.title), showKept()),
        }, "✕")));
    kept.replaceChildren(...(items.length ? [h("h3", {}, t("editor.kept")), h("ul", { class: "chips" }, ...items)] : []));
  }

  /** @param {Written} other */
  function take(other) {
    quiz = { ...emptyQuiz(), ...other };
    keepDraft(quiz);
    showQuiz();
    announce(t("editor.loaded", { count: quiz.questions.length }));
  }

  /** @param {number} index */
  function questionFields(index) {
    const each = quiz.questions[index];
    const number = index + 1;
    const answers = each.answers.map((answer, at) =>
      h("div", { class: "answer-field" },
        h("input", {
          type: "radio", name: `correct-${index}`, value: String(at), checked: each.correct === at,
          "aria-label": t("editor.right", { letter: letter(at), number }),
          onchange: () => ((each.correct = at), changed()),
        }),
        h("input", {
          value: answer, maxlength: "300", dir: "auto",
          "aria-label": t("editor.answer", { letter: letter(at), number }), placeholder: letter(at),
          oninput: (/** @type {any} */ { target }) => ((each.answers[at] = target.value), changed()),
        })));
    return h("li", { class: "card question-fields" },
      h("textarea", {
        rows: "2", maxlength: "1000", dir: "auto", value: each.question,
        "aria-label": t("editor.question", { number }), placeholder: t("editor.question", { number }),
        oninput: (/** @type {any} */ { target }) => ((each.question = target.value), changed()),
      }),
      h("div", { class: "answer-fields", role: "group", "aria-label": t("editor.answers", { number }) }, ...answers),
      h("div", { class: "buttons" },
        each.answers.length < MOST_ANSWERS && h("button", {
          type: "button", class: "quiet small",
          onclick: () => (each.answers.push(""), changed(), showQuiz()),
        }, t("editor.addAnswer")),
        h("button", {
          type: "button", class: "quiet small", "aria-label": t("editor.removeQuestion", { number }),
          onclick: () => (quiz.questions.splice(index, 1), changed(), showQuiz()),
        }, t("editor.remove"))));
  }

  function addQuestion() {
    quiz.questions.push(emptyQuestion());
    changed();
    showQuiz();
    questions.lastElementChild?.querySelector("textarea")?.focus();
  }

  /** @param {string} text */
  function load(text) {
    const found = readQuiz(text);
    problem.textContent = found.questions.length ? "" : t("editor.nothingFound");
    if (!found.questions.length) return;
    const own = quiz.questions.map(cleaned).filter(isPlayable);
    take({ ...quiz, title: found.title || quiz.title, questions: [...own, ...found.questions] });
  }

  /** @returns {Written|null} what can be played of it; says so where nothing can */
  function playable() {
    changed();
    const good = quiz.questions.map(cleaned).filter(isPlayable);
    problem.textContent = good.length ? "" : t("editor.incomplete");
    return good.length ? { ...quiz, questions: good } : null;
  }

  async function submit(/** @type {Event} */ event) {
    event.preventDefault();
    const good = playable();
    if (!good) return;
    sessionStorage.setItem("party-play-name", name.value);
    try {
      await open(good, name.value);
    } catch (error) {
      problem.textContent = /** @type {Error} */ (error).message;
    }
  }

  const made = h("form", { class: "stack", onsubmit: submit },
    h("h2", { tabindex: "-1" }, t("editor.title")),
    kept,
    h("div", { class: "card" },
      field("quiz-title", t("editor.name"), title),
      h("div", { class: "columns" },
        field("quiz-seconds", t("editor.seconds"), seconds),
        field("quiz-pause", t("editor.pause"), pause))),
    questions,
    h("button", { type: "button", class: "quiet", onclick: addQuestion }, t("editor.addQuestion")),
    h("details", { class: "card" },
      h("summary", {}, t("paste.title")),
      h("p", { class: "hint" }, t("paste.how")),
      field("pasted", t("paste.label"), pasted),
      h("div", { class: "buttons" },
        h("button", { type: "button", class: "quiet", onclick: () => load(pasted.value) }, t("paste.take")),
        h("label", { class: "file" }, t("paste.file"), h("input", {
          type: "file", accept: ".json,.csv,.tsv,.txt,application/json,text/csv,text/plain",
          onchange: async (/** @type {any} */ { target }) => {
            if (target.files[0]) load(await target.files[0].text());
            target.value = "";
          },
        })))),
    problem,
    asksName && field("host-name", t("home.name"), name),
    h("div", { class: "buttons" },
      h("button", {}, label),
      h("button", { type: "button", class: "quiet", onclick: () => {
        const good = playable();
        if (good) (keep({ ...good, title: good.title || t("editor.untitled") }), showKept(), announce(t("editor.saved")));
      } }, t("editor.save")),
      h("button", { type: "button", class: "quiet", onclick: () => {
        const good = playable();
        if (good) saveFile(`${good.title || "quiz"}.json`, "application/json", JSON.stringify(good, null, 2));
      } }, t("editor.saveFile")),
      h("button", { type: "button", class: "quiet", onclick: () => (pasted.value = asText(quiz)) }, t("editor.asText")),
      h("button", { type: "button", class: "quiet", onclick: back }, t("back"))));
  showQuiz();
  return made;
}

/**
 * @param {string} id
 * @param {string} label
 * @param {HTMLElement} control
 */
export function field(id, label, control) {
  return h("div", { class: "field" }, h("label", { for: id }, label), control);
}

/**
 * @param {string} id
 * @param {number[]} values  in seconds
 * @param {() => void} onchange
 */
function select(id, values, onchange) {
  const options = values.map((each) => h("option", { value: String(each) }, t("seconds", { count: each })));
  return h("select", { id, onchange }, ...options);
}
