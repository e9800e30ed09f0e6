/**
 * The HTTP contract as functions: one method per call, answers without their envelope, and every
 * failure an `ApiError`, whether the service, a proxy before it or the network was the cause.
 */

/** Longer than any answer takes that is not held back; a request that hangs must not stop the polling. */
const REQUEST_TIMEOUT_MS = 20_000;
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
 * @property {boolean} online  whether the service heard of it lately
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

/** A call that failed. */
export class ApiError extends Error {
  /**
   * @param {object} failure
   * @param {string} failure.code  the contract's, or "NETWORK" (no answer) or "BAD_ANSWER" (not the service's)
   * @param {string} failure.message  for people
   * @param {number} failure.status  of the answer; 0 where none came
   * @param {string} [failure.field]  the field that was wrong
   * @param {number} [failure.retryAfterMs]  how long the service wants to be left alone
   */
  constructor({ code, message, status, field, retryAfterMs = 0 }) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    this.field = field;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether nothing is wrong with the request itself: the network, the service or its database failed. */
  get isOutage() {
    return this.status === 0 || this.status >= 500;
  }
}

/**
 * @typedef {object} RequestRecord  how a request went
 * @property {string} method
 * @property {string} path
 * @property {number} status  0 where no answer came
 * @property {number} durationMs
 */

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
   * @param {object} [options]
   * @param {object} [options.body]
   * @param {Record<string, string>} [options.headers]
   * @param {AbortSignal} [options.signal]  gives the call up; it then rejects with the signal's reason
   * @param {number} [options.timeoutMs]
   * @param {boolean} [options.keepalive]  let the request outlive the page
   * @returns {Promise<any>} the answer's `data`; rejects with an `ApiError`, or a `TypeError` where the body
   *   is nothing that JSON can express
   */
  async call(method, path, { body, headers = {}, signal, timeoutMs = REQUEST_TIMEOUT_MS, keepalive } = {}) {
    const json = body && JSON.stringify(body);
    const aborter = new AbortController();
    const abort = () => aborter.abort();
    const timer = setTimeout(abort, timeoutMs);
    signal?.addEventListener("abort", abort);
    const startedAt = performance.now();
    let status = 0;
    try {
      const response = await fetch(new URL(path, this.baseUrl), {
        method,
        headers: json ? { "Content-Type": "application/json", ...headers } : headers,
        body: json,
        signal: aborter.signal,
        credentials: "omit",
        keepalive,
      });
      const text = await response.text();
      status = response.status;
      return unwrap(status, text);
    } catch (error) {
      signal?.throwIfAborted();
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
  async poll(after, { mayBeHeld, signal }) {
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
      const answer = await this.#api.call("GET", `signal/${this.#code}/${this.#id}`, options);
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
  send(messages, after, signal) {
    return this.#call("POST", "signal", { body: { roomCode: this.#code, messages, after }, signal });
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
    return this.#call("DELETE", `rooms/${this.#code}`);
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
 * The `data` of an answer. Throws an `ApiError`.
 *
 * @param {number} status
 * @param {string} text
 */
function unwrap(status, text) {
  let envelope;
  try {
    envelope = JSON.parse(text);
  } catch {
    envelope = null;
  }
  if (envelope?.success === true) return envelope.data;
  const { code, message, field, retryAfter = 0 } = envelope?.error ?? {};
  if (!code) {
    // Not ours: the error page of a proxy or of a host that is restarting. Whatever its status says,
    // the service itself has not answered.
    throw new ApiError({ code: "BAD_ANSWER", message: "The service gave no proper answer.", status: 0 });
  }
  throw new ApiError({ code, message, status, field, retryAfterMs: retryAfter * 1000 });
}
