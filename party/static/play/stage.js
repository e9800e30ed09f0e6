/** What everybody may look at: the question with its time, how it was answered, the standings, the podium. */

import { announce, h, setText, written } from "./dom.js";
import { answerLabel, letter } from "./shapes.js";
import { tick } from "./sound.js";
import { t } from "./texts.js";

/** @typedef {import("./game.js").Game} Game */
/** @typedef {{made: HTMLElement, update?: () => void, everyMoment?: () => void}} View */

const SHOWN_STANDINGS = 8;
/** Seconds left at which those who do not see the time are told. */
const THRESHOLDS = [30, 10, 5];

/**
 * The open question.
 *
 * @param {Game} game
 * @returns {View}
 */
export function questionView(game) {
  const { question } = game;
  const count = h("p", { class: "answered" });
  const time = timeLeft(game);
  const answers = question?.answers.map((answer, index) =>
    h("li", { class: `answer answer-${index}` }, ...answerLabel(index, answer)));
  const made = h("section", { class: "stage", "aria-labelledby": "question" },
    progress(game),
    written(String(question?.question ?? ""), "h2", { id: "question", class: "question-text", tabindex: "-1" }),
    time.made,
    h("ul", { class: "answers", role: "list" }, ...(answers ?? [])),
    count);
  return {
    made,
    update: () => setText(count, t("answered.count", { count: game.answeredCount, players: game.players.length })),
    everyMoment: time.everyMoment,
  };
}

/** @param {Game} game */
export function progress(game) {
  return h("p", { class: "hint" }, t("question.number", { number: game.index + 1, count: game.questions.length }));
}

/**
 * The time that is left, running down.
 *
 * @param {Game} game
 * @returns {Required<Pick<View, "made"|"everyMoment">>}
 */
export function timeLeft(game) {
  const bar = h("div", { class: "time-bar" });
  const number = h("span", { class: "time-number" });
  let told = Infinity;
  return {
    made: h("div", { class: "time", role: "timer", "aria-label": t("time.left") }, h("div", { class: "time-track" }, bar), number),
    everyMoment() {
      const { leftMs, questionMs } = game;
      const seconds = Math.ceil(leftMs / 1000);
      bar.style.inlineSize = `${(100 * leftMs) / questionMs}%`;
      bar.classList.toggle("is-short", seconds <= 5);
      if (number.textContent !== String(seconds)) {
        number.textContent = String(seconds);
        if (seconds <= 5 && seconds > 0) tick();
      }
      const threshold = THRESHOLDS.filter((each) => each < game.questionMs / 1000).find((each) => seconds <= each && each < told);
      if (threshold === undefined || seconds === 0) return;
      told = Math.min(...THRESHOLDS.filter((each) => seconds <= each));
      announce(t("time.announced", { count: seconds }));
    },
  };
}

/**
 * How the question was answered that has just been closed, and who leads.
 *
 * @param {Game} game
 * @returns {View}
 */
export function closedView(game) {
  const { question, closed } = game;
  const correct = closed?.correct ?? question?.correct;
  const most = Math.max(1, ...(closed?.distribution ?? []));
  const bars = (question?.answers ?? []).map((answer, index) => {
    const count = closed?.distribution?.[index];
    const bar = h("div", { class: "bar" });
    bar.style.inlineSize = `${(100 * (count ?? 0)) / most}%`;
    return h("li", { class: `answer answer-${index} ${index === correct ? "is-right" : "is-wrong"}` },
      ...answerLabel(index, answer),
      index === correct && h("span", { class: "right-mark" }, "✓ ", h("span", { class: "visually-hidden" }, t("right"))),
      count !== undefined && h("span", { class: "count" }, String(count)),
      h("div", { class: "bar-track", "aria-hidden": "true" }, bar));
  });
  const standings = h("ol", { class: "standings" });
  const words = correct === undefined ? "" : String(question?.answers[correct] ?? "");
  announce(t("right.announced", { letter: letter(correct ?? 0), answer: words }));
  const made = h("section", { class: "stage" },
    progress(game),
    written(String(question?.question ?? ""), "h2", { class: "question-text", tabindex: "-1" }),
    h("ul", { class: "answers with-bars", role: "list" }, ...bars),
    h("h3", {}, t("standings")),
    standings);
  return { made, update: () => showStandings(standings, game.standings.slice(0, SHOWN_STANDINGS), true) };
}

/**
 * @param {HTMLElement} list
 * @param {import("./game.js").Placed[]} standings
 * @param {boolean} [withRise]
 */
export function showStandings(list, standings, withRise = false) {
  list.setAttribute("role", "list");
  list.replaceChildren(...standings.map(({ name, score, place, rose }) =>
    h("li", {},
      h("b", { class: "place" }, String(place)),
      written(name, "span", { class: "name" }),
      withRise && rose > 0 && h("span", { class: "rose" }, "▲", h("span", { class: "visually-hidden" }, t("rose", { count: rose }))),
      h("span", { class: "score" }, String(score)))));
}

/**
 * The end of a round.
 *
 * @param {Game} game
 * @returns {View}
 */
export function podiumView(game) {
  const podium = h("ol", { class: "podium", role: "list" });
  const rest = h("ol", { class: "standings" });
  const made = h("section", { class: "stage" },
    h("h2", { tabindex: "-1" }, t("podium.title")), podium, rest);
  return {
    made,
    update() {
      const { standings } = game;
      const first = standings.slice(0, 3);
      podium.replaceChildren(...first.map(({ name, score, place }, index) =>
        h("li", { class: `step step-${index + 1}` },
          h("span", { class: "medal", "aria-hidden": "true" }, String(place)),
          h("span", { class: "visually-hidden" }, t("place", { place })),
          written(name, "span", { class: "name" }),
          h("span", { class: "score" }, t("points", { count: score })))));
      showStandings(rest, standings.slice(3));
    },
  };
}
