/**
 * The calls that anyone may make, and how any call is made: answers without their envelope, and every failure
 * an `ApiError`, whether the service, a proxy before it or the network was the cause.
 */

import { encoded, plain } from "./bodies.js";
import { ApiError, unwrap } from "./errors.js";
import { reasonOf } from "./timing.js";

export { ApiError };

/** @typedef {import("./contract.js").RoomList} RoomList */
/** @typedef {import("./contract.js").RoomPreview} RoomPreview */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */

/** Longer than any answer takes that is not held back; a request that hangs must not stop the polling. */
export const REQUEST_TIMEOUT_MS = 20_000;
/** For the question whether the service is there at all. */
const PROBE_TIMEOUT_MS = 5_000;

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

  /**
   * As the service has told them along with a seat, where a page may read that: from another site it may not.
   *
   * @type {import("./ice-servers.js").NamedServers|undefined}
   */
  iceServers;

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
   * @param {{gameType?: string, after?: string, limit?: number}} query
   * @returns {Promise<RoomList>}
   */
  list(query) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
    return this.call("GET", `rooms?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`);
  }

  /**
   * @param {string} method
   * @param {string} path  relative to the mount point
   * @param {CallOptions & {body?: object}} [options]
   * @returns {Promise<any>} the answer's `data`; rejects with an `ApiError`, or a `TypeError` where the body
   *   is nothing that JSON can express
   */
  async call(method, path, { body, ...options } = {}) {
    // A file is none of the words that a firewall reads.
    if (body instanceof FormData) return this.#request(method, path, { headers: {}, content: body }, options);
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
      const data = unwrap(status, text, response.headers?.get("Retry-After"));
      this.iceServers = namedServers(response.headers?.get("X-Party-Ice-Servers")) ?? this.iceServers;
      return data;
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

/** @param {string|null} [header] */
function namedServers(header) {
  try {
    return JSON.parse(header ?? "null");
  } catch {
    return null; // then they are asked for
  }
}
