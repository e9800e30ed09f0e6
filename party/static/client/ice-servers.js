/**
 * The ICE servers that the service names: along with the seat, or asked for while a party begins, and again in time,
 * as the credentials of TURN servers are good for a limited time. A service may know nothing of ICE servers; then
 * there are none.
 */

import { ApiError } from "./errors.js";
import { retrying } from "./timing.js";

/** They are asked for again when this part of their time is over. */
const REFRESH_PART = 0.8;
/** Where some are known, nobody waits for longer than this for others. */
const PATIENCE_MS = 5_000;
/** When they could not be renewed, it is tried again after this; when nothing is known, sooner. */
const RETRY_MS = 60_000;
const FIRST_RETRY_MS = 10_000;

/**
 * @typedef {object} NamedServers  as the service answers
 * @property {RTCIceServer[]} iceServers
 * @property {RTCIceTransportPolicy} [iceTransportPolicy]
 * @property {number} ttlSeconds
 */

export class IceServers {
  #fetch;
  #onError;
  /** @type {RTCIceServer[]} as they are known */
  current = [];
  /**
   * Whether pages may learn each other's addresses. Until that is known, they do not.
   *
   * @type {RTCIceTransportPolicy}
   */
  policy = "relay";
  #isKnown = false;
  /** By `Date.now`: timers and other clocks may stand still while a computer sleeps. */
  #refreshAt = 0;
  /** @type {Promise<unknown>|null} while they are asked for: settled when nobody waits for that any more */
  #refreshing = null;

  /**
   * @param {() => Promise<NamedServers>} fetch  asks the service
   * @param {(error: ApiError) => void} onError  they cannot be known or renewed for now
   * @param {NamedServers} [named]  where they are known
   */
  constructor(fetch, onError, named) {
    this.#fetch = fetch;
    this.#onError = onError;
    if (named) this.#take(named);
  }

  /** @returns {Promise<RTCIceServer[]>} asked for before, if it is time; never rejects */
  async fresh() {
    if (Date.now() >= this.#refreshAt) {
      const refresh = () => this.#refresh().finally(() => (this.#refreshing = null));
      const patience = () => new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
      await (this.#refreshing ??= this.#isKnown ? Promise.race([refresh(), patience()]) : refresh());
    }
    return this.current;
  }

  /** @param {NamedServers} named */
  #take(named) {
    this.current = named.iceServers;
    this.#know(named.iceTransportPolicy);
    this.#refreshAt = Date.now() + named.ttlSeconds * 1000 * REFRESH_PART;
  }

  async #refresh() {
    try {
      this.#take(await retrying(this.#fetch, 2));
    } catch (error) {
      const isNone = error instanceof ApiError && error.code === "NOT_FOUND";
      if (isNone) this.#know();
      this.#refreshAt = isNone ? Infinity : Date.now() + (this.#isKnown ? RETRY_MS : FIRST_RETRY_MS);
      if (error instanceof ApiError && !isNone) this.#onError(error);
    }
  }

  /** @param {RTCIceTransportPolicy} policy */
  #know(policy = "all") {
    this.policy = policy;
    this.#isKnown = true;
  }
}
