/**
 * The one conversation with the service: polls, and sends that are polls too, one after the other.
 *
 * With a single request in flight there is a single cursor, and every message of the stream is handled
 * exactly once and in order, whatever becomes of requests and answers on the way: the next request
 * repeats the cursor, and the service repeats what was not acknowledged.
 */

import { Flight, GIVEN_UP } from "./flight.js";
import { AT_ONCE_MS } from "./member-api.js";
import { Outbox } from "./outbox.js";
import { asApiError, isAboutData, isBelieved, isFinal } from "./refusals.js";
import { Sleep } from "./sleep.js";
import { backoffMs } from "./timing.js";

/** @typedef {import("./contract.js").PollAnswer} PollAnswer */
/** @typedef {import("./errors.js").ApiError} ApiError */
/** @typedef {import("./contract.js").OutgoingSignal} OutgoingSignal */

/**
 * Whoever has just entered knows how things stand; whoever has offers to make polls by sending them.
 * Later the service sets the pace.
 */
const FIRST_POLL_MS = 150;
/** A hidden page with nothing to connect: whoever comes meanwhile has some seconds to spare. */
const HIDDEN_POLL_MS = 5_000;
/** A page that has tried to connect in vain for long, and one that talks through the service meanwhile. */
const PATIENT_POLL_MS = 1_000;
const TALKING_POLL_MS = 250;
/** The outbox ends this wait as soon as it has gathered. */
const GATHERING_MS = 100;
/** What a firewall or a captive portal has taken offence at should not be repeated often: it may shut us out. */
const LONGEST_BLOCKED_DELAY_MS = 30_000;

/**
 * @typedef {object} PollLoopOptions
 * @property {Pick<import("./member-api.js").MemberApi, "poll"|"send">} api
 * @property {number} cursor  the `seq` of the room as it was entered
 * @property {() => boolean} mayRest  whether no connection is being made or waited for
 * @property {() => boolean} [isPatient]  whether the only connections being made have been tried in vain for long
 * @property {(answer: PollAnswer) => void} onAnswer  gets each message once, in order; must not throw
 * @property {(error: ApiError) => void} onError  a failed request; temporary ones are tried again
 * @property {(signals: OutgoingSignal[]) => void} [onRefused]  signals that the service will never
 *   take, and that are not sent again
 * @property {(error: ApiError) => void} onStop  the service will not answer this participant any more
 */

/**
 * @typedef {object} Carried  what sends signals in requests of its own, and tries them again itself
 * @property {boolean} isDue
 * @property {boolean} isTalking  whether there has been anything recently
 * @property {() => OutgoingSignal[]} batch
 * @property {(batch: OutgoingSignal[]) => void} sent
 * @property {(batch: OutgoingSignal[], error: ApiError) => void} refused
 */

/**
 * @typedef {object} Enclosed  what travels with a request: as fields of its body, or with a poll as headers
 * @property {any} reports
 * @property {object} fields
 * @property {Record<string, string>} headers
 */

/**
 * @typedef {object} Enclosing
 * @property {(isLast?: boolean) => Enclosed|null} take
 * @property {(reports: any) => void} putBack  the request has met an outage
 */

export class PollLoop {
  #api;
  #isPatient;
  #mayRest;
  #onAnswer;
  #onError;
  #onRefused;
  #onStop;
  /** @type {number|null} everything up to here has been handled; null: start over */
  #cursor;
  #startsOver = false;
  #outbox = new Outbox(() => this.wake());
  /** In a row. A send that fails again and again fails in a row, though polls in between are answered. */
  #failures = 0;
  /** How often in a row a send has failed, or parts of it have. */
  #failedSends = 0;
  /** After a failure a poll tells whether the service is back, and what has changed in the room. */
  #mustPoll = false;
  #stopped = false;
  #sleep = new Sleep();
  #flight = new Flight();
  /** @type {Carried|null} */
  #carried = null;
  /** @type {Enclosing|null} */
  #enclosing = null;

  /** @param {PollLoopOptions} options */
  constructor({ api, cursor, mayRest, isPatient = () => false, onAnswer, onError, onRefused = () => {}, onStop }) {
    this.#api = api;
    this.#cursor = cursor;
    this.#mayRest = mayRest;
    this.#isPatient = isPatient;
    this.#onAnswer = onAnswer;
    this.#onError = onError;
    this.#onRefused = onRefused;
    this.#onStop = onStop;
  }

  /** Poll until `stop`, or until the service has given its last answer. */
  async run() {
    globalThis.document?.addEventListener("visibilitychange", this.#onVisible);
    globalThis.addEventListener?.("online", this.#onReturn);
    await this.#sleep.for(FIRST_POLL_MS);
    while (!this.#stopped) {
      const delayMs = await this.#turn();
      await this.#sleep.for(delayMs);
    }
  }

  /** Stop at once; a request in flight is abandoned. */
  stop() {
    this.#stopped = true;
    this.#flight.giveUp();
    this.#sleep.end();
    globalThis.document?.removeEventListener("visibilitychange", this.#onVisible);
    globalThis.removeEventListener?.("online", this.#onReturn);
  }

  /** @param {Carried} carried */
  carry(carried) {
    this.#carried = carried;
  }

  /** @param {Enclosing} enclosing */
  enclose(enclosing) {
    this.#enclosing = enclosing;
  }

  /** Ask for the room as a whole, soon. What has been handled is not handled again. */
  startOver() {
    this.#startsOver = true;
    this.wake();
  }

  /** Take the next turn now, unless the service is to be left alone for a while. */
  wake() {
    if (this.#failures > 0) return;
    this.#sleep.end();
    if (this.#flight.isPoll) this.#flight.giveUpIfHeld();
  }

  /**
   * Send a signal with those that follow within a moment.
   *
   * @param {string} toId
   * @param {"offer"|"answer"|"ice"} type
   * @param {Record<string, any>} payload  throws a `TypeError` if JSON cannot express it
   * @returns {string} the `clientMsgId` under which it is sent
   */
  post(toId, type, payload) {
    return this.#outbox.post(toId, type, payload);
  }

  /**
   * Forget what was posted for a peer and has not been sent.
   *
   * @param {string} toId
   */
  discard(toId) {
    this.#outbox.discard(toId);
  }

  /** @returns {OutgoingSignal[]} what is not known to be stored, as far as one request takes it */
  unsent() {
    return this.#outbox.lastBatch();
  }

  /** A page that is looked at again wants to know at once what it has missed. */
  #onVisible = () => {
    if (globalThis.document?.visibilityState === "visible") this.#onReturn();
  };

  /**
   * The network is back, or the reason to rest is gone: whatever we are waiting for, wait no longer. A send
   * that has not been answered by now has met the dead network, too, and can be repeated.
   */
  #onReturn = () => {
    this.#sleep.end();
    this.#flight.giveUpIfHeld();
  };

  /**
   * One request and what follows from it.
   *
   * @returns {Promise<number>} milliseconds until the next
   */
  async #turn() {
    this.#sleep.allow();
    const maySend = this.#cursor !== null && !this.#mustPoll && !this.#startsOver;
    const signals = maySend ? this.#outbox.batch() : [];
    const data = maySend && signals.length === 0 ? (this.#carried?.batch() ?? []) : [];
    const batch = [...signals, ...data]; // one of them
    // In a moment there will be a send, which is a poll, too.
    if (maySend && batch.length === 0 && this.#outbox.isGathering) return GATHERING_MS;
    // While requests fail, we want to know at once when they do no more. Who rests leaves its place to others.
    const mayBeHeld = batch.length === 0 && this.#failures === 0 && !this.#rests;
    const sentAt = performance.now();
    const enclosed = this.#enclosing?.take() ?? null;
    try {
      const answer = await this.#request(batch, mayBeHeld, enclosed);
      if (this.#stopped) return 0;
      if (signals.length > 0) this.#onSent(signals);
      if (data.length > 0) this.#carried?.sent(data);
      this.#mustPoll = false;
      this.#receive(answer);
      const isDue = this.#outbox.isDue || (this.#carried?.isDue ?? false);
      if (batch.length > 0 || !isDue) this.#failures = 0;
      // Answers with news come when the news do, whether they were held for them or not.
      const heldMs = mayBeHeld && answer.messages.length === 0 ? heldMsSince(sentAt) : 0;
      return isDue ? 0 : Math.max(0, this.#paceMs(answer) - heldMs);
    } catch (error) {
      if (this.#stopped) return 0;
      const failure = error === GIVEN_UP ? null : asApiError(error);
      if (enclosed && (!failure || failure.isTemporary)) this.#enclosing?.putBack(enclosed.reports);
      if (!failure) return 0;
      if (data.length === 0 || !isAboutData(failure)) return this.#afterFailure(failure, signals);
      this.#carried?.refused(data, failure);
      return 0;
    }
  }

  /**
   * @param {OutgoingSignal[]} batch
   * @param {boolean} mayBeHeld
   * @param {Enclosed|null} enclosed
   */
  #request(batch, mayBeHeld, enclosed) {
    const known = this.#cursor;
    if (batch.length > 0 && known !== null) {
      return this.#flight.make(false, (signal) => this.#api.send(batch, known, signal, enclosed?.fields));
    }
    const cursor = this.#startsOver ? null : known;
    const headers = enclosed?.headers;
    return this.#flight.make(true, (signal) => this.#api.poll(cursor, { mayBeHeld, signal, headers }));
  }

  /** @param {PollAnswer} answer */
  #receive(answer) {
    const cursor = this.#cursor ?? 0;
    const messages = answer.messages.filter(({ seq }) => seq > cursor);
    this.#cursor = answer.seq;
    if (answer.room) this.#startsOver = false;
    this.#onAnswer({ ...answer, messages });
  }

  /** Whether this is a hidden page with nothing to connect. */
  get #rests() {
    return globalThis.document?.visibilityState === "hidden" && this.#mayRest();
  }

  /** @param {PollAnswer} answer */
  #paceMs({ more, pollAfterMs }) {
    if (more) return pollAfterMs;
    if (this.#rests) return Math.max(HIDDEN_POLL_MS, pollAfterMs);
    // The service asks for haste wherever somebody tries to connect.
    if (!this.#isPatient()) return pollAfterMs;
    return Math.max(this.#carried?.isTalking ? TALKING_POLL_MS : PATIENT_POLL_MS, pollAfterMs);
  }

  /** @param {OutgoingSignal[]} batch */
  #onSent(batch) {
    this.#outbox.sent(batch);
    if (!this.#outbox.isDividing) this.#failedSends = 0;
  }

  /**
   * @param {ApiError} error
   * @param {OutgoingSignal[]} batch
   * @returns {number} milliseconds until the next turn
   */
  #afterFailure(error, batch) {
    const sending = batch.length > 0;
    this.#mustPoll = true;
    // Whoever asked for this turn has had it.
    this.#sleep.allow();
    if (sending && error.code === "ROOM_ENDED") {
      // A poll still tells why.
      this.#outbox.sent(batch);
      return 0;
    }
    if (isFinal(error)) {
      this.stop();
      this.#onStop(error);
      return 0;
    }
    if (error.code === "BAD_CURSOR") {
      this.#cursor = null;
    } else if (sending && isBelieved(error, ++this.#failedSends)) {
      // The service is there, and the rest of what there is to send need not wait.
      this.#mustPoll = false;
      this.#drop(this.#outbox.refused(batch), error);
      return error.isBlocked ? backoffMs(1) : 0;
    } else if (sending && error.code === "MAILBOX_FULL" && this.#outbox.passOver(batch)) {
      this.#mustPoll = false;
      return 0;
    }
    this.#failures += 1;
    // Somebody leaving in this very moment is nothing to report.
    if (error.code !== "PEER_NOT_FOUND") this.#onError(error);
    const longestMs = error.isBlocked ? LONGEST_BLOCKED_DELAY_MS : undefined;
    return Math.max(backoffMs(this.#failures, longestMs), error.retryAfterMs);
  }

  /**
   * @param {OutgoingSignal[]} signals  that were refused alone; none where that is still to be found out
   * @param {ApiError} error
   */
  #drop(signals, error) {
    if (signals.length === 0) return;
    if (!this.#outbox.isDividing) this.#failedSends = 0;
    if (error.code !== "PEER_NOT_FOUND") this.#onError(error);
    this.#onRefused(signals);
  }
}

/**
 * How long the service has held a poll: so much of the time until the next one has been waited already.
 *
 * @param {number} sentAt
 */
function heldMsSince(sentAt) {
  const tookMs = performance.now() - sentAt;
  return tookMs > AT_ONCE_MS ? tookMs : 0;
}
