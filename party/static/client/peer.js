/**
 * Another participant, and how we reach it: at any time through one connection, which is begun anew
 * when it fails or when the other side begins another.
 */

import { Connection } from "./connection.js";
import { randomText } from "./random.js";
import { backoffMs } from "./timing.js";

/** @typedef {import("./negotiation.js").SignalPayload} SignalPayload */
/** @typedef {import("./negotiation.js").IceServers} IceServers */
/** @typedef {import("./pipe.js").Data} Data */
/** @typedef {import("./pipe.js").Packed} Packed */

/**
 * @typedef {"connecting"|"open"|"interrupted"} PeerState
 * `interrupted`: packets do not get through at the moment; it may mend itself.
 */

/** How many early candidates are kept; a peer that needs more has lost its way. */
const MOST_EARLY_SIGNALS = 100;
/** A peer that can be reached by signals but not by packets is tried ever more rarely. */
const LONGEST_RESTART_DELAY_MS = 60_000;
/** How long the other side has for its answer, once it has been seen to be awake. */
const ANSWER_DEADLINE_MS = 10_000;
/** The polite side lets the other one restart first, so that they rarely do so both. */
const POLITE_DELAY_MS = 2_000;
/** A connection often ends because the other side is leaving: the news of that may be on its way. */
const FAREWELL_MS = 1_500;
/** Who has not been heard of for this long has probably gone without leaving, or sleeps. */
const EXPECTED_FOR_MS = 60_000;

/**
 * @typedef {object} PeerOptions
 * @property {string} id
 * @property {boolean} polite  whether our own offers give way
 * @property {IceServers} iceServers
 * @property {Map<MediaStreamTrack, MediaStream>} tracks  what to send, now and in later connections
 * @property {(type: "offer"|"answer"|"ice", payload: SignalPayload) => string} post  gives its `clientMsgId`
 * @property {(state: PeerState) => void} onState
 * @property {() => void} onFailed  the connection is lost and will be begun anew after a while
 * @property {(data: Data) => void} onData
 * @property {number} [maxMessageBytes]  more in one piece is not taken
 * @property {(bytes: number) => void} [onTooLarge]  so many were sent in one piece, and are dropped
 * @property {(event: RTCTrackEvent) => void} onTrack
 */

export class Peer {
  #options;
  /** @type {Connection|null} */
  #connection = null;
  /** @type {SignalPayload[]} candidates of a connection whose offer has not come yet */
  #earlySignals = [];
  /** @type {PeerState} */
  #state = "connecting";
  /** When the other side was last known to be there. */
  #lastSignOfLife = performance.now();
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #restartTimer;

  /** @param {PeerOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get state() {
    return this.#state;
  }

  /** Whether its connection is about to open, as far as one can tell. */
  get isExpected() {
    return this.#state !== "open" && performance.now() - this.#lastSignOfLife < EXPECTED_FOR_MS;
  }

  /** Begin a new connection, in place of the one there may be. */
  start() {
    this.#replaceConnection(randomText(8)).start();
  }

  /** Begin a new connection unless one is open or on its way. */
  startIfIdle() {
    if (this.#connection === null) this.start();
  }

  /** Give up a connection that is not open: a signal for it may have been lost. */
  abandonAttempt() {
    if (!this.#connection?.isOpen) this.close();
  }

  /**
   * The other side has not fetched a signal in time. It may have been asleep, and may not have seen our
   * offer: begin again, unless we have since.
   *
   * @param {string} clientMsgId
   */
  onExpired(clientMsgId) {
    if (this.#state === "open") this.#connection?.onLost(clientMsgId);
    else if (this.#connection?.hasPosted(clientMsgId)) this.start();
  }

  /**
   * The service has refused a signal: it never reaches the other side.
   *
   * @param {string} clientMsgId
   */
  onRefused(clientMsgId) {
    this.#connection?.onLost(clientMsgId);
  }

  /**
   * @param {"offer"|"answer"|"ice"} type
   * @param {SignalPayload} payload
   */
  receive(type, payload) {
    this.#lastSignOfLife = performance.now();
    if (type === "offer" && this.#isNewConnection(payload)) this.#acceptNewConnection(payload.connection);
    if (this.#connection && payload.connection === this.#connection.id) {
      this.#connection.receive(type, payload);
    } else if (type === "ice") {
      this.#earlySignals = [...this.#earlySignals, payload].slice(-MOST_EARLY_SIGNALS);
    } else if (type === "answer") {
      this.#onStaleAnswer();
    }
  }

  /**
   * @param {Packed} packed
   * @returns {boolean} false: there is no open channel
   */
  send(packed) {
    return this.#connection?.send(packed) ?? false;
  }

  /**
   * @param {MediaStreamTrack} track  is in `tracks` already, for later connections
   * @param {MediaStream} stream
   */
  addTrack(track, stream) {
    this.#connection?.addTrack(track, stream);
  }

  /** @param {MediaStreamTrack} track */
  removeTrack(track) {
    this.#connection?.removeTrack(track);
  }

  /** Close the connection; a new one may be begun by either side at any time. */
  close() {
    clearTimeout(this.#restartTimer);
    this.#restartTimer = undefined;
    this.#connection?.close();
    this.#connection = null;
    this.#setState("connecting");
  }

  /** @param {SignalPayload} payload  of an offer */
  #isNewConnection({ connection, negotiation }) {
    return negotiation === 1 && connection !== this.#connection?.id;
  }

  /**
   * The other side has begun a connection: ours, if we had one, is of no use any more. Unless we have
   * begun one at the same time. Then the polite side's gives way.
   *
   * @param {string} id
   */
  #acceptNewConnection(id) {
    if (this.#connection?.awaitsFirstAnswer && !this.#options.polite) return this.#awaitAnswer(this.#connection);
    const connection = this.#replaceConnection(id);
    for (const payload of this.#earlySignals.splice(0)) {
      if (payload.connection === id) connection.receive("ice", payload);
    }
  }

  /**
   * The polite side should answer us now. If it has dropped our offer, as it may have failed to apply it,
   * both would wait for ever: offer again.
   *
   * @param {Connection} connection
   */
  #awaitAnswer(connection) {
    this.#restartTimer ??= setTimeout(() => {
      this.#restartTimer = undefined;
      if (this.#connection === connection && connection.awaitsFirstAnswer) this.start();
    }, ANSWER_DEADLINE_MS);
  }

  /**
   * The other side believes in a connection that we have given up. If we believe in another one of its
   * own, both would wait for ever (one of us was rejoining while both began), so begin again. If we
   * wait for an answer ourselves, the other side will find our offer and give up what it believes in.
   */
  #onStaleAnswer() {
    if (this.#connection?.isOpen || this.#connection?.awaitsFirstAnswer) return;
    this.start();
  }

  /** @param {string} id */
  #replaceConnection(id) {
    this.close();
    this.#connection = new Connection({
      ...this.#options,
      id,
      onState: (state) => (state === "failed" ? this.#onFailed() : this.#setState(state)),
    });
    return this.#connection;
  }

  #onFailed() {
    this.close();
    this.#failures += 1;
    const politeMs = this.#options.polite ? POLITE_DELAY_MS : 0;
    const delayMs = FAREWELL_MS + backoffMs(this.#failures, LONGEST_RESTART_DELAY_MS) + politeMs;
    this.#restartTimer = setTimeout(() => this.start(), delayMs);
    this.#options.onFailed();
  }

  /** @param {PeerState} state */
  #setState(state) {
    if (state === "open") this.#failures = 0;
    if (state === this.#state) return;
    this.#state = state;
    this.#lastSignOfLife = performance.now();
    this.#options.onState(state);
  }
}
