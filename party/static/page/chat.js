/**
 * The chat: what the service keeps for whoever comes later, and who came and went. A text goes over the data channels,
 * too: so it is there at once where one is open, and where the service is away it is there at all.
 */

import { isBlank } from "../client/input.js";
import { button, element, on, setText } from "./dom.js";
import { initDrawing } from "./drawing.js";
import { fillItem, messageItem, removeItem, showReactions } from "./message.js";
import { initPictures, showWhetherPictures } from "./pictures.js";

/** @typedef {import("../party.js").Party} Party */
/** @typedef {import("../party.js").ChatMessage} ChatMessage */
/** @typedef {Party["participants"][number]} Member */
/** @typedef {{fromId: string, text: string, at: number, item?: HTMLElement}} Half  with an item where it came directly */

/** A page that is sent megabytes of text, or messages without end, shall still answer to its person. */
const LONGEST_SHOWN = 10_000;
const MOST_ITEMS = 500;
/** The same text by the same person within so long, once directly and once kept, is one. */
const SAME_WITHIN_MS = 30_000;

const log = element("message-log");
const messages = element("messages");
const input = /** @type {HTMLInputElement} */ (element("message-text"));
const earlier = button("earlier");

/** @type {Chat|null} */
let chat = null;
/** Whoever reads further up is left there. */
let isAtEnd = true;

/**
 * @param {() => Party|null} current
 * @param {(reason: unknown) => void} onRefused
 */
export function initChat(current, onRefused) {
  element("message-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!isBlank(input.value) && current() && chat?.say(input.value.trim())) input.value = "";
  });
  input.addEventListener("input", () => current()?.typing?.(input.value !== ""));
  earlier.addEventListener("click", () => chat?.showEarlier());
  log.addEventListener("scroll", () => (isAtEnd = log.scrollTop + log.clientHeight > log.scrollHeight - 24));
  new ResizeObserver(() => {
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  }).observe(messages);
  initDrawing((drawing) => current()?.say(drawing).catch(onRefused));
  initPictures(current, onRefused);
}

/**
 * @param {Party} party
 * @param {(reason: unknown) => void} onRefused
 */
export function showChat(party, onRefused) {
  messages.replaceChildren();
  earlier.hidden = true;
  setText(element("typing"), "");
  chat = new Chat(party, onRefused);
}

/** @param {Party} party */
export function showWhetherSendable(party) {
  const isKept = isKeeping(party);
  const isHeard = party.participants.some(({ state }) => state === "open" || state === "relayed");
  button("send").disabled = !isKept && !isHeard;
  element("attach").hidden = !isKept;
  showWhetherPictures(party);
}

/**
 * @param {object} party
 * @returns {boolean} whether its client has messages, which can be left out
 */
function isKeeping(party) {
  return "say" in party;
}

class Chat {
  #party;
  #onRefused;
  /** @type {Map<number, HTMLElement>} what the service keeps */
  #kept = new Map();
  /** @type {Half[]} what came in one way, and may in the other */
  #halves = [];

  /**
   * @param {Party} party
   * @param {(reason: unknown) => void} onRefused
   */
  constructor(party, onRefused) {
    this.#party = party;
    this.#onRefused = onRefused;
    this.#showNotices();
    on(party, "message", ({ peerId, data }) => this.#onDirect(peerId, data));
    on(party, "message-dropped", ({ peerId, bytes }) => {
      this.#add({ author: this.#name(peerId), text: `(${bytes.toLocaleString("en")} bytes: too much for this page)` });
    });
    on(party, "chat", ({ message }) => this.#onKept(message));
    on(party, "chat-deleted", ({ messageId }) => removeItem(this.#kept.get(messageId)));
    on(party, "chat-reaction", ({ messageId, reactions }) => {
      const item = this.#kept.get(messageId);
      if (item) showReactions(item, reactions, party, onRefused);
    });
    on(party, "chat-missed", () => this.#showHistory());
    on(party, "typing", ({ participantIds }) => setText(element("typing"), typingText(participantIds.map(this.#name))));
    this.#showHistory();
  }

  /**
   * @param {string} text
   * @returns {boolean} whether it is on its way to anybody
   */
  say(text) {
    const party = this.#party;
    isAtEnd = true;
    if (!isKeeping(party)) return party.broadcast(text) > 0 && Boolean(this.#add({ author: "You", text, kind: "own" }));
    const others = party.participants.filter(({ id, state }) => state === "open" && party.send(id, text));
    party.typing?.(false);
    const item = this.#add({ author: "You", text, kind: "own" });
    item.classList.add("pending");
    this.#halves.push({ fromId: party.id, text, at: performance.now(), item });
    party.say(text).catch((reason) => {
      item.classList.replace("pending", "unkept");
      item.title = "It was not kept for whoever comes later.";
      if (others.length === 0) this.#onRefused(reason);
    });
    return true;
  }

  showEarlier() {
    this.#showHistory(Math.min(...this.#kept.keys()));
  }

  /**
   * What was said before this page came, or before a message.
   *
   * @param {number} [before]
   */
  async #showHistory(before) {
    const party = this.#party;
    if (!isKeeping(party)) return;
    try {
      const { messages: found, more } = await party.messages({ before });
      if (chat !== this) return;
      const items = found.filter(({ id }) => !this.#kept.has(id)).map((message) => this.#keptItem(message));
      messages.prepend(...items); // above what is being said now
      earlier.hidden = !more;
    } catch (reason) {
      this.#onRefused(reason);
    }
  }

  #showNotices() {
    const party = this.#party;
    let { status } = party.room;
    let known = party.participants;
    on(party, "participants", () => {
      for (const text of changesBetween(known, party.participants)) this.#add({ author: "", text, kind: "notice" });
      known = party.participants;
    });
    on(party, "room", () => {
      const isStarted = party.room.status === "playing" && status === "waiting";
      if (isStarted) this.#add({ author: "", text: "The host has started", kind: "notice" });
      status = party.room.status;
    });
  }

  /**
   * @param {string} peerId
   * @param {string|ArrayBuffer} data
   */
  #onDirect(peerId, data) {
    const text = typeof data === "string" ? data : "";
    if (text && this.#otherHalf(peerId, text, false)) return;
    const item = this.#add({ author: this.#name(peerId), text: text ? shown(text) : sizeOf(data) });
    if (text) this.#halves.push({ fromId: peerId, text, at: performance.now(), item });
  }

  /** @param {ChatMessage} message  has just been said */
  #onKept(message) {
    if (this.#kept.has(message.id)) return;
    const text = message.type === "text" ? message.content : "";
    const half = text ? this.#otherHalf(message.fromId, text, true) : undefined;
    const item = half?.item ?? this.#append(this.#keptItem(message, true));
    if (half) this.#fill(item, message, true);
    else if (text) this.#halves.push({ fromId: message.fromId, text, at: performance.now() });
  }

  /**
   * The same text, if it has come the other way already.
   *
   * @param {string} fromId
   * @param {string} text
   * @param {boolean} isKept  whether this is what the service keeps
   */
  #otherHalf(fromId, text, isKept) {
    const since = performance.now() - SAME_WITHIN_MS;
    this.#halves = this.#halves.filter(({ at, fromId: id }) => at > since || id === this.#party.id);
    const isOther = (/** @type {Half} */ half) =>
      half.fromId === fromId && half.text === text && Boolean(half.item) === isKept;
    const index = this.#halves.findIndex(isOther);
    return index < 0 ? undefined : this.#halves.splice(index, 1)[0];
  }

  /**
   * @param {ChatMessage} message
   * @param {boolean} [isNew]
   */
  #keptItem(message, isNew = false) {
    const isOwn = message.fromId === this.#party.id;
    const text = message.type === "text" ? message.content : "";
    const author = isOwn ? "You" : message.name;
    const item = messageItem({ author, text, kind: isOwn ? "own" : "other", at: new Date(message.createdAt) });
    this.#fill(item, message, isNew);
    return item;
  }

  /**
   * @param {HTMLElement} item
   * @param {ChatMessage} message
   * @param {boolean} isNew
   */
  #fill(item, message, isNew) {
    this.#kept.set(message.id, item);
    fillItem(item, message, this.#party, { isNew, onRefused: this.#onRefused });
  }

  /** @param {import("./message.js").Shown} what */
  #add(what) {
    return this.#append(messageItem(what));
  }

  /** @param {HTMLElement} item */
  #append(item) {
    messages.append(item);
    if (messages.children.length > MOST_ITEMS) messages.firstElementChild?.remove();
    return item;
  }

  #name = (/** @type {string} */ id) => this.#party.participants.find((each) => each.id === id)?.name ?? id;
}

/** @param {string} text  of somebody who may have another page than this one */
function shown(text) {
  const rest = text.length - LONGEST_SHOWN;
  if (rest > 0) return `${text.slice(0, LONGEST_SHOWN)} … (${rest.toLocaleString("en")} more characters)`;
  return isBlank(text) ? "(a message without text)" : text;
}

/** @param {string|ArrayBuffer} data */
function sizeOf(data) {
  return typeof data === "string" ? "(a message without text)" : `(${data.byteLength} bytes)`;
}

/** @param {string[]} names */
function typingText(names) {
  if (names.length === 0) return "";
  if (names.length > 3) return "Several people are typing …";
  return `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} typing …`;
}

/**
 * @param {Member[]} before
 * @param {Member[]} after
 */
function changesBetween(before, after) {
  const ids = (/** @type {Member[]} */ members) => new Set(members.map(({ id }) => id));
  return [
    ...after.filter(({ id }) => !ids(before).has(id)).map(({ name }) => `${name} has joined`),
    ...before.filter(({ id }) => !ids(after).has(id)).map(({ name }) => `${name} has left`),
  ];
}
