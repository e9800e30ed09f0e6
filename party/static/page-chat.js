/** The chat: plain texts over the data channels, with who came and went. */

import { button, element, fromTemplate, on, part } from "./page-dom.js";

/** @typedef {import("./party.js").Party} Party */
/** @typedef {Party["participants"][number]} Member */

const messages = element("messages");
const input = /** @type {HTMLInputElement} */ (element("message-text"));

/** @param {() => Party|null} current */
export function initChat(current) {
  element("message-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value;
    if (!current()?.broadcast(text)) return;
    addMessage("You", text, "own");
    input.value = "";
  });
}

/** @param {Party} party */
export function showChat(party) {
  messages.replaceChildren();
  let known = party.participants;
  let status = party.room.status;
  on(party, "participants", () => {
    addChanges(known, party.participants);
    known = party.participants;
  });
  on(party, "room", () => {
    if (party.room.status === "playing" && status === "waiting") addNotice("The host has started");
    status = party.room.status;
  });
  on(party, "message", ({ peerId, data }) => {
    const author = known.find(({ id }) => id === peerId);
    addMessage(author?.name ?? peerId, typeof data === "string" ? data : `(${data.byteLength} bytes)`);
  });
}

/** @param {Party} party */
export function showWhetherSendable({ participants }) {
  button("send").disabled = !participants.some(({ state }) => state === "open");
}

/**
 * @param {Member[]} before
 * @param {Member[]} after
 */
function addChanges(before, after) {
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
  part(item, ".author").textContent = author;
  part(item, ".text").textContent = text;
  messages.append(item);
  messages.scrollTop = messages.scrollHeight;
}
