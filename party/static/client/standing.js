/** How it stands with a peer: its state as apps see it, and why there is no connection. */

import { reasonFor } from "./reasons.js";

/** @typedef {import("./reasons.js").Reason} Reason */
/** @typedef {import("./reasons.js").Refusal} Refusal */
/** @typedef {import("./reasons.js").Sight} Sight */

/**
 * @typedef {"connecting"|"open"|"interrupted"|"relayed"|"failed"} PeerState
 * `interrupted`: packets do not get through at the moment; it may mend itself. `relayed`: small data goes through the
 * service. `failed`: nothing has worked for 30 s; it goes on being tried.
 */

/** @typedef {object} Why
 * @property {Reason} [reason]
 * @property {string} [server]  that has refused
 * @property {number} [code]  with which it has
 */

/** So long nothing works before that is said. */
const FAILED_MS = 30_000;

export class Standing {
  #relayAfterMs;
  #startRelay;
  #see;
  #onChange;
  /** @type {"none"|"open"|"interrupted"} of the channel */
  #channel = "none";
  #isRelayed = false;
  #hasFailed = false;
  /** @type {{state: PeerState, reason?: Reason, code?: number}} */
  #told = { state: "connecting" };
  /** @type {ReturnType<typeof setTimeout>[]} run while there is no open channel */
  #timers = [];
  /** When there was an open channel for the last time. */
  since = performance.now();

  /**
   * @param {object} options
   * @param {number} options.relayAfterMs
   * @param {() => void} options.startRelay
   * @param {() => Sight & {failed: import("./reasons.js").Attempt|null}} options.see  `failed`: the attempt before
   * @param {(state: PeerState, why: Why) => void} options.onChange
   */
  constructor({ relayAfterMs, startRelay, see, onChange }) {
    this.#relayAfterMs = relayAfterMs;
    this.#startRelay = startRelay;
    this.#see = see;
    this.#onChange = onChange;
    this.#wait();
  }

  /** @returns {PeerState} */
  get state() {
    if (this.#channel === "open") return "open";
    if (this.#isRelayed) return "relayed";
    if (this.#channel === "interrupted") return "interrupted";
    return this.#hasFailed ? "failed" : "connecting";
  }

  /** @returns {Why} why there is no open channel, as far as that is known */
  get why() {
    if (this.#channel !== "none") return {};
    const { failed, ...sight } = this.#see();
    const now = reasonFor(sight);
    const reason = now ?? (failed ? reasonFor({ ...sight, attempt: failed, hasFailed: true }) : undefined);
    if (reason !== "turn-refused") return reason ? { reason } : {};
    return { reason, ...(sight.attempt?.refusal ?? failed?.refusal) };
  }

  /** @param {"none"|"open"|"interrupted"} channel */
  set(channel) {
    const wasOpen = this.#channel === "open";
    this.#channel = channel;
    if (channel === "open") {
      this.#stop();
      this.#isRelayed = this.#hasFailed = false;
    } else if (wasOpen) {
      this.since = performance.now();
      this.#wait();
    }
    this.update();
  }

  /** @param {boolean} isRelayed  whether the service takes what is said */
  setRelayed(isRelayed) {
    if (this.#channel === "open") return;
    this.#isRelayed = isRelayed;
    this.update();
  }

  /** Tell what has changed. */
  update() {
    const [state, why] = [this.state, this.why];
    const { reason, code } = this.#told;
    if (state === this.#told.state && why.reason === reason && why.code === code) return;
    this.#told = { state, ...why };
    this.#onChange(state, why);
  }

  /** Nothing is to be waited for any more. */
  end() {
    this.#stop();
    this.#isRelayed = this.#hasFailed = false;
    this.update();
  }

  #stop() {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
  }

  #wait() {
    const fail = () => {
      this.#hasFailed = true;
      this.update();
    };
    this.#timers = [setTimeout(() => this.#startRelay(), this.#relayAfterMs), setTimeout(fail, FAILED_MS)];
  }
}
