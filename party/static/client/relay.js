/**
 * Small data through the service, as a feature: what is said to peers to whom there is no channel (link.js) travels as
 * signals of the type `data`, in requests of their own, so that no offer waits for them.
 */

import { Link } from "./link.js";
import { MOST_PAYLOAD_BYTES } from "./packets.js";
import { randomText } from "./random.js";

/** Between two requests; what is said first leaves at once. */
const GATHER_MS = 100;
/** As in outbox.js. */
const BATCH_BYTES = 90 * 1024;
const BATCH = 100;
const LEAST_PAYLOAD_BYTES = 1024;
/** After a refusal that names no time. */
const REFUSED_MS = 5_000;
/** What a firewall has taken offence at should not be repeated often. */
const BLOCKED_MS = 30_000;
/** How long pages talk after the last word, as far as the pace of polls goes. */
const TALK_LASTS_MS = 10_000;

/** @typedef {import("./contract.js").OutgoingSignal} OutgoingSignal */
/** @typedef {import("./errors.js").ApiError} ApiError */
/** @typedef {import("./link.js").LinkEvents} LinkEvents */
/** @typedef {import("./talk.js").Talk} Talk */

/** What a party does where no path opens. */
export class Relay {
  /** @type {import("./options.js").Checks} */
  static pageOptions = {
    relay: ["true or false", (value) => typeof value === "boolean"],
    relayAfterMs: ["a number of milliseconds", (value) => Number.isFinite(value) && value >= 0],
  };

  /**
   * @param {import("./membership.js").Membership} membership
   * @returns {import("./answers.js").Follower}
   */
  static follow(membership) {
    if (membership.page.relay === false) return {};
    const post = new RelayPost(membership);
    membership.carry(post);
    return { onEvent: ({ type, payload }) => void (type === "signal-expired" && post.onExpired(payload.clientMsgId)) };
  }
}

/** What is to be sent through the service, to all peers. */
export class RelayPost {
  #membership;
  /** @type {Map<string, Link>} by peer */
  #links = new Map();
  /** @type {OutgoingSignal[]} */
  #ready = [];
  /** @type {Map<string, Link>} who has posted what, by its `clientMsgId` */
  #posted = new Map();
  #isOff = false;
  #isPacking = false;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #dueAt = Infinity;
  #packedAt = -Infinity;
  #heldUntil = -Infinity;
  #talkedAt = -Infinity;
  #batchBytes = BATCH_BYTES;
  #payloadBytes = MOST_PAYLOAD_BYTES;
  /** Whether the next batch is for one peer only, as somebody is to blame for a refusal. */
  #isSorting = false;

  /** @param {import("./membership.js").Membership} membership */
  constructor(membership) {
    this.#membership = membership;
  }

  /** How long there is no channel before the service is asked. */
  get afterMs() {
    return this.#membership.page.relayAfterMs ?? 8_000;
  }

  get isOn() {
    return !this.#isOff && this.#membership.room.settings?.relay !== false;
  }

  /** Whether pages talk through the service just now. */
  get isTalking() {
    return performance.now() - this.#talkedAt < TALK_LASTS_MS;
  }

  get isDue() {
    return this.#ready.length > 0 && performance.now() >= this.#heldUntil;
  }

  /**
   * @param {string} peerId
   * @param {Talk} talk
   * @param {LinkEvents} events
   */
  link(peerId, talk, events) {
    const link = new Link(this, peerId, talk, events);
    this.#links.set(peerId, link);
    return link;
  }

  /** @param {Link} link */
  end(link) {
    if (this.#links.get(link.peerId) === link) this.#links.delete(link.peerId);
    this.#ready = this.#ready.filter(({ clientMsgId }) => this.#posted.get(clientMsgId) !== link);
  }

  /** @param {number} delayMs  until something is to be packed */
  schedule(delayMs) {
    const now = performance.now();
    const at = Math.max(now + delayMs, this.#packedAt + GATHER_MS, this.#heldUntil);
    if (at >= this.#dueAt) return;
    clearTimeout(this.#timer);
    this.#dueAt = at;
    this.#timer = setTimeout(() => this.#pack(), at - now);
  }

  noteTalk() {
    this.#talkedAt = performance.now();
  }

  /** @returns {OutgoingSignal[]} what to send now; it stays here until it is `sent` or `refused` */
  batch() {
    if (!this.isDue) return [];
    const batch = [];
    let bytes = 0;
    for (const signal of this.#ready.slice(0, BATCH)) {
      bytes += JSON.stringify(signal).length;
      const isForAnother = this.#isSorting && signal.toId !== this.#ready[0].toId;
      if (batch.length > 0 && (bytes > this.#batchBytes || isForAnother)) break;
      batch.push(signal);
    }
    return batch;
  }

  /** @param {OutgoingSignal[]} batch */
  sent(batch) {
    this.#remove(batch);
    this.noteTalk();
    this.#batchBytes = Math.min(BATCH_BYTES, this.#batchBytes * 2);
    this.#payloadBytes = Math.min(MOST_PAYLOAD_BYTES, this.#payloadBytes * 2);
    if (this.#ready.length === 0) this.#isSorting = false;
    for (const link of new Set(batch.map(({ clientMsgId }) => this.#posted.get(clientMsgId)))) link?.onSent();
    this.schedule(0);
  }

  /**
   * The service has taken nothing of a batch.
   *
   * @param {OutgoingSignal[]} batch
   * @param {ApiError} error
   */
  refused(batch, { code, retryAfterMs }) {
    const [{ toId }] = batch;
    const isForOne = batch.every((signal) => signal.toId === toId);
    this.#isSorting ||= code === "PEER_NOT_FOUND" || code === "MAILBOX_FULL";
    if (code === "RELAY_OFF") {
      this.#isOff = true;
      for (const link of [...this.#links.values()]) link.turnOff();
    } else if (code === "RELAY_LIMIT") {
      this.#batchBytes /= 2;
      if (batch.length === 1) this.#packSmaller(retryAfterMs || REFUSED_MS);
    } else if (this.#isSorting && !isForOne) {
      // The next one is for one of them.
    } else if (code === "PEER_NOT_FOUND") {
      this.#links.get(toId)?.turnOff();
    } else {
      this.#remove(this.#ready.filter((signal) => signal.toId === toId));
      this.#links.get(toId)?.askLater(Math.max(code === "BLOCKED" ? BLOCKED_MS : REFUSED_MS, retryAfterMs));
    }
  }

  /** @param {string|null} clientMsgId  of a signal that the other page has not fetched in time */
  onExpired(clientMsgId) {
    this.#posted.get(clientMsgId ?? "")?.onExpired();
  }

  /** @param {number} ms */
  #hold(ms) {
    this.#heldUntil = performance.now() + ms;
    setTimeout(() => this.#onDue(), ms);
  }

  /**
   * Not even one packet has room in what is left of this minute, or in any minute.
   *
   * @param {number} retryAfterMs
   */
  #packSmaller(retryAfterMs) {
    this.#hold(retryAfterMs);
    this.#payloadBytes = Math.max(LEAST_PAYLOAD_BYTES, this.#payloadBytes / 2);
    this.#remove(this.#ready);
    for (const link of this.#links.values()) link.packAgain();
    this.schedule(0);
  }

  async #pack() {
    this.#timer = undefined;
    this.#dueAt = Infinity;
    if (this.#isPacking) return this.schedule(GATHER_MS);
    this.#isPacking = true;
    this.#packedAt = performance.now();
    for (const link of [...this.#links.values()]) {
      for (let payload; (payload = await link.pack(this.#payloadBytes)); ) this.#post(link, payload);
      if (link.confirmAt < Infinity) this.schedule(link.confirmAt - performance.now());
    }
    this.#isPacking = false;
    this.#onDue();
  }

  /**
   * @param {Link} link
   * @param {import("./packets.js").Packet} payload
   */
  #post(link, payload) {
    if (this.#links.get(link.peerId) !== link) return; // it has ended meanwhile
    const signal = { toId: link.peerId, type: /** @type {"data"} */ ("data"), payload, clientMsgId: randomText(12) };
    this.#membership.trace.add({ kind: "sent", type: "data", peerId: link.peerId, payload });
    this.#posted.set(signal.clientMsgId, link);
    if (this.#posted.size > 1_000) this.#posted.delete(this.#posted.keys().next().value ?? "");
    this.#ready.push(signal);
  }

  #onDue() {
    if (this.isDue) this.#membership.wake();
  }

  /** @param {OutgoingSignal[]} signals */
  #remove(signals) {
    const gone = new Set(signals);
    this.#ready = this.#ready.filter((signal) => !gone.has(signal));
  }
}
