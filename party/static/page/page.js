/** The demo page: one party at a time, shown as it is. All signaling is in party.js. */

import { Party } from "../party.js";
import { initCamera, showCameras } from "./camera.js";
import { initChat, showChat, showWhetherSendable } from "./chat.js";
import { announce, dropQuestion, element, on, setText } from "./dom.js";
import { initInvite, showInvite } from "./invite.js";
import { codeInAddress, hideLobby, initLobby, showLobby, takeCodeFromAddress } from "./lobby.js";
import { forgetPeople, initPeople, showPeople } from "./people.js";
import { initSettings, showSettings } from "./room-settings.js";
import { showStream } from "./stream.js";
import { initTimeline, showTimeline } from "./timeline.js";
import { noteCode } from "./why.js";
import { hideWaiting, initWaiting, showRequests, showWaiting } from "./waiting.js";

const baseUrl = new URL(metaContent("party-base"), location.href);

/** @type {Record<string, string>} */
const END_TEXTS = {
  ended: "The room was closed.",
  finished: "The quiz is over.",
  "host-left": "The host has left, so the room is closed.",
  expired: "The room was closed, as nothing happened in it for long.",
  "host-absent": "The host has gone, so the room is closed.",
  removed: "The host has removed you from the room.",
  banned: "The host has removed you from the room, for good.",
  rejected: "The host does not let you in.",
  absent: "You have been away for so long that your place was given up. You may join again.",
  replaced: "You are in this room in another tab.",
};

/** What people did themselves is no error. @type {Record<string, string>} */
const OWN_END_TEXTS = { ended: "You have closed the room.", left: "You have left the room." };

const UNREACHABLE = "The service cannot be reached. Open connections go on; the page keeps trying.";
const REACHABLE = "The service is back.";
const GOOD_NEWS_MS = 5_000;
const RESUME_AGAIN_MS = 3_000;
const TOO_FAST = 429;

const banner = element("banner");
const error = element("error");

/** @type {Party|null} */
let party = null;
/** @type {ReturnType<typeof setTimeout>|undefined} */
let bannerTimer;

/** What a page that shows messages can be sent. */
const options = { baseUrl, maxMessageBytes: 1024 * 1024 };
const preview = (/** @type {string} */ code) => Party.preview(code, { baseUrl });

initSettings(() => party, showError);
initLobby({
  create: (values) => enter(() => Party.create({ ...values, ...options })),
  join: ({ code, ...values }) => enter(() => Party.join(code, { ...values, ...options }), values.spectate),
  preview,
  findRooms: () => Party.list({ baseUrl }),
  onTry: clearError,
  onRefused: showError,
});
initInvite(preview);
initPeople(() => party, showError);
initWaiting(() => party, showError);
initChat(() => party, showError);
initCamera(() => party);
initTimeline(() => party);
window.addEventListener("hashchange", onInvitation);
await comeBack();

/** After a reload the page is in its room as before. */
async function comeBack() {
  const invitation = codeInAddress();
  const timer = setTimeout(() => (element("returning").hidden = false), 300);
  const startedAt = performance.now();
  const resumed = await resume();
  clearTimeout(timer);
  element("returning").hidden = true;
  if (!resumed) return showLobby({ focus: false });
  show(resumed, startedAt);
  if (invitation && invitation !== resumed.code) showStillIn(resumed, invitation);
}

/** @returns {Promise<Party|null>} */
async function resume() {
  for (;;) {
    try {
      const resumed = await Party.resume(options);
      onRecovered();
      return resumed;
    } catch (reason) {
      onError(/** @type {import("../party.js").ApiError} */ (reason));
      await new Promise((resolve) => setTimeout(resolve, RESUME_AGAIN_MS));
    }
  }
}

/**
 * @param {() => Promise<Party>} open
 * @param {boolean} [isSpectator]
 */
async function enter(open, isSpectator) {
  const startedAt = performance.now();
  show(await open(), startedAt, isSpectator);
}

/**
 * @param {Party} opened
 * @param {number} startedAt
 * @param {boolean} [isSpectator]
 */
function show(opened, startedAt, isSpectator) {
  party = opened;
  on(opened, "error", ({ error }) => onError(error));
  on(opened, "recovered", onRecovered);
  on(opened, "ended", ({ reason }) => close(reason, opened.isHost));
  hideLobby();
  if (opened.phase !== "waiting") return showRoom(opened, startedAt);
  showWaiting(opened, isSpectator);
  on(opened, "approved", () => {
    hideWaiting();
    showRoom(opened, startedAt);
    element("people-title").focus();
    announce(`${opened.room.hostName} has let you in.`);
  });
}

/**
 * @param {Party} opened
 * @param {number} startedAt
 */
function showRoom(opened, startedAt) {
  let { hostId } = opened.room;
  const update = () => {
    showPeople(opened);
    showSettings(opened);
    showWhetherSendable(opened);
    if (hostId !== opened.room.hostId) announce(`${opened.room.hostName} is the host now.`);
    ({ hostId } = opened.room);
  };
  on(opened, "peer", noteCode);
  for (const type of ["participants", "peer", "room"]) on(opened, type, update);
  showChat(opened, showError);
  showRequests(opened);
  showCameras(opened);
  showTimeline(opened, startedAt);
  showStream(opened);
  update();
  element("room").hidden = false;
  showInvite(opened.code);
}

/**
 * @param {string} reason  why the party is over
 * @param {boolean} wasHost  who alone can end a room
 */
function close(reason, wasHost) {
  party = null;
  dropQuestion();
  hideWaiting();
  element("room").hidden = true;
  const ownText = wasHost || reason === "left" ? OWN_END_TEXTS[reason] : undefined;
  if (ownText) showGoodNews(ownText);
  else showBanner("");
  forgetPeople();
  history.replaceState(null, "", location.pathname + location.search);
  showLobby({ focus: true });
  error.textContent = ownText ? "" : (END_TEXTS[reason] ?? "");
}

/** Somebody opened another room's link while this page is in a room: nothing is left unasked. */
function onInvitation() {
  const code = codeInAddress();
  if (!party) takeCodeFromAddress();
  else if (code && code !== party.code) showStillIn(party, code);
}

/**
 * @param {Party} party
 * @param {string} invitation
 */
function showStillIn({ code, isHost }, invitation) {
  history.replaceState(null, "", `#${code}`);
  error.textContent = `You are still in room ${code}: ${isHost ? "close" : "leave"} it to join ${invitation}.`;
}

/** @param {import("../party.js").ApiError} reason */
function onError(reason) {
  if (reason.isOutage || reason.status === TOO_FAST) {
    showBanner(reason.isOutage ? UNREACHABLE : reason.message, "trouble");
  } else {
    showError(reason);
  }
}

function onRecovered() {
  clearError();
  if (!banner.textContent) return;
  showGoodNews(REACHABLE);
}

/** @param {string} text */
function showGoodNews(text) {
  showBanner(text, "good");
  bannerTimer = setTimeout(() => showBanner(""), GOOD_NEWS_MS);
}

/**
 * @param {string} text
 * @param {"trouble"|"good"} [kind]
 */
function showBanner(text, kind) {
  clearTimeout(bannerTimer);
  setText(banner, text);
  banner.dataset.kind = kind;
}

/** @param {unknown} reason */
function showError(reason) {
  error.textContent = reason instanceof Error ? reason.message : String(reason);
}

function clearError() {
  error.textContent = "";
}

/** @param {string} name */
function metaContent(name) {
  return document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? "";
}
