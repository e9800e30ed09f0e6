/** How the rounds went, as a page that prints well and as a table for a spreadsheet. */

import { h, saveFile, written } from "./dom.js";
import { letter } from "./shapes.js";
import { t } from "./texts.js";

/**
 * @param {any} party  the host's
 * @returns {Promise<HTMLElement>}
 */
export async function resultsView(party) {
  const { rounds } = await party.results();
  const date = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
  const made = rounds.map((/** @type {any} */ round) =>
    h("section", { class: "round-results" },
      h("h3", {}, t("results.round", { number: round.round }), " · ", date.format(new Date(round.startedAt))),
      table(
        [t("results.place"), t("results.name"), t("results.score"), t("results.right"), t("results.answered")],
        round.standings
          .filter((/** @type {any} */ each) => each.participantId !== party.room.hostId || each.answeredCount > 0)
          .map((/** @type {any} */ each, /** @type {number} */ index) => [
            String(index + 1), each.name, String(each.score), String(each.rightCount), String(each.answeredCount),
          ])),
      table(
        [t("results.question"), t("results.rightOf"), t("results.median"), t("results.distribution")],
        round.questions.map((/** @type {any} */ each) => [
          `${each.index + 1}. ${each.question ?? ""}`,
          `${each.rightCount} / ${each.answeredCount}`,
          each.medianMs === null ? "–" : t("seconds", { count: (each.medianMs / 1000).toFixed(1) }),
          each.distribution.map((/** @type {number} */ count, /** @type {number} */ at) => `${letter(at)} ${count}`).join("  "),
        ]))));
  return h("div", { class: "stack" },
    h("div", { class: "buttons no-print" },
      h("button", { type: "button", class: "quiet", onclick: () => window.print() }, t("results.print")),
      h("button", { type: "button", class: "quiet", onclick: async () => {
        saveFile(`quiz-${party.code}.csv`, "text/csv", asTable(rounds));
      } }, t("results.csv"))),
    ...made);
}

/**
 * A line for each participant and round, as spreadsheets read it.
 *
 * @param {any[]} rounds
 */
export function asTable(rounds) {
  const columns = ["participantId", "name", "score", "rightCount", "answeredCount"];
  const lines = rounds.flatMap(({ round, startedAt, finishedAt, standings }) =>
    standings.map((/** @type {any} */ each) => [round, startedAt, finishedAt ?? "", ...columns.map((name) => each[name])]));
  const rows = [["round", "startedAt", "finishedAt", ...columns], ...lines];
  return `\ufeff${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

/**
 * What a spreadsheet would take for a formula, it is told to take for text.
 *
 * @param {string|number} value
 */
function cell(value) {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * @param {string[]} heading
 * @param {string[][]} rows
 */
function table(heading, rows) {
  return h("div", { class: "scroller", role: "region", "aria-label": heading[1], tabindex: "0" },
    h("table", {},
      h("thead", {}, h("tr", {}, ...heading.map((each) => h("th", { scope: "col" }, each)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map((cell) => written(cell, "td")))))));
}
