/** The chat: plain texts over the data channels, or through the service, with who came and went. */

import { isBlank } from "../client/input.js";
import { button, element, fromTemplate, on, part } from "./dom.js";

/** @typedef {import("../party.js").Party} Party */
/** @typedef {Party["participants"][number]} Member */

/** A page that is sent megabytes of text, or messages without end, shall still answer to its person. */
const LONGEST_SHOWN = 10_000;
const MOST_ITEMS = 500;

const log = element("message-log");
const messages = element("messages");
const input = /** @type {HTMLInputElement} */ (element("message-text"));

/** @param {() => Party|null} current */
export function initChat(current) {
  element("message-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value;
    if (isBlank(text) || !current()?.broadcast(text)) return;
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
    addMessage(author?.name ?? peerId, typeof data === "string" ? shown(data) : `(${data.byteLength} bytes)`);
  });
  on(party, "message-dropped", ({ peerId, bytes }) => {
    const author = known.find(({ id }) => id === peerId);
    addMessage(author?.name ?? peerId, `(${bytes.toLocaleString("en")} bytes: too much for this page)`);
  });
}

/** @param {Party} party */
export function showWhetherSendable({ participants }) {
  button("send").disabled = !participants.some(({ state }) => state === "open" || state === "relayed");
}

/** @param {string} text  of somebody who may have another page than this one */
function shown(text) {
  const rest = text.length - LONGEST_SHOWN;
  if (rest > 0) return `${text.slice(0, LONGEST_SHOWN)} … (${rest.toLocaleString("en")} more characters)`;
  return isBlank(text) ? "(a message without text)" : text;
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
  if (messages.children.length > MOST_ITEMS) messages.firstElementChild?.remove();
  log.scrollTop = log.scrollHeight;
}
