/**
 * The HTTP contract as functions: one method per call, answers without their envelope, and every
 * failure an `ApiError`, whether the service, a proxy before it or the network was the cause.
 */

/** Longer than any answer takes that is not held back; a request that hangs must not stop the polling. */
const REQUEST_TIMEOUT_MS = 20_000;

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
 * @property {number} seq  where the stream of this room stands
 * @property {Participant[]} participants  in order of joining
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

/** What anyone may call. */
export class Api {
  /** @param {string|URL} baseUrl  where the service is mounted */
  constructor(baseUrl) {
    this.baseUrl = new URL(baseUrl);
    if (!this.baseUrl.pathname.endsWith("/")) this.baseUrl.pathname += "/";
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
   * @param {string} method
   * @param {string} path  relative to the mount point
   * @param {object} [options]
   * @param {object} [options.body]
   * @param {Record<string, string>} [options.headers]
   * @param {AbortSignal} [options.signal]  gives the call up; it then rejects with the signal's reason
   * @returns {Promise<any>} the answer's `data`; rejects with an `ApiError`
   */
  async call(method, path, { body, headers = {}, signal } = {}) {
    const aborter = new AbortController();
    const abort = () => aborter.abort();
    const timer = setTimeout(abort, REQUEST_TIMEOUT_MS);
    signal?.addEventListener("abort", abort);
    try {
      const response = await fetch(new URL(path, this.baseUrl), {
        method,
        headers: body ? { "Content-Type": "application/json", ...headers } : headers,
        body: body && JSON.stringify(body),
        signal: aborter.signal,
        credentials: "omit",
      });
      return unwrap(response.status, await response.text());
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ApiError) throw error;
      throw new ApiError({ code: "NETWORK", message: "The service cannot be reached.", status: 0 });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }
}

/** What a participant may call, for its own room. */
export class MemberApi {
  #api;
  #code;
  #id;
  #headers;

  /**
   * @param {Api} api
   * @param {RoomWithYou} room  as create or join returned it, token included
   */
  constructor(api, room) {
    this.#api = api;
    this.#code = room.code;
    this.#id = room.you.id;
    this.#headers = { Authorization: `Bearer ${room.you.token}` };
  }

  /**
   * @param {number|null} after  everything up to here has been processed; null: start over
   * @param {AbortSignal} [signal]
   * @returns {Promise<PollAnswer>}
   */
  poll(after, signal) {
    // In a header rather than in the URL, so that one CORS preflight serves all polls.
    const headers = after === null ? this.#headers : { ...this.#headers, "X-Party-After": String(after) };
    return this.#api.call("GET", `signal/${this.#code}/${this.#id}`, { headers, signal });
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

  /** @returns {Promise<{iceServers: RTCIceServer[], ttlSeconds: number}>} */
  iceServers() {
    return this.#call("GET", `rooms/${this.#code}/ice-servers`);
  }

  /** @returns {Promise<void>} */
  leave() {
    return this.#call("POST", `rooms/${this.#code}/leave`);
  }

  /** @returns {Promise<void>} */
  end() {
    return this.#call("DELETE", `rooms/${this.#code}`);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{body?: object, signal?: AbortSignal}} [options]
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
