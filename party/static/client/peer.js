/**
 * Another participant, and how we reach it: at any time through one connection, which is begun anew
 * when it fails or when the other side begins another; and where there is none, through the service.
 */

import { Connection } from "./connection.js";
import { randomText } from "./random.js";
import { Standing } from "./standing.js";
import { Talk } from "./talk.js";
import { backoffMs } from "./timing.js";

/** @typedef {import("./negotiation.js").SignalPayload} SignalPayload */
/** @typedef {import("./negotiation.js").IceServers} IceServers */
/** @typedef {import("./pipe.js").Packed} Packed */
/** @typedef {import("./standing.js").PeerState} PeerState */
/** @typedef {import("./standing.js").Why} Why */

/** How many early candidates are kept; a peer that needs more has lost its way. */
const MOST_EARLY_SIGNALS = 100;
/** A peer that can be reached by signals but not by packets is tried ever more rarely. */
const LONGEST_RESTART_DELAY_MS = 60_000;
/** How long the other side has for its answer, once it has been seen to be awake. */
const ANSWER_DEADLINE_MS = 10_000;
/** After this a page that is awake has answered. */
const LATE_MS = 5_000;
/** A first attempt is begun anew after this. */
const FIRST_ATTEMPT_MS = 12_000;
/** A later one that has been answered, and the first where the other side has begun it, has this long. */
const LATER_ATTEMPT_MS = 20_000;
/** The polite side lets the other one restart first, so that they rarely do so both. */
const POLITE_DELAY_MS = 2_000;
/** A connection often ends because the other side is leaving: the news of that may be on its way. */
const FAREWELL_MS = 1_500;
/** Who has not been heard of for this long has probably gone without leaving, or sleeps. */
const EXPECTED_FOR_MS = 60_000;
/** What has not opened for this long will not do so in the next moment. */
const HOPED_FOR_MS = 30_000;

/**
 * @typedef {object} OwnOptions
 * @property {string} id
 * @property {boolean} polite  whether our own offers give way
 * @property {number} [page]  when this page came (talk.js)
 * @property {IceServers} iceServers
 * @property {Map<MediaStreamTrack, MediaStream>} tracks  what to send, now and in later connections
 * @property {(type: "offer"|"answer"|"ice", payload: SignalPayload) => string} post  gives its `clientMsgId`
 * @property {() => boolean} [isAway]  whether the service knows that the other side sleeps
 * @property {Pick<import("./relay.js").RelayPost, "afterMs"|"link">} [relay]
 * @property {(state: PeerState, why: Why) => void} onState
 * @property {() => void} onFailed  the connection is lost and will be begun anew after a while
 * @property {(event: RTCPeerConnectionIceErrorEvent) => void} [onCandidateError]
 * @property {(event: RTCTrackEvent) => void} onTrack
 *
 * @typedef {OwnOptions & import("./talk.js").TalkOptions} PeerOptions
 */

export class Peer {
  #options;
  #talk;
  #link;
  #standing;
  /** @type {Connection|null} */
  #connection = null;
  /** @type {import("./reasons.js").Attempt|null} what was seen of the last that failed */
  #failed = null;
  /** @type {SignalPayload[]} candidates of a connection whose offer has not come yet */
  #earlySignals = [];
  /** When the other side was last known to be there. */
  #lastSignOfLife = performance.now();
  #failures = 0;
  #attempts = 0;
  #attemptedAt = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #restartTimer;
  /** @type {ReturnType<typeof setTimeout>[]} run while an attempt is not open */
  #attemptTimers = [];
  /** Whether both sides have WebRTC, as far as is known. */
  #connects = typeof globalThis.RTCPeerConnection === "function";
  beganAt = performance.now();

  /** @param {PeerOptions} options */
  constructor(options) {
    this.#options = options;
    this.id = options.id;
    this.#talk = new Talk(options.page ?? 0, options);
    this.#link = options.relay?.link(options.id, this.#talk, {
      onReady: () => this.#standing.setRelayed(true),
      onOff: () => this.#standing.setRelayed(false),
      onHeard: (theyConnect) => theyConnect || this.#giveUpConnecting(),
    });
    const isWaiting = () => performance.now() - this.#attemptedAt >= LATE_MS;
    this.#standing = new Standing({
      relayAfterMs: this.#connects ? (options.relay?.afterMs ?? 0) : 0,
      startRelay: () => this.#startRelay(),
      see: () => ({
        connects: this.#connects,
        isAway: options.isAway?.() ?? false,
        attempt: this.#connection?.attempt ?? null,
        isLate: this.#attempts > 0 && isWaiting(),
        hasFailed: false,
        failed: this.#failed,
      }),
      onChange: options.onState,
    });
  }

  get state() {
    return this.#standing.state;
  }

  get reason() {
    return this.#standing.why.reason;
  }

  /** How often a connection was begun anew. */
  get restarts() {
    return Math.max(0, this.#attempts - 1);
  }

  /** Whether its connection is about to open, as far as one can tell. */
  get isExpected() {
    return this.state !== "open" && performance.now() - this.#lastSignOfLife < EXPECTED_FOR_MS;
  }

  /** Whether it has not been tried in vain for long. */
  get isHopeful() {
    return this.state !== "open" && performance.now() - this.#standing.since < HOPED_FOR_MS;
  }

  /** Begin a new connection, in place of the one there may be. */
  start() {
    if (!this.#connects) return;
    this.#replaceConnection(randomText(8), FIRST_ATTEMPT_MS).start();
  }

  /** Begin a new connection unless one is open or on its way. */
  startIfIdle() {
    if (this.#connection === null) this.start();
  }

  /** Give up a connection that is not open: a signal for it may have been lost. */
  abandonAttempt() {
    if (!this.#connection?.isOpen) this.close();
  }

  /** Something that is known of the participant may have changed. */
  update() {
    this.#standing.update();
  }

  /**
   * The other side has not fetched a signal in time. It may have been asleep, and may not have seen our
   * offer: begin again, unless we have since.
   *
   * @param {string} clientMsgId
   */
  onExpired(clientMsgId) {
    if (this.state === "open") this.#connection?.onLost(clientMsgId);
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
   * @param {"offer"|"answer"|"ice"|"data"} type
   * @param {any} payload  a `SignalPayload`, or what packets.js has
   */
  receive(type, payload) {
    if (type === "data") return this.#link?.receive(payload);
    if (!this.#connects) return;
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
   * @returns {boolean} false: it is not reached, or too much is under way to it
   */
  send(packed) {
    if (!["open", "interrupted", "relayed"].includes(this.state)) return false;
    const isTaken = this.#talk.send(packed, this.#connection?.isOpen ?? false);
    this.#link?.pump();
    return isTaken;
  }

  /** What kind of path an open connection takes. */
  async path() {
    return this.#connection?.path();
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
    if (this.#connection?.isOpen) this.#lastSignOfLife = performance.now();
    if (this.#connection?.attempt.refusal) this.#failed = this.#connection.attempt;
    clearTimeout(this.#restartTimer);
    this.#restartTimer = undefined;
    for (const timer of this.#attemptTimers.splice(0)) clearTimeout(timer);
    this.#connection?.close();
    this.#connection = null;
    this.#talk.close();
    this.#standing.set("none");
  }

  /** It is over with this peer. */
  end() {
    this.close();
    this.#link?.end();
    this.#standing.end();
    this.#talk.end();
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
    const connection = this.#replaceConnection(id, LATER_ATTEMPT_MS);
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

  /**
   * @param {string} id
   * @param {number} firstMs  how long it has, if it is the first
   */
  #replaceConnection(id, firstMs) {
    this.close();
    const isFirst = this.#attempts++ === 0;
    this.#attemptedAt = performance.now();
    const talk = this.#talk;
    /** @type {Connection} */
    const connection = new Connection({
      ...this.#options,
      id,
      onState: (state) => (state === "failed" ? this.#onFailed() : this.#onChannel(connection, state)),
      onData: (data, tag) => talk.onData(tag, data),
      onTooLarge: (bytes, tag) => talk.onTooLarge(tag, bytes),
      onWord: (text) => talk.onWord(connection, text),
      onSeen: () => this.update(),
    });
    this.#connection = connection;
    this.#attemptTimers = [
      setTimeout(() => this.update(), LATE_MS),
      setTimeout(() => this.#onDeadline(isFirst), isFirst ? firstMs : LATER_ATTEMPT_MS),
    ];
    return connection;
  }

  /**
   * @param {Connection} connection
   * @param {"open"|"interrupted"} state
   */
  #onChannel(connection, state) {
    for (const timer of this.#attemptTimers.splice(0)) clearTimeout(timer);
    this.#lastSignOfLife = performance.now();
    if (state === "open") {
      this.#failures = 0;
      this.#failed = null;
      this.#link?.stop();
      this.#talk.open(connection);
    }
    this.#standing.set(state);
  }

  /**
   * An attempt has neither opened nor failed. One that waits for its answer goes on waiting: the other side sleeps, and
   * finds the offer when it wakes.
   *
   * @param {boolean} isFirst
   */
  #onDeadline(isFirst) {
    const connection = this.#connection;
    if (!connection || (!isFirst && !connection.attempt.isAnswered)) return;
    if (!isFirst || !connection.isOwn) return this.#onFailed();
    this.#failed = connection.attempt;
    this.start();
  }

  #onFailed() {
    this.#failed = this.#connection?.attempt ?? this.#failed;
    this.close();
    this.#failures += 1;
    const politeMs = this.#options.polite ? POLITE_DELAY_MS : 0;
    const delayMs = FAREWELL_MS + backoffMs(this.#failures, LONGEST_RESTART_DELAY_MS) + politeMs;
    this.#restartTimer = setTimeout(() => this.start(), delayMs);
    this.#options.onFailed();
  }

  #startRelay() {
    this.#link?.start(typeof globalThis.RTCPeerConnection === "function");
  }

  /** The other side has no WebRTC. */
  #giveUpConnecting() {
    if (!this.#connects) return;
    this.#connects = false;
    this.close();
    this.#startRelay();
  }
}
