/** What the host has besides what all may look at: the invitation, the people, and the buttons that move on. */

import { announce, h, setText, svg, syncList, written } from "./dom.js";
import { problemText } from "./home.js";
import { resultsView } from "./results.js";
import { closedView, podiumView, questionView } from "./stage.js";
import { t } from "./texts.js";
import { qrMatrix, svgPath } from "../qr/qr.js";

/** @typedef {import("./game.js").Game} Game */
/** @typedef {import("./stage.js").View} View */

/** Light modules around a QR code, as the standard wants them. */
const QUIET_ZONE = 4;
const FACTORS = [1, 1.25, 1.5, 2];

/** @param {string} code */
export function linkTo(code) {
  return `${location.origin}${location.pathname}#${code}`;
}

/**
 * Who comes, and how others come.
 *
 * @param {Game} game
 * @returns {View}
 */
export function lobbyView(game) {
  const link = linkTo(game.party.code);
  const count = h("p", { class: "hint", role: "status" });
  const people = peopleList(game);
  const start = action(t("host.start"), () => startRound(game, false));
  const door = toggle(game, "locked", t("host.locked"));
  const asking = toggle(game, "approval", t("host.approval"));
  const made = h("section", { class: "stage lobby" },
    h("div", { class: "invite" },
      h("div", {},
        h("h2", { tabindex: "-1" }, t("host.joinAt")),
        h("p", {}, h("a", { href: link, dir: "ltr" }, link.replace(/^https?:\/\//, ""))),
        h("p", { class: "code", dir: "ltr", "aria-label": [...game.party.code].join(" ") }, game.party.code),
        h("button", { type: "button", class: "quiet small", onclick: () => copy(link) }, t("host.copyLink"))),
      qrCode(link)),
    count, people.made,
    h("div", { class: "buttons" }, start.made, door.made, asking.made, ...endButtons(game)));
  return {
    made,
    update() {
      setText(count, t("players.count", { count: game.players.length }));
      start.button.disabled = game.players.length === 0;
      door.update();
      asking.update();
      people.update?.();
    },
  };
}

/**
 * The question, and the buttons of the host.
 *
 * @param {Game} game
 * @returns {View}
 */
export function hostQuestionView(game) {
  const view = questionView(game);
  const next = action(t("host.skip"), () => game.party.next(game.index));
  view.made.append(h("div", { class: "buttons no-print" }, next.made, ...endButtons(game)));
  return view;
}

/**
 * @param {Game} game
 * @returns {View}
 */
export function hostClosedView(game) {
  const view = closedView(game);
  const isLast = game.index + 1 >= game.questions.length;
  const next = action(t(isLast ? "host.finish" : "host.next"), () => game.party.next(game.index));
  view.made.append(h("div", { class: "buttons no-print" }, next.made, ...endButtons(game)));
  return view;
}

/**
 * @param {Game} game
 * @param {() => void} edit  another quiz for the same people
 * @returns {View}
 */
export function hostOverView(game, edit) {
  const view = podiumView(game);
  const results = h("div", { class: "results" });
  const showResults = action(t("host.results"), async () => results.replaceChildren(await resultsView(game.party)));
  const people = peopleList(game);
  const buttons = game.ended
    ? [showResults.made]
    : [
        action(t("host.again"), () => startRound(game, false)).made,
        action(t("host.againKeeping"), () => startRound(game, true)).made,
        h("button", { type: "button", class: "quiet", onclick: edit }, t("host.another")),
        showResults.made,
        ...endButtons(game),
      ];
  view.made.append(h("div", { class: "buttons no-print" }, ...buttons), results, people.made);
  return { ...view, update: () => (view.update?.(), people.update?.()) };
}

/**
 * @param {Game} game
 * @param {boolean} keepScores
 */
async function startRound(game, keepScores) {
  const pauseSeconds = Number(sessionStorage.getItem("party-play-pause") ?? 10);
  await game.party.start({ keepScores, autoAdvance: true, pauseSeconds });
}

/**
 * A setting of the room that is on or off.
 *
 * @param {Game} game
 * @param {"locked"|"approval"} name
 * @param {string} label
 */
function toggle(game, name, label) {
  const isOn = () => Boolean(game.room.settings?.[name]);
  const { made, button } = action(label, () => game.party.setSettings({ [name]: !isOn() }));
  button.classList.add("quiet");
  return { made, update: () => button.setAttribute("aria-pressed", String(isOn())) };
}

/**
 * The people, each with what the host can do for it.
 *
 * @param {Game} game
 * @returns {View}
 */
function peopleList(game) {
  const list = h("ul", { class: "people", role: "list" });
  const make = (/** @type {any} */ { id }) => {
    const called = () => ({ name: game.players.find((/** @type {any} */ each) => each.id === id)?.name ?? "" });
    const { name } = called();
    const extra = h("select", {
      "data-says": "host.extraTime", class: "small",
      onchange: () => attempt(() => game.party.giveExtraTime(id, Number(extra.value))),
    }, ...FACTORS.map((factor) => h("option", { value: String(factor) }, `× ${factor}`)));
    extra.value = String(game.room.extraTimes?.[id] ?? 1);
    const rename = () => {
      const other = prompt(t("host.renameAsk", called()), called().name);
      if (other) attempt(() => game.party.rename(other, id));
    };
    const remove = () => confirm(t("host.removeAsk", called())) && attempt(() => game.party.remove(id));
    const handOver = () => confirm(t("host.handOverAsk", called())) && attempt(() => game.party.handOver(id));
    return h("li", {},
      written(name, "span", { class: "name" }),
      extra,
      h("button", { type: "button", class: "quiet small", "data-says": "host.handOver", onclick: handOver }, "⇄"),
      h("button", { type: "button", class: "quiet small", "data-says": "host.rename", onclick: rename }, "✎"),
      h("button", { type: "button", class: "quiet small", "data-says": "host.remove", onclick: remove }, "✕"));
  };
  const asks = h("ul", { class: "people", role: "list" });
  const makeAsking = (/** @type {any} */ { id, name }) => {
    const decide = (/** @type {boolean} */ isLetIn) => () => attempt(() => game.party.approve(id, isLetIn));
    return h("li", {},
      written(name, "span", { class: "name" }),
      h("button", { type: "button", class: "small", "aria-label": t("host.letInName", { name }), onclick: decide(true) }, t("host.letIn")),
      h("button", { type: "button", class: "quiet small", "aria-label": t("host.refuse", { name }), onclick: decide(false) }, "✕"));
  };
  const update = () => {
    syncList(asks, game.room.requests ?? [], makeAsking, () => {});
    syncList(list, game.players, make, (li, { name, presence }) => {
      setText(/** @type {HTMLElement} */ (li.firstElementChild), name);
      for (const each of /** @type {NodeListOf<HTMLElement>} */ (li.querySelectorAll("[data-says]"))) {
        each.setAttribute("aria-label", t(each.dataset.says ?? "", { name }));
      }
      li.classList.toggle("is-away", presence !== undefined && presence !== "online");
    });
  };
  return { made: h("div", { class: "stack" }, asks, list), update };
}

/** @param {Game} game */
function endButtons(game) {
  const end = () => confirm(t("host.endAsk")) && attempt(() => game.party.end());
  return [h("button", { type: "button", class: "quiet", onclick: end }, t("host.end"))];
}

/**
 * A button that does something on the service, once at a time, and says what kept it from it.
 *
 * @param {string} label
 * @param {() => Promise<unknown>} run
 */
function action(label, run) {
  const problem = h("span", { class: "error", role: "alert" });
  const button = h("button", { type: "button", onclick: async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    problem.textContent = "";
    try {
      await run();
    } catch (error) {
      const { code, message } = /** @type {any} */ (error);
      // Somebody, or the time, was faster.
      if (code !== "WRONG_QUESTION") problem.textContent = problemText(code, message);
    } finally {
      button.removeAttribute("aria-busy");
    }
  } }, label);
  return { made: h("span", { class: "action" }, button, problem), button };
}

/** @param {() => Promise<unknown>} run */
async function attempt(run) {
  try {
    await run();
  } catch (error) {
    const { code, message } = /** @type {any} */ (error);
    announce(problemText(code, message));
  }
}

/** @param {string} text */
async function copy(text) {
  await navigator.clipboard?.writeText(text).then(() => announce(t("host.copied")), () => {});
}

/** @param {string} text */
function qrCode(text) {
  const matrix = qrMatrix(text);
  const size = matrix.length + 2 * QUIET_ZONE;
  return svg("svg", {
    class: "qr", role: "img", "aria-label": t("host.qr"), "shape-rendering": "crispEdges",
    viewBox: `${-QUIET_ZONE} ${-QUIET_ZONE} ${size} ${size}`,
  }, svg("path", { d: svgPath(matrix) }));
}
