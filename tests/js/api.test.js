/** Requests and answers, with a scripted network. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Api } from "../../party/static/client/api.js";
import { MemberApi } from "../../party/static/client/member-api.js";
import { retryingChange } from "../../party/static/client/timing.js";
import { FakeClock } from "./fake-clock.js";

const MINUTE_MS = 60_000;

/** @type {FakeClock} */
let clock;
/** @type {MemberApi} */
let api;
/** @type {((signal: AbortSignal) => Promise<any>)[]} what becomes of the requests */
let script;
/** @type {any[]} */
let requests;

beforeEach(() => {
  clock = new FakeClock();
  clock.install();
  [script, requests] = [[], []];
  globalThis.fetch = /** @type {any} */ (
    async (/** @type {URL} */ url, /** @type {any} */ { signal, ...options }) => {
      requests.push({ url: String(url), ...options });
      return (/** @type {any} */ (script.shift()))(signal);
    }
  );
  api = new MemberApi(new Api(new URL("http://service.test/party/")), { code: "ABC234", id: "me", token: "t" });
});

/**
 * An answer that comes after a while.
 *
 * @param {number} ms
 * @param {object} data
 */
const after = (ms, data) => () =>
  new Promise((resolve) => {
    const text = async () => JSON.stringify({ success: true, data });
    setTimeout(() => resolve({ status: 200, text }), ms);
  });

/**
 * A network in which requests get lost.
 *
 * @param {AbortSignal} signal
 */
const silence = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));

/** @param {string} code */
const refuse = (code) => async () => ({
  status: 409,
  text: async () => JSON.stringify({ success: false, error: { code, message: "no" } }),
});

const EMPTY = { messages: [], seq: 5 };
const NEWS = { messages: [{ seq: 6 }], seq: 6 };

/**
 * Poll, and tell how long it took until the answer or the error.
 *
 * @param {(signal: AbortSignal) => Promise<any>} fate
 * @param {boolean} [mayBeHeld]
 */
async function timeOfPoll(fate, mayBeHeld = true) {
  script.push(fate);
  const startedAt = clock.now;
  let tookMs = NaN;
  const done = () => (tookMs = clock.now - startedAt);
  api.poll(5, { mayBeHeld }).then(done, done);
  await clock.advance(MINUTE_MS);
  return tookMs;
}

test("a poll waits as long as the service may hold it, and no longer where it is known to hold none", async () => {
  assert.equal(await timeOfPoll(silence), 45_000);
  await timeOfPoll(after(30, EMPTY)); // at once: it holds none
  await timeOfPoll(after(30, NEWS)); // which tells nothing
  assert.equal(await timeOfPoll(silence), 20_000);
  assert.equal(await timeOfPoll(silence), 45_000); // it may have begun to hold
});

test("a service that holds is waited for, whatever comes in between", async () => {
  await timeOfPoll(after(25_000, EMPTY));
  await timeOfPoll(after(30, NEWS));
  await timeOfPoll(after(30, EMPTY), false); // was not asked to hold
  assert.equal(await timeOfPoll(silence), 45_000);
  assert.equal(await timeOfPoll(silence, false), 20_000);
  assert.deepEqual(
    requests.map(({ headers }) => headers["X-Party-Wait"]),
    ["25", "25", "0", "25", "0"],
  );
});

test("a service that has answered at once may hold the next poll, and is not given up then", async () => {
  await timeOfPoll(after(30, EMPTY)); // all places were taken
  await timeOfPoll(after(15_000, EMPTY));
  await timeOfPoll(after(25_000, EMPTY));
  assert.deepEqual(
    requests.map(({ headers }) => headers["X-Party-Wait"]),
    ["25", "15", "25"],
  );
});

test("what JSON cannot express is an error of the caller's, and nothing is sent", async () => {
  /** @type {any} */
  const quiz = {};
  quiz.self = quiz;
  await assert.rejects(async () => api.post("quiz", { quizData: quiz }), TypeError);
  assert.equal(requests.length, 0);
});

test("a change whose answer was lost is done when its repetition is refused", async () => {
  const lost = async () => {
    throw new TypeError("network");
  };
  script = [lost, refuse("WRONG_STATUS")];
  const done = retryingChange(() => api.post("start"), "WRONG_STATUS");
  await clock.advance(MINUTE_MS);
  await done;
  assert.equal(requests.length, 2);

  script = [refuse("WRONG_STATUS"), lost, refuse("HOST_ONLY")];
  await assert.rejects(
    retryingChange(() => api.post("start"), "WRONG_STATUS"),
    { code: "WRONG_STATUS" },
  );
  const refused = assert.rejects(
    retryingChange(() => api.post("start"), "WRONG_STATUS"),
    { code: "HOST_ONLY" },
  );
  await clock.advance(MINUTE_MS);
  await refused;
});
