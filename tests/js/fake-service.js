/** A party in its room, with a scripted service and without a network: what tests of it begin with. */

import { beforeEach } from "node:test";

import { Party } from "../../party/static/party.js";
import { FakeClock, settle } from "./fake-clock.js";
import { FakePeerConnection } from "./fake-webrtc.js";

/** @type {FakeClock} */
export let clock;
/** @type {FakeService} */
export let service;

beforeEach(async () => {
  await settle(); // what the test before has begun meets its own service
  clock = new FakeClock();
  clock.install();
  service = new FakeService();
  FakePeerConnection.all = [];
  const page = new EventTarget();
  Object.assign(globalThis, {
    fetch: service.fetch,
    RTCPeerConnection: FakePeerConnection,
    document: Object.assign(new EventTarget(), { visibilityState: "visible", baseURI: "https://site.test/app/" }),
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
    dispatchEvent: page.dispatchEvent.bind(page),
  });
});

/** A room with Ada, its host, and whoever a test adds. Its stream is what a test puts into it. */
class FakeService {
  /** @type {any} */
  room = {
    code: "ABC234",
    status: "waiting",
    hostId: "ada",
    quizData: null,
    currentQuestion: 0,
    seq: 5,
    participants: [participant("ada"), participant("me")],
  };
  /** @type {any[]} */
  stream = [];
  /** @type {any} to be added to the next answer to a poll */
  extra = {};
  pollAfterMs = 1000;
  ttlSeconds = 3600;
  /** Counts the credentials that were given. */
  credentials = 0;
  /** @type {{call: string, url: string, body: any, keepalive?: boolean}[]} */
  requests = [];
  /** @type {string[]} what came with polls about connections */
  reports = [];
  /** @type {Record<string, () => any>} by call: what to answer instead, or throw */
  special = {};

  fetch = async (/** @type {URL} */ url, /** @type {any} */ { method, body, keepalive, headers }) => {
    const path = url.pathname.replace(/^.*?\/(?=rooms|signal)/, "");
    const call = `${method} ${path.replace("ABC234", "CODE")}`;
    const sent = body && JSON.parse(body);
    this.requests.push({ call, url: String(url), body: sent, keepalive });
    if (headers["X-Party-Report"]) this.reports.push(headers["X-Party-Report"]);
    const answer = await (this.special[call] ?? (() => this.#answer(call, sent, headers)))();
    if (answer instanceof Response) return answer;
    return Response.json({ success: true, data: answer });
  };

  /**
   * @param {string} call
   * @param {any} body
   * @param {any} headers
   */
  #answer(call, body, headers) {
    switch (call) {
      case "POST rooms/CODE/join":
        return { ...this.room, you: { id: "me", role: "player", token: "t" } };
      case "GET rooms/CODE":
        return { ...this.room, you: { id: "me", role: "player" } };
      case "GET rooms/CODE/ice-servers": {
        const server = { urls: "turn:turn.test", username: "u", credential: `${++this.credentials}` };
        return { iceServers: [server], ttlSeconds: this.ttlSeconds };
      }
      case "GET signal/CODE/me":
      case "POST signal": {
        const after = Number(headers["X-Party-After"] ?? body?.after ?? 0);
        const messages = this.stream.filter(({ seq }) => seq > after);
        const seq = messages.at(-1)?.seq ?? after;
        const answer = { messages, seq, more: false, gap: false, pollAfterMs: this.pollAfterMs, ...this.extra };
        this.extra = {};
        return answer;
      }
      default:
        return {};
    }
  }

  /**
   * Write into the stream.
   *
   * @param {string} type
   * @param {any} payload
   * @param {string} [fromId]
   */
  add(type, payload, fromId = "ada") {
    this.room.seq += 1;
    this.stream.push({ seq: this.room.seq, type, fromId, toId: null, payload, createdAt: "" });
  }

  /** @param {string} call */
  count(call) {
    return this.requests.filter((request) => request.call === call).length;
  }
}

/** @param {string} id */
export function participant(id) {
  return { id, name: id, isHost: id === "ada", role: id === "ada" ? "host" : "player", online: true, score: 0 };
}

/**
 * @param {number} status
 * @param {string} code
 */
export function refusal(status, code) {
  return Response.json({ success: false, error: { code, message: code } }, { status });
}

/** @param {Partial<import("../../party/static/party.js").JoinOptions>} [options] */
export async function join(options) {
  return Party.join("abc234", { name: "Me", baseUrl: "https://service.test/party", storage: null, ...options });
}

/**
 * @param {Party} party
 * @param {string} type
 * @returns {any[]} the details of the events of this type from now on
 */
export function record(party, type) {
  /** @type {any[]} */
  const details = [];
  party.addEventListener(type, (event) => details.push(/** @type {CustomEvent} */ (event).detail));
  return details;
}

export const NETWORK_FAILS = async () => {
  throw new TypeError("network");
};
