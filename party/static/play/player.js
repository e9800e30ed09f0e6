/** What a player sees: the others who wait, the answers to choose from, how it went. */

import { announce, h, setText, syncList, written } from "./dom.js";
import { problemText } from "./home.js";
import { answerLabel } from "./shapes.js";
import { progress, timeLeft } from "./stage.js";
import { t } from "./texts.js";

/** @typedef {import("./game.js").Game} Game */
/** @typedef {import("./stage.js").View} View */

/**
 * Before the quiz begins.
 *
 * @param {Game} game
 * @returns {View}
 */
export function waitingView(game) {
  const list = h("ul", { class: "chips", role: "list" });
  const count = h("p", { class: "hint" });
  const made = h("section", { class: "stage" },
    h("h2", { tabindex: "-1" }, t("waiting.title")),
    h("p", {}, t("waiting.hint")),
    count, list);
  return {
    made,
    update() {
      setText(count, t("players.count", { count: game.players.length }));
      syncList(list, game.players, ({ name }) => written(name, "li"), (li, { name, isYou }) => {
        setText(li, name);
        li.classList.toggle("is-you", isYou);
      });
    },
  };
}

/**
 * Before the host has let this page in.
 *
 * @returns {View}
 */
export function askingView() {
  const title = h("h2", { tabindex: "-1" }, t("asking.title"));
  return { made: h("section", { class: "stage" }, title, h("p", {}, t("asking.hint"))) };
}

/**
 * The open question, with its answers to choose from.
 *
 * @param {Game} game
 * @returns {View}
 */
export function answeringView(game) {
  const { question } = game;
  const state = h("p", { class: "answered", role: "status" });
  const problem = h("p", { class: "error", role: "alert" });
  const time = timeLeft(game);
  const buttons = (question?.answers ?? []).map((answer, index) =>
    h("button", { type: "button", class: `answer answer-${index}`, onclick: () => choose(index) }, ...answerLabel(index, answer)));

  /** @param {number} index */
  async function choose(index) {
    if (game.given || game.leftMs === 0) return;
    problem.textContent = "";
    try {
      const answering = game.answer(index);
      update();
      await answering;
    } catch (error) {
      const { code, message } = /** @type {any} */ (error);
      problem.textContent = code === "WRONG_QUESTION" ? t("answer.tooLate") : problemText(code, message);
    }
  }

  function update() {
    const { given } = game;
    buttons.forEach((button, index) => {
      // Not `disabled`: whoever has just pressed it would lose their place.
      button.setAttribute("aria-disabled", String(given !== null));
      button.setAttribute("aria-pressed", String(given?.answerIndex === index));
    });
    const counts = { count: game.answeredCount, players: game.players.length };
    setText(state, given ? (game.answeredCount ? t("answer.givenCount", counts) : t("answer.given")) : "");
  }

  const made = h("section", { class: "stage player", "aria-labelledby": "question" },
    progress(game),
    written(String(question?.question ?? ""), "h2", { id: "question", class: "question-text", tabindex: "-1" }),
    time.made,
    h("div", { class: "answers", role: "group", "aria-label": t("answers") }, ...buttons),
    problem,
    state);
  return { made, update, everyMoment: time.everyMoment };
}

/**
 * Whether the own answer was right, and what it brought.
 *
 * @param {Game} game
 * @returns {View}
 */
export function resultView(game) {
  const { given, question } = game;
  const result = given?.result;
  const correct = game.closed?.correct ?? question?.correct;
  const verdict = result ? (result.isCorrect ? "result.right" : "result.wrong") : "result.none";
  const place = h("p", { class: "own-place" });
  announce([t(verdict), result?.points ? t("result.points", { count: result.points }) : ""].join(" "));
  const made = h("section", { class: `stage result ${result?.isCorrect ? "is-right" : "is-wrong"}` },
    progress(game),
    h("h2", { tabindex: "-1", class: "verdict" }, h("span", { "aria-hidden": "true" }, result?.isCorrect ? "✓ " : result ? "✗ " : "– "), t(verdict)),
    result?.points > 0 && h("p", { class: "points" }, t("result.points", { count: result.points })),
    correct !== undefined && question && h("p", { class: "answer-line" }, t("result.correct"), " "),
    correct !== undefined && question && h("div", { class: `answer answer-${correct}` }, ...answerLabel(correct, question.answers[correct])),
    place);
  return { made, update: () => setText(place, placeText(game)) };
}

/** @param {Game} game */
function placeText(game) {
  const own = game.standings.find(({ id }) => id === game.party.id);
  return own ? t("result.place", { place: own.place, players: game.standings.length, count: own.score }) : "";
}

/**
 * The own place at the end, above the podium.
 *
 * @param {Game} game
 * @returns {View}
 */
export function endView(game) {
  const place = h("p", { class: "own-place" });
  return { made: h("div", {}, place), update: () => setText(place, placeText(game)) };
}
