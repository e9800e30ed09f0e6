/** The demo page: one party at a time, shown as it is. All signaling is in party.js. */

import { Party } from "./party.js";

/** @typedef {Party["participants"][number]} Member */

const baseUrl = new URL(metaContent("party-base"), location.href);

const STATE_TEXTS = { connecting: "connecting …", open: "connected", interrupted: "interrupted" };

/** @type {Record<string, string>} */
const END_TEXTS = {
  ended: "The room was closed.",
  "host-left": "The host has left, so the room is closed.",
  expired: "The room was closed, as nothing happened in it for long.",
  removed: "You are no longer in the room: the host removed you, or another page took your seat.",
};

const error = element("error");
const lobby = element("lobby");
const room = element("room");
const messages = element("messages");
const createForm = /** @type {HTMLFormElement} */ (element("create-form"));
const joinForm = /** @type {HTMLFormElement} */ (element("join-form"));
const joinCode = /** @type {HTMLInputElement} */ (element("join-code"));
const messageText = /** @type {HTMLInputElement} */ (element("message-text"));
const sendButton = /** @type {HTMLButtonElement} */ (element("send"));

/** @type {Party|null} */
let party = null;

createForm.addEventListener("submit", (event) => {
  event.preventDefault();
  enter(createForm, ({ name, password }) => Party.create({ name, password, baseUrl }));
});

joinForm.addEventListener("submit", (event) => {
  event.preventDefault();
  enter(joinForm, ({ code, name, password }) => Party.join(code, { name, password, baseUrl }));
});

element("message-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = messageText.value;
  if (!party?.broadcast(text)) return;
  addMessage("You", text, "own");
  messageText.value = "";
});

element("leave").addEventListener("click", () => {
  party?.leave().catch(showError);
});

window.addEventListener("hashchange", takeCodeFromUrl);
takeCodeFromUrl();
lobby.hidden = false;

/**
 * Create or join with a form's values, and show the room or why it could not be entered.
 *
 * @param {HTMLFormElement} form
 * @param {(values: Record<string, any>) => Promise<Party>} open
 */
async function enter(form, open) {
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  const values = [...new FormData(form)].map(([name, value]) => [name, value || undefined]);
  error.textContent = "";
  button.disabled = true;
  try {
    showRoom(await open(Object.fromEntries(values)));
    form.reset();
  } catch (reason) {
    showError(reason);
  } finally {
    button.disabled = false;
  }
}

/** @param {Party} opened */
function showRoom(opened) {
  party = opened;
  listenTo(party);
  history.replaceState(null, "", `#${party.code}`);
  element("room-code").textContent = party.code;
  const link = /** @type {HTMLAnchorElement} */ (element("room-link"));
  link.href = location.href;
  link.textContent = location.href.replace(/^https?:\/\//, "");
  element("leave").textContent = party.isHost ? "Close the room" : "Leave";
  messages.replaceChildren();
  showParticipants();
  lobby.hidden = true;
  room.hidden = false;
  element("room-code").focus();
}

/** @param {Party} party */
function listenTo(party) {
  let known = party.participants;
  on(party, "participants", () => {
    announceChanges(known, party.participants);
    known = party.participants;
    showParticipants();
  });
  on(party, "peer", showParticipants);
  on(party, "message", ({ peerId, data }) => {
    const author = known.find(({ id }) => id === peerId);
    addMessage(author?.name ?? peerId, String(data));
  });
  on(party, "error", ({ error }) => showError(error));
  on(party, "recovered", () => (error.textContent = ""));
  on(party, "ended", ({ reason }) => showLobby(END_TEXTS[reason] ?? ""));
}

/** @param {string} text  why the party is over */
function showLobby(text) {
  party = null;
  room.hidden = true;
  lobby.hidden = false;
  error.textContent = text;
  history.replaceState(null, "", location.pathname + location.search);
  element("create-name").focus();
}

function showParticipants() {
  const members = party?.participants ?? [];
  const others = members.filter(({ isYou }) => !isYou);
  const connected = others.filter(({ state }) => state === "open").length;
  element("participants").replaceChildren(...members.map(participantItem));
  element("status").textContent = others.length
    ? `Connected to ${connected} of ${others.length}.`
    : "Nobody else is here yet.";
  sendButton.disabled = connected === 0;
}

/** @param {Member} member */
function participantItem({ id, name, isHost, isYou, state }) {
  const item = fromTemplate("participant-template");
  item.dataset.participant = id;
  item.dataset.state = state ?? "you";
  part(item, "name").textContent = name;
  part(item, "role").textContent = isHost ? "host" : "";
  part(item, "state").textContent = state ? STATE_TEXTS[state] : "you";
  return item;
}

/**
 * @param {Member[]} before
 * @param {Member[]} after
 */
function announceChanges(before, after) {
  const ids = (/** @type {Member[]} */ members) => new Set(members.map(({ id }) => id));
  for (const { name } of after.filter(({ id }) => !ids(before).has(id))) addNotice(`${name} has joined`);
  for (const { name } of before.filter(({ id }) => !ids(after).has(id))) addNotice(`${name} has left`);
}

/** @param {string} text */
function addNotice(text) {
  addMessage("", text, "notice");
}

/**
 * @param {string} author
 * @param {string} text
 * @param {"own"|"notice"|"other"} kind
 */
function addMessage(author, text, kind = "other") {
  const item = fromTemplate("message-template");
  item.className = kind;
  part(item, "author").textContent = author;
  part(item, "text").textContent = text;
  messages.append(item);
  messages.scrollTop = messages.scrollHeight;
}

/** @param {unknown} reason */
function showError(reason) {
  error.textContent = reason instanceof Error ? reason.message : String(reason);
}

/** `#ABC234` in the address is an invitation. */
function takeCodeFromUrl() {
  const code = location.hash.slice(1).toUpperCase();
  if (party || !/^[A-Z0-9]{6}$/.test(code)) return;
  joinCode.value = code;
  element("join-name").focus();
}

/**
 * @param {Party} party
 * @param {string} type
 * @param {(detail: any) => void} handle
 */
function on(party, type, handle) {
  party.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail));
}

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} id */
function fromTemplate(id) {
  const { content } = /** @type {HTMLTemplateElement} */ (element(id));
  return /** @type {HTMLElement} */ (content.firstElementChild?.cloneNode(true));
}

/**
 * @param {HTMLElement} item
 * @param {string} name
 */
function part(item, name) {
  return /** @type {HTMLElement} */ (item.querySelector(`.${name}`));
}

/** @param {string} name */
function metaContent(name) {
  return document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? "";
}
