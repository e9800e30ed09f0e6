/**
 * Signals on their way out. Those that arise within a moment leave in one request, which is how an
 * offer travels together with its first candidates, and the offers to all peers together.
 */

import { randomText } from "./random.js";

/** @typedef {import("./contract.js").OutgoingSignal} OutgoingSignal */

/** The contract's limit for one request. */
const LARGEST_BATCH = 100;
/**
 * Far below the contract's limit: a third more when it is encoded, it is still below the 128 KiB beyond which
 * firewalls usually refuse a body. A signal that is larger by itself is sent by itself.
 */
const LARGEST_BATCH_BYTES = 90 * 1024;
/** Browsers give the requests that outlive a page 64 KiB together. */
const LARGEST_LAST_BATCH_BYTES = 60 * 1024;

/**
 * How long a description waits for candidates to travel with. A browser knows those of its own addresses within some
 * milliseconds; when none has followed for the quiet time, those that do come from a STUN server, and travel by
 * themselves: pages that are near each other need not wait for them. (The end of gathering is no better sign:
 * Chromium waits 100 ms for it where no server is asked.)
 */
const GATHERED_WITHIN_MS = 60;
const QUIET_MS = 8;
/** Late candidates, one from each STUN server and address, wait so long for each other. */
const LATE_MS = 30;

export class Outbox {
  /** @type {OutgoingSignal[]} waiting for what may follow in the next moment */
  #gathering = [];
  /** @type {OutgoingSignal[]} */
  #due = [];
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  /** When the first of those that are gathering has waited for long enough. */
  #dueAt = 0;
  /** How many go in one batch: fewer while one is sought that the service refuses. */
  #atMost = LARGEST_BATCH;
  /** @type {Set<string>} whose mailbox is full, as far as was found since we last waited */
  #full = new Set();
  #onDue;

  /** @param {() => void} onDue  called when there is a batch to send */
  constructor(onDue) {
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
   * @param {Record<string, any>} payload  is copied; throws a `TypeError` if JSON cannot express it
   * @returns {string} the `clientMsgId` under which it is sent
   */
  post(toId, type, payload) {
    const copy = JSON.parse(JSON.stringify(payload));
    let signal = [...this.#gathering].reverse().find((waiting) => waiting.toId === toId);
    if (signal && type === "ice" && belongTogether(signal, copy)) {
      signal.payload.candidates.push(...copy.candidates);
    } else {
      signal = { toId, type, payload: copy, clientMsgId: randomText(12) };
      this.#gathering.push(signal);
    }
    this.#wait(type === "ice");
    return signal.clientMsgId;
  }

  /** Whether a batch was refused, and which of its signals is to blame is being found out. */
  get isDividing() {
    return this.#atMost < LARGEST_BATCH;
  }

  /** @returns {OutgoingSignal[]} what to send now; it stays here until it is `sent` or `refused` */
  batch() {
    const [first] = this.#due;
    return first ? [first, ...fitting(this.#due.slice(1, this.#atMost), LARGEST_BATCH_BYTES - sizeOf(first))] : [];
  }

  /**
   * @returns {OutgoingSignal[]} what is not `sent` yet, still gathering or not: as much of it as the browser
   *   still takes when the page goes
   */
  lastBatch() {
    return fitting([...this.#due, ...this.#gathering].slice(0, LARGEST_BATCH), LARGEST_LAST_BATCH_BYTES);
  }

  /** @param {OutgoingSignal[]} batch  need not be sent any more */
  sent(batch) {
    this.#remove(batch);
    this.#full.clear();
    this.#atMost = this.isDue ? Math.min(this.#atMost * 2, LARGEST_BATCH) : LARGEST_BATCH;
  }

  /**
   * The service takes all of a batch or nothing of it, so one signal is refused together with those to
   * others. The next batches are parts of this one, until it is alone.
   *
   * @param {OutgoingSignal[]} batch
   * @returns {OutgoingSignal[]} what was refused alone, and is dropped
   */
  refused(batch) {
    if (batch.length > 1) {
      this.#atMost = Math.ceil(batch.length / 2);
      return [];
    }
    this.#remove(batch);
    if (!this.isDue) this.#atMost = LARGEST_BATCH;
    return batch;
  }

  /**
   * The mailbox of somebody in this batch is full. Those to others need not wait for it.
   *
   * @param {OutgoingSignal[]} batch
   * @returns {boolean} whether there is another batch that may do better now
   */
  passOver(batch) {
    if (batch.length > 1) return this.refused(batch).length === 0;
    for (const { toId } of batch) this.#full.add(toId);
    const isFull = (/** @type {OutgoingSignal} */ { toId }) => this.#full.has(toId);
    const others = this.#due.filter((signal) => !isFull(signal));
    this.#due = [...others, ...this.#due.filter(isFull)]; // in order for each of them
    if (others.length === 0) this.#full.clear();
    return others.length > 0;
  }

  /** @param {string} toId  whose signals are of no use any more */
  discard(toId) {
    this.#due = this.#due.filter((signal) => signal.toId !== toId);
    this.#gathering = this.#gathering.filter((signal) => signal.toId !== toId);
  }

  /** @param {OutgoingSignal[]} batch */
  #remove(batch) {
    const gone = new Set(batch);
    this.#due = this.#due.filter((signal) => !gone.has(signal));
  }

  /** @param {boolean} isCandidate  what has been posted just now */
  #wait(isCandidate) {
    const now = performance.now();
    if (this.#timer === undefined) this.#dueAt = now + (isCandidate ? LATE_MS : GATHERED_WITHIN_MS);
    clearTimeout(this.#timer);
    const leftMs = Math.max(0, this.#dueAt - now);
    const isLate = this.#gathering.every(({ type }) => type === "ice");
    this.#timer = setTimeout(() => this.#release(), isCandidate && !isLate ? Math.min(QUIET_MS, leftMs) : leftMs);
  }

  #release() {
    this.#timer = undefined;
    this.#due.push(...this.#gathering.splice(0));
    if (this.isDue) this.#onDue();
  }
}

/**
 * As many of them, from the first on, as have room in so many bytes.
 *
 * @param {OutgoingSignal[]} signals
 * @param {number} bytes
 */
function fitting(signals, bytes) {
  let used = 0;
  const tooMany = signals.findIndex((signal) => (used += sizeOf(signal)) > bytes);
  return tooMany < 0 ? signals : signals.slice(0, tooMany);
}

/**
 * How much a signal adds to the body of a request.
 *
 * @param {OutgoingSignal} signal
 */
function sizeOf(signal) {
  return new TextEncoder().encode(JSON.stringify(signal)).length + 1; // and a comma
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
