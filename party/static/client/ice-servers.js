/**
 * The ICE servers that the service names: along with the seat, or asked for while a party begins, and again in time,
 * as the credentials of TURN servers are good for a limited time. A service may know nothing of ICE servers; then
 * there are none.
 */

import { ApiError } from "./errors.js";
import { retrying } from "./timing.js";

/** They are asked for again when this part of their time is over. */
const REFRESH_PART = 0.8;
/** When they could not be renewed, it is tried again after this. */
const RETRY_MS = 60_000;

/** @typedef {{iceServers: RTCIceServer[], ttlSeconds: number}} NamedServers  as the service answers */

export class IceServers {
  #fetch;
  #onError;
  /** @type {RTCIceServer[]} as they are known */
  current = [];
  /** By `Date.now`: timers and other clocks may stand still while a computer sleeps. */
  #refreshAt = 0;
  /** @type {Promise<void>|null} */
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
      await (this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null)));
    }
    return this.current;
  }

  /** @param {NamedServers} named */
  #take(named) {
    this.current = named.iceServers;
    this.#refreshAt = Date.now() + named.ttlSeconds * 1000 * REFRESH_PART;
  }

  async #refresh() {
    try {
      this.#take(await retrying(this.#fetch, 2));
    } catch (error) {
      const isNone = error instanceof ApiError && error.code === "NOT_FOUND";
      this.#refreshAt = isNone ? Infinity : Date.now() + RETRY_MS;
      if (error instanceof ApiError && !isNone) this.#onError(error);
    }
  }
}
