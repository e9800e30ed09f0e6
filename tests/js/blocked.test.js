/** Answers that are not the service's, and bodies that firewalls dislike, with a scripted network. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Api, ApiError } from "../../party/static/client/api.js";
import { MemberApi } from "../../party/static/client/member-api.js";
import { inTurn } from "../../party/static/client/turns.js";

const NASTY = { questions: [{ text: "<b>?</b> '; DROP TABLE x 🎉" }] };
const PAGE = "<html><h1>Forbidden</h1></html>";

/** @type {MemberApi} */
let api;
/** @type {any[]} */
let requests;
/** @type {(request: any) => {status?: number, text?: string, retryAfter?: string}} */
let answer;
let services = 0;

beforeEach(() => {
  requests = [];
  globalThis.fetch = /** @type {any} */ (
    async (/** @type {URL} */ url, /** @type {any} */ options) => {
      const request = { path: url.pathname, ...options };
      requests.push(request);
      const { status = 200, text = ok({}), retryAfter } = answer(request);
      const headers = new Headers(retryAfter ? { "Retry-After": retryAfter } : {});
      return { status, headers, text: async () => text };
    }
  );
  // Each its own, for a page remembers how it must speak to one.
  api = apiOf(`http://service${services++}.test/`);
});

/** @param {string} url */
const apiOf = (url) => new MemberApi(new Api(new URL(url)), { code: "ABC234", id: "me", token: "t" });
/** @param {object} data */
const ok = (data) => JSON.stringify({ success: true, data });
/** @param {string} code */
const refusal = (code) => JSON.stringify({ success: false, error: { code, message: "no" } });
/** @param {any} request */
const isEncoded = ({ headers }) => headers["X-Party-Body"] === "b64";
/** @param {string} body */
const decode = (body) => JSON.parse(Buffer.from(body, "base64url").toString());
/** @param {Promise<any>} call  @returns {Promise<ApiError>} */
const failure = (call) => call.then(() => assert.fail("no failure"), (error) => error);
const firewall = (/** @type {any} */ request) =>
  request.body?.includes("<b>") ? { status: 403, text: PAGE } : { text: ok({ code: "ABC234" }) };

for (const [status, text] of /** @type {[number, string][]} */ ([
  [403, PAGE],
  [401, JSON.stringify({ error: "login required" })],
  [401, refusal("LOGIN_REQUIRED")],
  [403, JSON.stringify({ success: false, error: "denied" })],
  [403, JSON.stringify({ success: false, error: null })],
  [403, JSON.stringify({ error: { code: "TOKEN_INVALID", message: "not our form" } })],
  [410, "null"],
  [404, "[]"],
  [406, ""],
  [501, PAGE],
  [200, PAGE],
  [200, JSON.stringify({ success: true })],
  [200, refusal("TOKEN_INVALID")],
  [403, ok({})],
])) {
  test(`${status} with ${text.slice(0, 60)} is no answer of the service's`, async () => {
    answer = () => ({ status, text });
    const error = await failure(api.post("start"));
    assert.deepEqual([error.code, error.status, error.isBlocked], ["BLOCKED", status, true]);
    assert.equal(error.isOutage, status === 200);
    assert.equal(requests.length, 1);
  });
}

test("the service's refusals are the service's, with their status", async () => {
  answer = () => ({ status: 401, text: refusal("TOKEN_INVALID") });
  const error = await failure(api.post("start"));
  assert.deepEqual([error.code, error.status, error.isBlocked], ["TOKEN_INVALID", 401, false]);
});

test("a proxy's page about a service that is away is an outage, with its status", async () => {
  for (const status of [500, 502, 503, 504, 508]) {
    answer = () => ({ status, text: PAGE, retryAfter: "7" });
    const error = await failure(api.post("start"));
    assert.deepEqual([error.code, error.status, error.isOutage], ["BAD_ANSWER", status, true]);
    assert.equal(error.retryAfterMs, 7_000);
  }
});

test("a stranger's wish to be left alone for days is not believed", async () => {
  for (const retryAfter of ["1e9", "-5", "Fri, 31 Dec 2999 23:59:59 GMT", "soon"]) {
    answer = () => ({ status: 503, text: PAGE, retryAfter });
    const { retryAfterMs } = await failure(api.post("start"));
    assert.ok(retryAfterMs >= 0 && retryAfterMs <= 300_000, String(retryAfterMs));
  }
});

test("a success without a stream is no answer to a poll or a send", async () => {
  for (const data of [{}, { messages: {} }, { messages: [] }, { messages: [], seq: "5" }, []]) {
    answer = () => ({ text: ok(data) });
    assert.equal((await failure(api.poll(5, { mayBeHeld: false }))).code, "BLOCKED");
    assert.equal((await failure(api.send([], 5))).code, "BLOCKED");
  }
});

test("a body that a firewall dislikes is sent once more as base64url, and so are all from then on", async () => {
  answer = firewall;
  assert.deepEqual(await api.post("quiz", { quizData: NASTY }), { code: "ABC234" });
  await api.post("next", { fromQuestion: 0 });
  assert.deepEqual(requests.map(isEncoded), [false, true, true]);
  const [, encoded, next] = requests;
  assert.match(encoded.body, /^[\w-]+$/);
  assert.deepEqual(decode(encoded.body), { quizData: NASTY });
  assert.deepEqual(decode(next.body), { fromQuestion: 0 });
  assert.equal(encoded.headers.Authorization, "Bearer t");
  // Another party of this page need not learn it again; another service is another matter.
  await apiOf(`http://service${services - 1}.test/`).post("next", { fromQuestion: 1 });
  await apiOf("http://another.test/").post("next", { fromQuestion: 1 });
  assert.deepEqual(requests.slice(3).map(isEncoded), [true, false]);
});

test("a large body is encoded whole", async () => {
  answer = firewall;
  const quiz = { ...NASTY, filler: "ü🎉".repeat(40_000) };
  await api.post("quiz", { quizData: quiz });
  assert.deepEqual(decode(requests[1].body), { quizData: quiz });
});

test("what is refused encoded, too, is refused as it was, and nothing is remembered", async () => {
  answer = (request) => (request.body ? { status: isEncoded(request) ? 406 : 403, text: PAGE } : {});
  const error = await failure(api.post("quiz", { quizData: NASTY }));
  assert.deepEqual([error.code, error.status], ["BLOCKED", 403]);
  assert.equal(requests.length, 2);
  answer = () => ({});
  await api.post("next", { fromQuestion: 0 });
  assert.equal(isEncoded(requests[2]), false);
});

test("where the service takes no encoded bodies, none are tried again", async () => {
  answer = (request) =>
    isEncoded(request) ? { status: 415, text: refusal("JSON_REQUIRED") } : firewall(request);
  for (const count of [2, 3]) {
    const error = await failure(api.post("quiz", { quizData: NASTY }));
    assert.deepEqual([error.code, error.status], ["BLOCKED", 403]);
    assert.equal(requests.length, count);
  }
});

test("an encoded body that the service itself refuses has come through", async () => {
  answer = (request) => (isEncoded(request) ? { status: 410, text: refusal("ROOM_ENDED") } : firewall(request));
  assert.equal((await failure(api.post("quiz", { quizData: NASTY }))).code, "ROOM_ENDED");
  await failure(api.post("next", { fromQuestion: 0 }));
  assert.deepEqual(requests.map(isEncoded), [false, true, true]);
});

test("what cannot be about the body is not sent again", async () => {
  for (const [status, text] of /** @type {[number, string][]} */ ([
    [413, PAGE],
    [429, PAGE],
    [503, PAGE],
    [200, PAGE],
    [403, refusal("HOST_ONLY")],
  ])) {
    requests = [];
    answer = () => ({ status, text });
    await failure(api.post("quiz", { quizData: NASTY }));
    assert.equal(requests.length, 1, `${status} ${text}`);
  }
});

test("from another site, a firewall's page looks like a dead network, and is told from it", async () => {
  Object.assign(globalThis, { location: new URL("http://page.test/") });
  try {
    let isDead = false;
    answer = (request) => {
      // As browsers do with an answer that does not allow the page to see it.
      if (isDead || request.body?.includes("<b>")) throw new TypeError("Failed to fetch");
      return {};
    };
    await api.post("quiz", { quizData: NASTY });
    assert.deepEqual(requests.map(({ path }) => path), ["/rooms/ABC234/quiz", "/health", "/rooms/ABC234/quiz"]);
    assert.deepEqual(requests.map(isEncoded), [false, false, true]);
    [isDead, requests] = [true, []];
    assert.equal((await failure(apiOf("http://dead.test/").post("quiz", { quizData: NASTY }))).code, "NETWORK");
    assert.equal(requests.length, 2);
  } finally {
    Reflect.deleteProperty(globalThis, "location");
  }
});

test("the room is ended by a method that firewalls let pass", async () => {
  answer = () => ({});
  await api.end();
  assert.deepEqual([requests[0].method, requests[0].path], ["POST", "/rooms/ABC234/end"]);
});

/** The browser's locks, shared by its tabs. */
class FakeLocks {
  /** @type {Set<string>} */
  held = new Set();

  /**
   * @param {string} name
   * @param {object} options
   * @param {(lock: object|null) => Promise<any>} use
   */
  async request(name, options, use) {
    assert.deepEqual(options, { ifAvailable: true });
    if (this.held.has(name)) return use(null);
    this.held.add(name);
    try {
      return await use({ name });
    } finally {
      this.held.delete(name);
    }
  }
}

/** @param {any} locks  @param {boolean} [isSecureContext] */
function install(locks, isSecureContext = true) {
  Object.assign(globalThis, { isSecureContext });
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
}

/** A poll that is out until it is ended. */
function begin(service = "http://service.test/") {
  /** @type {any} */
  const poll = {};
  poll.done = inTurn(service, (mayBeHeld) => {
    poll.mayBeHeld = mayBeHeld;
    return new Promise((resolve, reject) => Object.assign(poll, { end: resolve, fail: reject }));
  });
  return poll;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("of the tabs of one browser four have a poll held at the same time, and take turns", async () => {
  install(new FakeLocks());
  const polls = Array.from({ length: 7 }, () => begin());
  const other = begin("http://another.test/");
  await settled();
  assert.deepEqual(polls.map(({ mayBeHeld }) => mayBeHeld), [true, true, true, true, false, false, false]);
  assert.equal(other.mayBeHeld, true);
  polls[2].end("news");
  assert.equal(await polls[2].done, "news");
  const next = begin();
  await settled();
  assert.equal(next.mayBeHeld, true);
  // A poll that fails frees its place, too.
  polls[0].fail(new Error("lost"));
  await assert.rejects(polls[0].done, /lost/);
  const after = begin();
  await settled();
  assert.equal(after.mayBeHeld, true);
});

test("where there are no locks, or none to be had, polls are held as ever", async () => {
  const refusing = { request: () => Promise.reject(new DOMException("no storage", "SecurityError")) };
  for (const [locks, isSecure] of /** @type {[any, boolean][]} */ ([
    [undefined, true],
    [new FakeLocks(), false],
    [refusing, true],
  ])) {
    install(locks, isSecure);
    const polls = Array.from({ length: 7 }, () => begin());
    await settled();
    assert.ok(polls.every(({ mayBeHeld }) => mayBeHeld));
    polls[0].fail(new Error("lost"));
    await assert.rejects(polls[0].done, /lost/);
  }
});
