/**
 * The HTTP contract as functions: one method per call, answers without their envelope, and every
 * failure an `ApiError`, whether the service, a proxy before it or the network was the cause.
 */

import { encoded, plain } from "./bodies.js";
import { ApiError, foreign, unwrap } from "./errors.js";
import { reasonOf } from "./timing.js";
import { inTurn } from "./turns.js";

export { ApiError };

/** Longer than any answer takes that is not held back; a request that hangs must not stop the polling. */
const REQUEST_TIMEOUT_MS = 20_000;
/** For the question whether the service is there at all. */
const PROBE_TIMEOUT_MS = 5_000;
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

/**
 * @typedef {object} Participant
 * @property {string} id
 * @property {string} name
 * @property {boolean} isHost
 * @property {"host"|"guest"} role
 * @property {boolean} online  whether the service heard of it recently
 * @property {number} score
 * @property {string} joinedAt  ISO 8601, UTC
 */

/**
 * @typedef {object} Room
 * @property {string} code
 * @property {"waiting"|"playing"|"ended"} status
 * @property {string} hostId
 * @property {string} hostName
 * @property {number} maxParticipants
 * @property {number} secondsPerQuestion
 * @property {number} currentQuestion  an index, from 0
 * @property {Record<string, any>|null} quizData
 * @property {string} createdAt  ISO 8601, UTC, as the other times
 * @property {string|null} startedAt
 * @property {string|null} endedAt
 * @property {number} seq  where the stream of this room stands
 * @property {Participant[]} participants  in order of joining
 */

/**
 * @typedef {object} RoomPreview  what anyone may know who has the code
 * @property {string} code
 * @property {"waiting"|"playing"|"ended"} status
 * @property {string} hostName
 * @property {number} participantCount
 * @property {number} maxParticipants
 * @property {boolean} needsPassword
 */

/** @typedef {Room & {you: {id: string, role: "host"|"guest", token?: string}}} RoomWithYou */

/**
 * @typedef {object} StreamMessage  a signal to this participant, or an event in the room
 * @property {number} seq
 * @property {string} type  "offer", "answer", "ice", or an event such as "participant-joined"
 * @property {string|null} fromId
 * @property {string|null} toId
 * @property {Record<string, any>} payload
 * @property {string} createdAt  ISO 8601, UTC
 */

/**
 * @typedef {object} GivenAnswer
 * @property {number} questionIndex
 * @property {number} answerIndex  -1: no answer
 * @property {number} timeMs  how long it took; a whole number
 */

/**
 * @typedef {object} AnswerResult
 * @property {number} questionIndex
 * @property {boolean} isCorrect
 * @property {number} points  10 for a correct answer, and up to 5 for speed
 * @property {number} score  with these points
 * @property {true} [repeated]  the question had been answered before: this is the first result
 */

/** @typedef {{participantId: string, name: string, score: number}} Standing */

/**
 * @typedef {object} PollAnswer
 * @property {StreamMessage[]} messages  in ascending order of `seq`
 * @property {number} seq  the next cursor
 * @property {boolean} more  the answer was full, there is more at once
 * @property {boolean} gap  a signal has expired unseen
 * @property {RoomWithYou} [room]
 * @property {number} pollAfterMs
 */

/**
 * @typedef {object} OutgoingSignal
 * @property {string} toId
 * @property {"offer"|"answer"|"ice"} type
 * @property {Record<string, any>} payload
 * @property {string} clientMsgId  makes a repeated send harmless
 */

/**
 * @typedef {object} RequestRecord  how a request went
 * @property {string} method
 * @property {string} path
 * @property {number} status  0 where no answer came
 * @property {number} durationMs
 */

/**
 * @typedef {object} CallOptions
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]  gives the call up; it then rejects with the signal's reason
 * @property {number} [timeoutMs]
 * @property {boolean} [keepalive]  let the request outlive the page
 */

/**
 * What this page has learnt, by the service's address: that encoded bodies come through where others do not,
 * or that the service takes none.
 *
 * @type {Map<string, "helps"|"refused">}
 */
const encodings = new Map();

/** What anyone may call. */
export class Api {
  /** @type {(record: RequestRecord) => void} told of every request when it is over */
  onRequest = () => {};

  /** @param {URL} baseUrl  where the service is mounted, with a slash at its end */
  constructor(baseUrl) {
    this.baseUrl = baseUrl;
  }

  /**
   * @param {{hostName: string, password?: string, retryKey?: string, [option: string]: unknown}} body
   * @returns {Promise<RoomWithYou>}
   */
  createRoom(body) {
    return this.call("POST", "rooms", { body });
  }

  /**
   * @param {string} code
   * @param {{name: string, participantId?: string, password?: string, retryKey?: string}} body
   * @returns {Promise<RoomWithYou>}
   */
  joinRoom(code, body) {
    return this.call("POST", `rooms/${encodeURIComponent(code)}/join`, { body });
  }

  /**
   * @param {string} code
   * @returns {Promise<RoomPreview>}
   */
  preview(code) {
    return this.call("GET", `rooms/${encodeURIComponent(code)}`);
  }

  /**
   * @param {string} method
   * @param {string} path  relative to the mount point
   * @param {CallOptions & {body?: object}} [options]
   * @returns {Promise<any>} the answer's `data`; rejects with an `ApiError`, or a `TypeError` where the body
   *   is nothing that JSON can express
   */
  async call(method, path, { body, ...options } = {}) {
    const json = body && JSON.stringify(body);
    const encoding = encodings.get(this.baseUrl.href);
    if (!json || encoding === "refused") return this.#request(method, path, plain(json), options);
    if (encoding === "helps") return this.#request(method, path, encoded(json), options);
    try {
      return await this.#request(method, path, plain(json), options);
    } catch (error) {
      if (!(error instanceof ApiError) || !(await this.#isAboutBody(error, options))) throw error;
      return this.#callEncoded(method, path, json, options, error);
    }
  }

  /**
   * Whether it is the body that somebody in between has refused.
   *
   * @param {ApiError} error
   * @param {CallOptions} options
   */
  async #isAboutBody(error, { signal, keepalive }) {
    if (error.isBlocked) return error.status >= 400 && ![413, 429].includes(error.status);
    // From another site, a firewall's page cannot be told from a dead network. Is the service there?
    const isElsewhere = globalThis.location !== undefined && globalThis.location.origin !== this.baseUrl.origin;
    if (error.code !== "NETWORK" || !isElsewhere || keepalive) return false;
    return this.#request("GET", "health", plain(undefined), { signal, timeoutMs: PROBE_TIMEOUT_MS }).then(
      () => true,
      () => false,
    );
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {string} json
   * @param {CallOptions} options
   * @param {ApiError} refusal  how it went as it was
   */
  async #callEncoded(method, path, json, options, refusal) {
    try {
      const data = await this.#request(method, path, encoded(json), options);
      encodings.set(this.baseUrl.href, "helps");
      return data;
    } catch (error) {
      if (!(error instanceof ApiError) || error.isOutage) throw error;
      if (error.isBlocked) throw refusal;
      encodings.set(this.baseUrl.href, error.code === "JSON_REQUIRED" ? "refused" : "helps");
      throw error.code === "JSON_REQUIRED" ? refusal : error;
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {import("./bodies.js").RequestBody} body
   * @param {CallOptions} options
   */
  async #request(method, path, body, { headers, signal, timeoutMs = REQUEST_TIMEOUT_MS, keepalive }) {
    if (signal?.aborted) throw reasonOf(signal);
    const aborter = new AbortController();
    const abort = () => aborter.abort();
    const timer = setTimeout(abort, timeoutMs);
    signal?.addEventListener("abort", abort);
    const startedAt = performance.now();
    let status = 0;
    try {
      const response = await fetch(new URL(path, this.baseUrl), {
        method,
        headers: { ...body.headers, ...headers },
        body: body.content,
        signal: aborter.signal,
        credentials: "omit",
        keepalive,
      });
      const text = await response.text();
      status = response.status;
      return unwrap(status, text, response.headers?.get("Retry-After"));
    } catch (error) {
      if (signal?.aborted) throw reasonOf(signal);
      if (error instanceof ApiError) throw error;
      throw new ApiError({ code: "NETWORK", message: "The service cannot be reached.", status: 0 });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      this.onRequest({ method, path, status, durationMs: performance.now() - startedAt });
    }
  }
}

/** @typedef {{code: string, id: string, token: string}} Seat  what a page must know to act for a participant */

/** What a participant may call, for its own room. */
export class MemberApi {
  #api;
  #code;
  #id;
  #headers;
  /** As far as we know. Where the service holds no polls, one that takes long has met a dead network. */
  #longestHoldMs = WAIT_MS;

  /**
   * @param {Api} api
   * @param {Seat} seat
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
   * @returns {Promise<PollAnswer>}
   */
  poll(after, { mayBeHeld, signal }) {
    const poll = (/** @type {boolean} */ isHeld) => this.#poll(after, isHeld, signal);
    return mayBeHeld ? inTurn(this.#api.baseUrl.href, poll) : poll(false);
  }

  /**
   * @param {number|null} after
   * @param {boolean} mayBeHeld
   * @param {AbortSignal} [signal]
   * @returns {Promise<PollAnswer>}
   */
  async #poll(after, mayBeHeld, signal) {
    const waitSeconds = this.#longestHoldMs > 0 ? WAIT_SECONDS : CAUTIOUS_WAIT_SECONDS;
    // In headers rather than in the URL, so that one CORS preflight serves all polls.
    const headers = {
      ...this.#headers,
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
   * @returns {Promise<PollAnswer>}
   */
  async send(messages, after, signal) {
    const body = { roomCode: this.#code, messages, after };
    return checked(await this.#call("POST", "signal", { body, signal }));
  }

  /**
   * Send signals while the page is going away. Nobody will see the answer.
   *
   * @param {OutgoingSignal[]} messages
   */
  sendLast(messages) {
    const body = { roomCode: this.#code, messages };
    return this.#call("POST", "signal", { body, keepalive: true });
  }

  /** @returns {Promise<RoomWithYou>} the same seat with a new token, for a new page */
  rejoin() {
    return this.#call("POST", `rooms/${this.#code}/rejoin`);
  }

  /** @returns {Promise<RoomWithYou>} */
  room() {
    return this.#call("GET", `rooms/${this.#code}`);
  }

  /** @returns {Promise<Room>} */
  start() {
    return this.#call("POST", `rooms/${this.#code}/start`);
  }

  /**
   * @param {Record<string, any>} quizData
   * @returns {Promise<Room>}
   */
  setQuiz(quizData) {
    return this.#call("POST", `rooms/${this.#code}/quiz`, { body: { quizData } });
  }

  /**
   * @param {number} fromQuestion
   * @returns {Promise<Room>}
   */
  next(fromQuestion) {
    return this.#call("POST", `rooms/${this.#code}/next`, { body: { fromQuestion } });
  }

  /**
   * @param {GivenAnswer} given
   * @returns {Promise<AnswerResult>}
   */
  answer(given) {
    return this.#call("POST", `rooms/${this.#code}/answer`, { body: given });
  }

  /**
   * @param {string} participantId
   * @returns {Promise<Room>}
   */
  remove(participantId) {
    return this.#call("POST", `rooms/${this.#code}/remove`, { body: { participantId } });
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
    return this.#call("POST", `rooms/${this.#code}/leave`, options);
  }

  /** @returns {Promise<void>} */
  end() {
    return this.#call("POST", `rooms/${this.#code}/end`);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{body?: object, signal?: AbortSignal, keepalive?: boolean}} [options]
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
