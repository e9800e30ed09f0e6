/** The calls that a participant may make, for its own room. Those of features are in the features' files. */

import { ApiError, REQUEST_TIMEOUT_MS } from "./api.js";
import { foreign } from "./errors.js";
import { inTurn } from "./turns.js";

/** How long a poll may be held until something comes. Many services hold none, and answer at once. */
const WAIT_SECONDS = 25;
const WAIT_MS = WAIT_SECONDS * 1000;
/**
 * Of a service that has just answered at once: it may hold no polls, or may only have had no place for this one.
 * So short that we do not take it for a dead network if it holds the next.
 */
const CAUTIOUS_WAIT_SECONDS = 15;
/** An answer that comes faster was not held, or not for long: a busy service takes some time, too. */
export const AT_ONCE_MS = 1_000;

/** @typedef {import("./contract.js").OutgoingSignal} OutgoingSignal */
/** @typedef {import("./contract.js").PollAnswer} PollAnswer */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */

/** What a participant may call, for its own room. */
export class MemberApi {
  #api;
  #code;
  #id;
  #headers;
  /** As far as we know. Where the service holds no polls, one that takes long has met a dead network. */
  #longestHoldMs = WAIT_MS;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./contract.js").Seat} seat
   */
  constructor(api, { code, id, token }) {
    this.#api = api;
    this.#code = code;
    this.#id = id;
    this.#headers = { Authorization: `Bearer ${token}` };
  }

  /**
   * @param {number|null} after  everything up to here has been processed; null: start over
   * @param {object} options
   * @param {boolean} options.mayBeHeld  until something comes, if the service does so
   * @param {AbortSignal} [options.signal]
   * @param {Record<string, string>} [options.headers]  further ones
   * @returns {Promise<PollAnswer>}
   */
  poll(after, { mayBeHeld, signal, headers }) {
    const poll = (/** @type {boolean} */ isHeld) => this.#poll(after, isHeld, signal, headers);
    return mayBeHeld ? inTurn(this.#api.baseUrl.href, poll) : poll(false);
  }

  /**
   * @param {number|null} after
   * @param {boolean} mayBeHeld
   * @param {AbortSignal} [signal]
   * @param {Record<string, string>} [further]
   * @returns {Promise<PollAnswer>}
   */
  async #poll(after, mayBeHeld, signal, further) {
    const waitSeconds = this.#longestHoldMs > 0 ? WAIT_SECONDS : CAUTIOUS_WAIT_SECONDS;
    // In headers rather than in the URL, so that one CORS preflight serves all polls.
    const headers = {
      ...this.#headers,
      ...further,
      "X-Party-Wait": String(mayBeHeld ? waitSeconds : 0),
      ...(after === null ? {} : { "X-Party-After": String(after) }),
    };
    const timeoutMs = REQUEST_TIMEOUT_MS + (mayBeHeld ? this.#longestHoldMs : 0);
    const startedAt = performance.now();
    try {
      const options = { headers, signal, timeoutMs };
      const answer = checked(await this.#api.call("GET", `signal/${this.#code}/${this.#id}`, options));
      // An answer with news has come when the news did, whether it was held for them or not.
      if (mayBeHeld && answer.messages.length === 0) {
        this.#longestHoldMs = performance.now() - startedAt > AT_ONCE_MS ? WAIT_MS : 0;
      }
      return answer;
    } catch (error) {
      // Perhaps it was held for longer than we believed possible.
      if (error instanceof ApiError) this.#longestHoldMs = WAIT_MS;
      throw error;
    }
  }

  /**
   * Send signals, all or none, and poll in the same request.
   *
   * @param {OutgoingSignal[]} messages  1 to 100
   * @param {number} after  as in `poll`
   * @param {AbortSignal} [signal]
   * @param {object} [fields]  further ones of the body
   * @returns {Promise<PollAnswer>}
   */
  async send(messages, after, signal, fields) {
    const body = { roomCode: this.#code, messages, after, ...fields };
    return checked(await this.#call("POST", "signal", { body, signal }));
  }

  /**
   * Send signals while the page is going away. Nobody will see the answer.
   *
   * @param {OutgoingSignal[]} messages
   * @param {object} [fields]  further ones of the body; there are some where there are no messages
   */
  sendLast(messages, fields) {
    const body = { roomCode: this.#code, ...(messages.length > 0 && { messages }), ...fields };
    return this.#call("POST", "signal", { body, keepalive: true });
  }

  /** Where the service is mounted. */
  get baseUrl() {
    return this.#api.baseUrl;
  }

  /** @returns {Promise<RoomWithYou>} the same seat with a new token, for a new page */
  rejoin() {
    return this.post("rejoin");
  }

  /** @returns {Promise<RoomWithYou>} */
  room() {
    return this.#call("GET", `rooms/${this.#code}`);
  }

  /** @returns {Promise<{iceServers: RTCIceServer[], ttlSeconds: number}>} */
  iceServers() {
    return this.#call("GET", `rooms/${this.#code}/ice-servers`);
  }

  /**
   * @param {{keepalive?: boolean}} [options]
   * @returns {Promise<void>}
   */
  leave(options) {
    return this.post("leave", undefined, options);
  }

  /** @returns {Promise<void>} */
  end() {
    return this.post("end");
  }

  /** Tell, at its last moment, that this page is about to sleep or close. */
  away() {
    return this.post("away", undefined, { keepalive: true });
  }

  /**
   * @param {string} what  the last part of its path
   * @returns {Promise<any>}
   */
  get(what) {
    return this.#call("GET", `rooms/${this.#code}/${what}`);
  }

  /**
   * A call that changes something in the room.
   *
   * @param {string} what  the last part of its path
   * @param {object} [body]  may be a form with a file
   * @param {{keepalive?: boolean, timeoutMs?: number}} [options]
   * @returns {Promise<any>}
   */
  post(what, body, options) {
    return this.#call("POST", `rooms/${this.#code}/${what}`, { ...options, body });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {import("./api.js").CallOptions & {body?: object}} [options]
   */
  #call(method, path, options = {}) {
    return this.#api.call(method, path, { ...options, headers: this.#headers });
  }
}

/**
 * An answer without a stream is not the service's, whatever it says of its success.
 *
 * @param {PollAnswer} answer
 */
function checked(answer) {
  if (!Array.isArray(answer.messages) || !Number.isInteger(answer.seq)) throw foreign(200);
  return answer;
}
