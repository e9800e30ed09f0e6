/**
 * The one conversation with the service: polls, and sends that are polls too, one after the other.
 *
 * With a single request in flight there is a single cursor, and every message of the stream is handled
 * exactly once and in order, whatever becomes of requests and answers on the way: the next request
 * repeats the cursor, and the service repeats what was not acknowledged.
 */

import { ApiError } from "./errors.js";
import { AT_ONCE_MS } from "./member-api.js";
import { Outbox } from "./outbox.js";
import { backoffMs } from "./timing.js";

/** @typedef {import("./contract.js").PollAnswer} PollAnswer */
/** @typedef {import("./contract.js").OutgoingSignal} OutgoingSignal */

/** After these the token or the room is gone, and with it any use in asking again. */
const FINAL_STATUSES = new Set([401, 403, 410]);

/**
 * Whoever has just entered knows how things stand; whoever has offers to make polls by sending them.
 * Later the service sets the pace.
 */
const FIRST_POLL_MS = 150;
/** A hidden page with nothing to connect: whoever comes meanwhile has some seconds to spare. */
const HIDDEN_POLL_MS = 5_000;
/** The outbox ends this wait as soon as it has gathered. */
const GATHERING_MS = 100;
/**
 * A poll that is out for longer than the quickest answer by so much is being held by the service, and given
 * up when there is something to send; so is one that is out for longer than any good answer takes.
 */
const HELD_AFTER = { factor: 1.5, extraMs: 20, longestMs: 150 };

/** What a firewall or a captive portal has taken offence at should not be repeated often: it may shut us out. */
const LONGEST_BLOCKED_DELAY_MS = 30_000;
/**
 * How often in a row a send fails, with good polls in between, until we believe that it always will. All other
 * refusals are believed at once, and outages never.
 *
 * @type {Record<string, number>}
 */
const BELIEVED_AFTER = { PEER_NOT_FOUND: 2, BLOCKED: 2, NETWORK: 6, INTERNAL: 6 };

/** What a request that was given up ends with, whatever the browser makes of it: not a failure. */
const GIVEN_UP = Symbol("given up for another request");

/**
 * @typedef {object} PollLoopOptions
 * @property {Pick<import("./member-api.js").MemberApi, "poll"|"send">} api
 * @property {number} cursor  the `seq` of the room as it was entered
 * @property {() => import("./outbox.js").GatherTimes} gatherTimes
 * @property {() => boolean} mayRest  whether no connection is being made or waited for
 * @property {(answer: PollAnswer) => void} onAnswer  gets each message once, in order; must not throw
 * @property {(error: ApiError) => void} onError  a failed request; temporary ones are tried again
 * @property {(signals: OutgoingSignal[]) => void} [onRefused]  signals that the service will never
 *   take, and that are not sent again
 * @property {(error: ApiError) => void} onStop  the service will not answer this participant any more
 */

export class PollLoop {
  #api;
  #mayRest;
  #onAnswer;
  #onError;
  #onRefused;
  #onStop;
  /** @type {number|null} everything up to here has been handled; null: start over */
  #cursor;
  #startsOver = false;
  #outbox;
  /** In a row. A send that fails again and again fails in a row, though polls in between are answered. */
  #failures = 0;
  /** How often in a row a send has failed, or parts of it have. */
  #failedSends = 0;
  /** After a failure a poll tells whether the service is back, and what has changed in the room. */
  #mustPoll = false;
  #stopped = false;
  /** Whether somebody has asked for the next turn before it was slept for. */
  #awake = false;
  #endSleep = () => {};
  /** @type {{aborter: AbortController, sentAt: number, isPoll: boolean}|null} */
  #inFlight = null;
  #quickestAnswerMs = Infinity;

  /** @param {PollLoopOptions} options */
  constructor({ api, cursor, gatherTimes, mayRest, onAnswer, onError, onRefused = () => {}, onStop }) {
    this.#api = api;
    this.#cursor = cursor;
    this.#outbox = new Outbox(gatherTimes, () => this.wake());
    this.#mayRest = mayRest;
    this.#onAnswer = onAnswer;
    this.#onError = onError;
    this.#onRefused = onRefused;
    this.#onStop = onStop;
  }

  /** Poll until `stop`, or until the service has given its last answer. */
  async run() {
    globalThis.document?.addEventListener("visibilitychange", this.#onVisible);
    globalThis.addEventListener?.("online", this.#onReturn);
    await this.#sleep(FIRST_POLL_MS);
    while (!this.#stopped) {
      const delayMs = await this.#turn();
      await this.#sleep(delayMs);
    }
  }

  /** Stop at once; a request in flight is abandoned. */
  stop() {
    this.#stopped = true;
    this.#inFlight?.aborter.abort();
    this.#endSleep();
    globalThis.document?.removeEventListener("visibilitychange", this.#onVisible);
    globalThis.removeEventListener?.("online", this.#onReturn);
  }

  /** Ask for the room as a whole, soon. What has been handled is not handled again. */
  startOver() {
    this.#startsOver = true;
    this.wake();
  }

  /** Take the next turn now, unless the service is to be left alone for a while. */
  wake() {
    if (this.#failures > 0) return;
    this.#awake = true;
    this.#endSleep();
    if (this.#inFlight?.isPoll) this.#giveUpIfHeld();
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
    this.#awake = true;
    this.#endSleep();
    this.#giveUpIfHeld();
  };

  /** Give up the request in flight when it is out for longer than answers take. */
  #giveUpIfHeld() {
    const request = this.#inFlight;
    if (!request) return;
    const answerMs = this.#quickestAnswerMs * HELD_AFTER.factor + HELD_AFTER.extraMs;
    const heldInMs = request.sentAt + Math.min(answerMs, HELD_AFTER.longestMs) - performance.now();
    const giveUp = () => this.#inFlight === request && request.aborter.abort();
    setTimeout(giveUp, Math.max(0, heldInMs));
  }

  /**
   * One request and what follows from it.
   *
   * @returns {Promise<number>} milliseconds until the next
   */
  async #turn() {
    this.#awake = false;
    const maySend = this.#cursor !== null && !this.#mustPoll && !this.#startsOver;
    const batch = maySend ? this.#outbox.batch() : [];
    // In a moment there will be a send, which is a poll, too.
    if (maySend && batch.length === 0 && this.#outbox.isGathering) return GATHERING_MS;
    // While requests fail, we want to know at once when they do no more. Who rests leaves its place to others.
    const mayBeHeld = batch.length === 0 && this.#failures === 0 && !this.#rests;
    const sentAt = performance.now();
    try {
      const answer = await this.#request(batch, mayBeHeld);
      if (this.#stopped) return 0;
      this.#quickestAnswerMs = Math.min(this.#quickestAnswerMs, performance.now() - sentAt);
      if (batch.length > 0) this.#onSent(batch);
      this.#mustPoll = false;
      this.#receive(answer);
      const { isDue } = this.#outbox;
      if (batch.length > 0 || !isDue) this.#failures = 0;
      // Answers with news come when the news do, whether they were held for them or not.
      const heldMs = mayBeHeld && answer.messages.length === 0 ? heldMsSince(sentAt) : 0;
      return isDue ? 0 : Math.max(0, this.#paceMs(answer) - heldMs);
    } catch (error) {
      if (this.#stopped || error === GIVEN_UP) return 0;
      return this.#afterFailure(asApiError(error), batch);
    }
  }

  /**
   * @param {OutgoingSignal[]} batch
   * @param {boolean} mayBeHeld
   */
  async #request(batch, mayBeHeld) {
    const aborter = new AbortController();
    const isPoll = batch.length === 0 || this.#cursor === null;
    const cursor = this.#startsOver ? null : this.#cursor;
    this.#inFlight = { aborter, sentAt: performance.now(), isPoll };
    try {
      return await (isPoll || this.#cursor === null
        ? this.#api.poll(cursor, { mayBeHeld, signal: aborter.signal })
        : this.#api.send(batch, this.#cursor, aborter.signal));
    } catch (error) {
      throw aborter.signal.aborted ? GIVEN_UP : error;
    } finally {
      this.#inFlight = null;
    }
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
    return this.#rests && !more ? Math.max(HIDDEN_POLL_MS, pollAfterMs) : pollAfterMs;
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
    this.#awake = false;
    if (sending && error.code === "ROOM_ENDED") {
      // A poll still tells why.
      this.#outbox.sent(batch);
      return 0;
    }
    // What somebody in between answers is no word about the token or the room.
    if (FINAL_STATUSES.has(error.status) && !error.isBlocked) {
      this.stop();
      this.#onStop(error);
      return 0;
    }
    if (error.code === "BAD_CURSOR") {
      this.#cursor = null;
    } else if (sending && this.#isRefused(error)) {
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
   * Whether a batch would be refused for ever.
   *
   * @param {ApiError} error
   */
  #isRefused(error) {
    this.#failedSends += 1;
    const patience = error.isOutage || error.status === 429 ? Infinity : 1;
    return this.#failedSends >= (BELIEVED_AFTER[error.code] ?? patience);
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

  /** @param {number} delayMs */
  #sleep(delayMs) {
    if (this.#stopped || this.#awake) return Promise.resolve();
    return /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        const timer = setTimeout(resolve, delayMs);
        this.#endSleep = () => {
          clearTimeout(timer);
          resolve();
        };
      })
    );
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

/**
 * Polling goes on whatever happens, and never ends without a word: a fault of ours, or of a browser that
 * lacks what we use, is told as any other failure, and tried again as one.
 *
 * @param {unknown} error
 */
function asApiError(error) {
  if (error instanceof ApiError) return error;
  console.error("party: a poll failed", error);
  return new ApiError({ code: "CLIENT_ERROR", message: `The client failed: ${error}`, status: 0 });
}
