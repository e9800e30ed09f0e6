/**
 * Signals on their way out. Those that arise within a moment leave in one request, which is how an
 * offer travels together with its first candidates, and the offers to all peers together.
 */

import { randomText } from "./random.js";

/** @typedef {import("./api.js").OutgoingSignal} OutgoingSignal */

/** The contract's limit for one request. */
const LARGEST_BATCH = 100;

export class Outbox {
  /** @type {OutgoingSignal[]} waiting for what may follow in the next moment */
  #gathering = [];
  /** @type {OutgoingSignal[]} */
  #due = [];
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #gatherMs;
  #onDue;

  /**
   * @param {() => number} gatherMs  how long to wait for what may follow
   * @param {() => void} onDue  called when there is a batch to send
   */
  constructor(gatherMs, onDue) {
    this.#gatherMs = gatherMs;
    this.#onDue = onDue;
  }

  /** Whether there will be a batch to send in a moment. */
  get isGathering() {
    return this.#gathering.length > 0;
  }

  /** Whether there is a batch to send. */
  get isDue() {
    return this.#due.length > 0;
  }

  /**
   * @param {string} toId
   * @param {OutgoingSignal["type"]} type
   * @param {Record<string, any>} payload
   */
  post(toId, type, payload) {
    const last = this.#gathering.findLast((signal) => signal.toId === toId);
    if (last && type === "ice" && belongTogether(last, payload)) {
      last.payload.candidates.push(...payload.candidates);
    } else {
      this.#gathering.push({ toId, type, payload, clientMsgId: randomText(12) });
    }
    this.#timer ??= setTimeout(() => this.#release(), this.#gatherMs());
  }

  /** @returns {OutgoingSignal[]} what to send now; it stays here until it is `sent` */
  batch() {
    return this.#due.slice(0, LARGEST_BATCH);
  }

  /** @returns {OutgoingSignal[]} what is not `sent` yet, still gathering or not: one batch of it */
  lastBatch() {
    return [...this.#due, ...this.#gathering].slice(0, LARGEST_BATCH);
  }

  /** @param {OutgoingSignal[]} batch  need not be sent any more */
  sent(batch) {
    const gone = new Set(batch);
    this.#due = this.#due.filter((signal) => !gone.has(signal));
  }

  /** @param {string} toId  whose signals are of no use any more */
  discard(toId) {
    this.#due = this.#due.filter((signal) => signal.toId !== toId);
    this.#gathering = this.#gathering.filter((signal) => signal.toId !== toId);
  }

  #release() {
    this.#timer = undefined;
    this.#due.push(...this.#gathering.splice(0));
    if (this.isDue) this.#onDue();
  }
}

/**
 * Whether further candidates can travel in the same signal, as nothing of it has been sent yet.
 *
 * @param {OutgoingSignal} signal
 * @param {Record<string, any>} payload
 */
function belongTogether({ type, payload: { connection, negotiation } }, payload) {
  return type === "ice" && connection === payload.connection && negotiation === payload.negotiation;
}
