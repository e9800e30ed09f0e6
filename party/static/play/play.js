/** A quiz that people play: which view is shown to whom, and when. */

import { announce, element, h } from "./dom.js";
import { editor } from "./editor.js";
import { Game } from "./game.js";
import { home } from "./home.js";
import { hostClosedView, hostOverView, hostQuestionView, lobbyView } from "./host.js";
import { answeringView, askingView, endView, resultView, waitingView } from "./player.js";
import { chime, isSoundOn, setSound } from "./sound.js";
import { closedView, podiumView, questionView } from "./stage.js";
import { LANGUAGES, preferredLanguage, t, useLanguage } from "./texts.js";
import { Party } from "../party.js";

/** @typedef {import("./stage.js").View} View */
/** @typedef {import("./library.js").Written} Written */

const MOMENT_MS = 200;
/** So many can play: as many as the service lets in. */
const MOST_PLAYERS = 50;
/** Nobody needs a connection to anybody: what is played goes through the service. @type {{topology: "none"}} */
const PAGE = { topology: "none" };

const place = element("view");
/** @type {Game|null} */
let game = null;
/** @type {View|null} */
let view = null;
/** What is shown: when it changes, the view is made anew. */
let shownKey = "";
let isEditing = false;

/**
 * @param {string} key
 * @param {() => View} make
 */
function show(key, make) {
  if (key !== shownKey) {
    const isFirst = shownKey === "";
    shownKey = key;
    view = make();
    place.replaceChildren(view.made);
    // Whoever listens or goes by the keyboard begins where something has changed.
    if (!isFirst) /** @type {HTMLElement|null} */ (place.querySelector("[tabindex='-1']"))?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  view?.update?.();
  view?.everyMoment?.();
}

function render() {
  if (isEditing) showEditor();
  else if (!game || game.ended && game.ended !== "finished") showHome();
  else showGame(game);
}

function showHome() {
  const watches = new URLSearchParams(location.search).has("watch");
  show(`home/${game?.ended ?? ""}`, () => {
    const made = home({ code: game ? "" : location.hash.slice(1), watches, join, make: () => ((isEditing = true), render()) });
    if (!game) return { made };
    const isOut = ["removed", "rejected", "banned", "absent"].includes(game.ended ?? "");
    const text = t(isOut ? "ended.removed" : "ended.over");
    return { made: h("div", { class: "stack" }, h("p", { class: "banner", role: "status" }, text), made) };
  });
}

function showEditor() {
  const isInRoom = game !== null && !game.ended;
  show(`editor/${isInRoom}`, () => ({
    made: editor({
      label: t(isInRoom ? "editor.use" : "editor.open"),
      asksName: !isInRoom,
      open: isInRoom ? replaceQuiz : openRoom,
      back: () => ((isEditing = false), render()),
    }),
  }));
}

/** @param {Game} playing */
function showGame(playing) {
  const role = playing.party.isHost ? "host" : playing.me?.role === "spectator" ? "spectator" : "player";
  show(`${role}/${playing.key}`, () => viewFor(playing, role));
}

/**
 * @param {Game} playing
 * @param {"host"|"spectator"|"player"} role
 * @returns {View}
 */
function viewFor(playing, role) {
  const { phase } = playing;
  if (phase === "question" || phase === "over") chime();
  if (role === "host") {
    const edit = () => ((isEditing = true), render());
    if (phase === "lobby") return lobbyView(playing);
    if (phase === "question") return hostQuestionView(playing);
    return phase === "closed" ? hostClosedView(playing) : hostOverView(playing, edit);
  }
  if (phase === "asking") return askingView();
  if (phase === "lobby") return waitingView(playing);
  if (phase === "question") return role === "player" ? answeringView(playing) : questionView(playing);
  if (phase === "closed") return role === "player" ? resultView(playing) : closedView(playing);
  return role === "player" ? both(endView(playing), podiumView(playing)) : podiumView(playing);
}

/**
 * @param {View} upper
 * @param {View} lower
 * @returns {View}
 */
function both(upper, lower) {
  return {
    made: h("div", { class: "stack" }, upper.made, lower.made),
    update: () => (upper.update?.(), lower.update?.()),
  };
}

/** @param {any} party */
function enter(party) {
  isEditing = false;
  game = new Game(party, sessionStorage);
  game.addEventListener("change", render);
  party.addEventListener("error", () => (element("trouble").hidden = false));
  party.addEventListener("recovered", () => (element("trouble").hidden = true));
  history.replaceState(null, "", `#${party.code}`);
  render();
}

/**
 * @param {string} code
 * @param {string} name
 * @param {string} password
 * @param {boolean} watches
 */
async function join(code, name, password, watches) {
  const options = { name, ...PAGE, ...(password && { password }), ...(watches && { spectate: true }) };
  enter(await Party.join(code, options));
}

/**
 * @param {Written} quiz
 * @param {string} name
 */
async function openRoom(quiz, name) {
  const { title, seconds, pause, questions } = quiz;
  sessionStorage.setItem("party-play-pause", String(pause));
  enter(await Party.create({
    name, ...PAGE, quizData: { title, questions }, secondsPerQuestion: seconds, afterQuiz: "stay",
    maxParticipants: MOST_PLAYERS,
  }));
}

/** @param {Written} quiz */
async function replaceQuiz({ title, pause, seconds, questions }) {
  sessionStorage.setItem("party-play-pause", String(pause));
  // The room's own time stays: these questions say theirs.
  const timed = questions.map((each) => ({ questionSeconds: seconds, ...each }));
  await game?.party.setQuiz({ title, questions: timed });
  isEditing = false;
  render();
}

function showFrame() {
  element("title").textContent = t("title");
  document.title = t("title");
  element("trouble").textContent = t("trouble");
  const language = /** @type {HTMLSelectElement} */ (element("language"));
  language.setAttribute("aria-label", t("language"));
  const sound = element("sound");
  sound.textContent = `♪ ${t("sound")}`;
  sound.setAttribute("aria-pressed", String(isSoundOn()));
}

function initFrame() {
  const language = /** @type {HTMLSelectElement} */ (element("language"));
  for (const [code, name] of Object.entries(LANGUAGES)) language.append(h("option", { value: code, lang: code }, name));
  language.value = document.documentElement.lang;
  language.addEventListener("change", async () => {
    await useLanguage(language.value, true);
    shownKey = "";
    showFrame();
    render();
  });
  element("sound").addEventListener("click", () => {
    setSound(!isSoundOn());
    showFrame();
  });
  showFrame();
}

async function begin() {
  await useLanguage(preferredLanguage());
  initFrame();
  setInterval(() => view?.everyMoment?.(), MOMENT_MS);
  try {
    const party = await Party.resume(PAGE);
    if (party) return enter(party);
  } catch (error) {
    announce(/** @type {Error} */ (error).message);
  }
  render();
}

begin();
