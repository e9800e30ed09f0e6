/** The poll loop, with a scripted service and a clock of our own. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ApiError } from "../../party/static/client/api.js";
import { PollLoop } from "../../party/static/client/polling.js";
import { FakeClock, settle } from "./fake-clock.js";

const PACE_MS = 1000;

/** A page's document and window, as far as the loop looks at them. */
class FakePage extends EventTarget {
  visibilityState = "visible";
}

/** @type {FakeClock} */
let clock;
/** @type {FakePage} */
let page;
/** @type {EventTarget} */
let network;

beforeEach(() => {
  clock = new FakeClock();
  clock.install();
  page = new FakePage();
  network = new EventTarget();
  Object.assign(globalThis, {
    document: page,
    addEventListener: network.addEventListener.bind(network),
    removeEventListener: network.removeEventListener.bind(network),
  });
});

/** A loop, the requests it makes, and what it tells. Answers come from `script`, then are idle. */
class Setup {
  /** @type {any[]} */
  requests = [];
  /** @type {any[]} */
  messages = [];
  /** @type {string[]} */
  errors = [];
  /** @type {any[]} */
  refused = [];
  /** @type {string[]} */
  stops = [];
  inFlight = 0;
  mayRest = true;
  /** @type {((request: any) => any)[]} */
  script;

  /** @param {((request: any) => any)[]} script  each gives an answer, a promise of one, or throws */
  constructor(...script) {
    this.script = script;
    this.loop = new PollLoop({
      api: /** @type {any} */ ({
        poll: (/** @type {any} */ after, /** @type {any} */ options) => this.#answer({ after, ...options }),
        send: (/** @type {any} */ batch, /** @type {any} */ after, /** @type {any} */ signal) =>
          this.#answer({ batch: structuredClone(batch), after, signal }),
      }),
      cursor: 5,
      mayRest: () => this.mayRest,
      onAnswer: ({ messages }) => this.messages.push(...messages.map(({ seq }) => seq)),
      onError: ({ code }) => this.errors.push(code),
      onRefused: (signals) => this.refused.push(...signals),
      onStop: ({ code }) => this.stops.push(code),
    });
    this.loop.run();
  }

  /** @param {any} request */
  async #answer(request) {
    assert.equal(++this.inFlight, 1, "two requests at once");
    const record = { at: clock.now, failed: true, ...request };
    this.requests.push(record);
    try {
      const answer = this.script.shift() ?? (({ after }) => idle(after ?? 5));
      const answered = await answer(request);
      record.failed = false;
      return answered;
    } finally {
      this.inFlight--;
    }
  }

  /** The times between the requests. */
  get gaps() {
    return this.requests.slice(1).map(({ at }, i) => at - this.requests[i].at);
  }
}

/** @param {number} seq */
const idle = (seq) => ({ messages: [], seq, more: false, gap: false, pollAfterMs: PACE_MS });

/** @param {number[]} seqs */
const messages = (...seqs) => ({
  ...idle(/** @type {number} */ (seqs.at(-1))),
  messages: seqs.map((seq) => ({ seq })),
});

/**
 * @param {string} code
 * @param {number} status
 * @param {number} [retryAfterMs]
 */
const refuse = (code, status, retryAfterMs) => () => {
  throw new ApiError({ code, status, message: code, retryAfterMs });
};
const lost = refuse("NETWORK", 0);

/**
 * @template T
 * @param {number} ms
 * @param {T} [answer]
 * @returns {Promise<T|undefined>}
 */
const later = (ms, answer) => new Promise((resolve) => setTimeout(() => resolve(answer), ms));

test("polls at the service's pace, one request after the other", async () => {
  const setup = new Setup();
  await clock.advance(10_000);
  assert.deepEqual(new Set(setup.gaps), new Set([PACE_MS]));
  assert.deepEqual(new Set(setup.requests.map(({ after }) => after)), new Set([5]));
});

test("waits for a slow answer before it asks again", async () => {
  const setup = new Setup(() => later(7_000, idle(5)));
  await clock.advance(7_000);
  assert.equal(setup.requests.length, 1);
  await clock.advance(1_000);
  assert.equal(setup.requests.length, 2);
});

test("the time for which a poll was held counts towards the pace", async () => {
  const setup = new Setup(
    () => later(25_000, idle(5)),
    () => later(2_000, { ...idle(5), pollAfterMs: 5_000 }),
    () => later(800, idle(5)), // a busy service: it did not hold this one
  );
  await clock.advance(60_000);
  assert.deepEqual(setup.gaps.slice(0, 4), [25_000, 5_000, 800 + PACE_MS, PACE_MS]);
  assert.ok(setup.requests.every(({ mayBeHeld }) => mayBeHeld));
});

test("the pause after news is kept, however long they were held for", async () => {
  const setup = new Setup(() => later(25_000, { ...messages(6), pollAfterMs: 30 }));
  await clock.advance(26_000);
  assert.deepEqual(setup.gaps.slice(0, 1), [25_030]);
});

test("while requests fail no poll is held, so that the first answer comes at once", async () => {
  const setup = new Setup(() => idle(5), lost, lost);
  setup.mayRest = false;
  await clock.advance(5_000);
  assert.deepEqual(
    setup.requests.slice(0, 5).map(({ mayBeHeld }) => mayBeHeld),
    [true, true, false, false, true],
  );
});

test("acknowledges what it has handled, with the next request", async () => {
  const setup = new Setup(() => messages(6, 8), () => messages(9));
  await clock.advance(3_000);
  assert.deepEqual(setup.requests.map(({ after }) => after), [5, 8, 9]);
  assert.deepEqual(setup.messages, [6, 8, 9]);
});

test("polls on at once where the answer was full", async () => {
  const full = { ...messages(6, 7), more: true, pollAfterMs: 0 };
  const setup = new Setup(() => full, () => messages(8));
  await clock.advance(500);
  assert.equal(setup.gaps[0], 0);
  assert.deepEqual(setup.messages, [6, 7, 8]);
});

test("asks again with the same cursor when an answer is lost, and handles each message once", async () => {
  const setup = new Setup(() => messages(6), lost, () => messages(6, 7), () => messages(7, 8));
  await clock.advance(10_000);
  assert.deepEqual(setup.requests.slice(0, 3).map(({ after }) => after), [5, 6, 6]);
  assert.deepEqual(setup.messages, [6, 7, 8]);
});

test("waits longer after each failure, never gives up, and comes back to its pace", async () => {
  const setup = new Setup(...Array(40).fill(lost));
  await clock.advance(600_000);
  const gaps = setup.gaps;
  assert.ok(gaps[0] >= 250 && gaps[0] <= 500, String(gaps[0]));
  assert.ok(gaps[1] >= 500 && gaps[3] >= 2_000);
  assert.ok(Math.max(...gaps.slice(0, 40)) <= 10_000);
  assert.equal(setup.errors.length, 40);
  assert.equal(gaps.at(-1), PACE_MS);
});

test("an answer makes the next failure the first again", async () => {
  const setup = new Setup(lost, lost, lost, lost, () => idle(5), lost);
  await clock.advance(30_000);
  assert.ok(setup.gaps[3] >= 2_000);
  assert.equal(setup.gaps[4], PACE_MS);
  assert.ok(setup.gaps[5] <= 500, String(setup.gaps[5]));
});

test("clients that failed together do not come back together", async () => {
  const first = new Set();
  for (let i = 0; i < 20; i++) {
    const setup = new Setup(lost);
    await clock.advance(2_000);
    first.add(setup.gaps[0]);
  }
  assert.ok(first.size > 10);
});

test("leaves the service alone for as long as it asks", async () => {
  for (const answer of [refuse("UNAVAILABLE", 503, 30_000), refuse("RATE_LIMITED", 429, 30_000)]) {
    const setup = new Setup(answer);
    setup.loop.post("b", "offer", {});
    await clock.advance(29_000);
    assert.equal(setup.requests.length, 1);
    await clock.advance(3_000);
    assert.ok(setup.requests.length > 1);
    setup.loop.stop();
  }
});

test("starts over without a cursor after BAD_CURSOR, and skips what it has handled", async () => {
  const setup = new Setup(() => messages(6), refuse("BAD_CURSOR", 400), () => messages(6, 7));
  await clock.advance(5_000);
  assert.deepEqual(setup.requests.slice(0, 4).map(({ after }) => after), [5, 6, null, 7]);
});

for (const [code, status] of /** @type {[string, number][]} */ ([
  ["TOKEN_INVALID", 401],
  ["NOT_A_MEMBER", 403],
  ["ROOM_ENDED", 410],
])) {
  test(`stops for good after ${code}`, async () => {
    const setup = new Setup(() => idle(5), refuse(code, status));
    await clock.advance(60_000);
    assert.equal(setup.requests.length, 2);
    assert.deepEqual([setup.stops, setup.errors], [[code], []]);
  });
}

test("does nothing more once it is stopped", async () => {
  const setup = new Setup();
  await clock.advance(2_500);
  const count = setup.requests.length;
  setup.loop.post("b", "offer", {});
  setup.loop.stop();
  await clock.advance(60_000);
  assert.equal(setup.requests.length, count);
  assert.deepEqual(setup.stops, []);
});

test("an offer travels with its candidates and the offers to others in one request, which is a poll", async () => {
  const setup = new Setup();
  const of = (/** @type {string} */ connection) => ({ connection, negotiation: 1 });
  setup.loop.post("b", "offer", { ...of("x"), description: {} });
  setup.loop.post("c", "offer", { ...of("y"), description: {} });
  await clock.advance(10);
  setup.loop.post("b", "ice", { ...of("x"), candidates: [1] });
  await clock.advance(5);
  setup.loop.post("b", "ice", { ...of("x"), candidates: [2] });
  await clock.advance(60);
  const [{ batch, after }] = setup.requests;
  assert.equal(after, 5);
  assert.deepEqual(
    batch.map(({ toId, type, payload }) => [toId, type, payload.candidates]),
    [["b", "offer", undefined], ["c", "offer", undefined], ["b", "ice", [1, 2]]],
  );
  assert.equal(new Set(batch.map(({ clientMsgId }) => clientMsgId)).size, 3);
  await clock.advance(5_000);
  assert.ok(setup.requests.slice(1).every(({ batch }) => batch === undefined));
});

test("an offer leaves with its first candidates, as soon as no more of them follow", async () => {
  const setup = new Setup();
  await clock.advance(100);
  setup.loop.post("b", "offer", {});
  for (const waitMs of [20, 7, 7]) {
    await clock.advance(waitMs);
    setup.loop.post("b", "ice", { candidates: [{}] });
  }
  await clock.advance(7);
  assert.equal(setup.requests.length, 0);
  await clock.advance(1);
  assert.deepEqual(setup.requests[0].batch.map(({ type }) => type), ["offer", "ice"]);
  // Those that never cease to come do not hold up an offer.
  setup.requests = [];
  const beganAt = clock.now;
  setup.loop.post("c", "offer", {});
  for (let n = 0; n < 20; n++) {
    await clock.advance(5);
    setup.loop.post("c", "ice", { candidates: [{}] });
  }
  assert.equal(setup.requests[0].at, beganAt + 60);
});

test("late candidates travel together, without their offer", async () => {
  const setup = new Setup();
  const beganAt = clock.now;
  const ice = (/** @type {number} */ n) => setup.loop.post("b", "ice", { connection: "x", candidates: [n] });
  setup.loop.post("b", "offer", { connection: "x" });
  ice(1);
  await clock.advance(30);
  ice(2);
  await clock.advance(20);
  ice(3);
  await clock.advance(10);
  const sent = setup.requests.map(({ at, batch }) => [at - beganAt, batch.map(({ payload }) => payload.candidates)]);
  assert.deepEqual(sent, [[8, [undefined, [1]]], [60, [[2, 3]]]]);
});

test("a poll that is due while an offer is being gathered travels with it", async () => {
  const setup = new Setup();
  await clock.advance(140);
  setup.loop.post("b", "offer", {});
  await clock.advance(60);
  assert.equal(setup.requests.length, 1);
  assert.equal(setup.requests[0].batch.length, 1);
});

test("a poll does not wait for what is discarded in the end", async () => {
  const setup = new Setup();
  await clock.advance(140);
  setup.loop.post("b", "offer", {});
  await clock.advance(20);
  setup.loop.discard("b");
  await clock.advance(200);
  assert.equal(setup.requests.length, 1);
  assert.equal(setup.requests[0].batch, undefined);
});

test("a send whose answer is lost is repeated under the same ids, after a poll", async () => {
  const setup = new Setup(lost, () => messages(6));
  setup.loop.post("b", "offer", { n: 1 });
  await clock.advance(5_000);
  const [first, poll, again] = setup.requests;
  assert.equal(poll.batch, undefined);
  assert.deepEqual(again.batch, first.batch);
  assert.equal(again.after, 6);
});

test("a signal that is refused for ever is dropped and told of", async () => {
  const setup = new Setup(refuse("TOO_LARGE", 413));
  setup.loop.post("b", "offer", {});
  await clock.advance(10_000);
  assert.deepEqual(setup.errors, ["TOO_LARGE"]);
  assert.deepEqual(setup.refused.map(({ toId }) => toId), ["b"]);
  assert.equal(setup.requests.filter(({ batch }) => batch).length, 1);
});

for (const code of ["UNAVAILABLE", "MAILBOX_FULL"]) {
  test(`a send that keeps failing with ${code} is repeated ever more rarely, though polls are answered`, async () => {
    const setup = new Setup();
    const refused = refuse(code, code === "UNAVAILABLE" ? 503 : 429);
    setup.script = [...Array(200)].map(() => (request) => (request.batch ? refused() : idle(5)));
    setup.loop.post("b", "offer", {});
    await clock.advance(120_000);
    const sends = setup.requests.filter(({ batch }) => batch);
    assert.ok(sends.length >= 10 && sends.length <= 25, String(sends.length));
    assert.ok(setup.requests.length <= 2 * sends.length + 1);
    assert.ok(sends.at(-1).at - sends.at(-2).at >= 5_000);
    setup.script = [];
    await clock.advance(12_000);
    assert.deepEqual(new Set(setup.gaps.slice(-2)), new Set([PACE_MS]));
  });
}

test("a full mailbox is tried again", async () => {
  const setup = new Setup(refuse("MAILBOX_FULL", 429, 2_000));
  setup.loop.post("b", "offer", {});
  await clock.advance(10_000);
  const sends = setup.requests.filter(({ batch }) => batch);
  assert.equal(sends.length, 2);
  assert.deepEqual(sends[1].batch, sends[0].batch);
});

test("when an addressee has left, its signals are dropped and the others' are sent", async () => {
  const setup = new Setup(refuse("PEER_NOT_FOUND", 404), () => {
    setup.loop.discard("gone"); // as the party does when the poll tells that it has left
    return messages(6);
  });
  setup.loop.post("gone", "offer", {});
  setup.loop.post("b", "offer", {});
  await clock.advance(10_000);
  const sends = setup.requests.filter(({ batch }) => batch);
  assert.deepEqual(sends.map(({ batch }) => batch.map(({ toId }) => toId)), [["gone", "b"], ["b"]]);
  assert.deepEqual(setup.errors, []);
});

test("whoever asks for the next turn while a request fails does not cut the wait short", async () => {
  const setup = new Setup(async () => {
    await later(100);
    refuse("UNAVAILABLE", 503, 30_000)();
  });
  await clock.advance(200);
  setup.loop.wake();
  await clock.advance(25_000);
  assert.equal(setup.requests.length, 1);
  await clock.advance(6_000);
  assert.ok(setup.requests.length > 1);
});

test("a signal that JSON cannot express is refused at once, and polling goes on", async () => {
  const setup = new Setup();
  /** @type {any} */
  const payload = {};
  payload.self = payload;
  assert.throws(() => setup.loop.post("b", "offer", payload), TypeError);
  await clock.advance(5_000);
  assert.ok(setup.requests.length >= 5);
});

test("what is posted is sent as it was then", async () => {
  const setup = new Setup();
  const payload = { candidates: [1] };
  setup.loop.post("b", "ice", payload);
  setup.loop.post("b", "ice", { candidates: [2] });
  assert.deepEqual(payload, { candidates: [1] });
  payload.candidates = [];
  await clock.advance(1_000);
  assert.deepEqual(setup.requests[0].batch[0].payload, { candidates: [1, 2] });
});

test("what is sent when the page goes is as much as browsers take then", () => {
  const setup = new Setup();
  for (let i = 0; i < 30; i++) setup.loop.post(`${i}`, "offer", { sdp: "ü".repeat(2_000) });
  const unsent = setup.loop.unsent();
  const bytes = Buffer.byteLength(JSON.stringify(unsent));
  assert.ok(bytes > 50 * 1024 && bytes < 60 * 1024, String(bytes));
  assert.deepEqual(unsent.map(({ toId }) => toId), [...unsent.keys()].map(String));
});

/** A poll that the service holds until it is given up. */
const held = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("a held poll is given up when there is something to send, and nothing is lost by it", async () => {
  const setup = new Setup(held, ({ after }) => messages(after + 1, after + 2));
  await clock.advance(20_000);
  assert.equal(setup.requests.length, 1);
  setup.loop.post("b", "offer", {});
  await clock.advance(60);
  assert.equal(setup.requests.length, 2);
  assert.equal(setup.requests[1].after, 5);
  assert.deepEqual([setup.messages, setup.errors], [[6, 7], []]);
});

test("a poll that has just begun is given up once it takes longer than the quickest answer did", async () => {
  const setup = new Setup(() => later(40, idle(5)), held);
  await clock.advance(150 + 40 + PACE_MS);
  setup.loop.post("b", "offer", {});
  await clock.advance(70);
  assert.equal(setup.requests.length, 2);
  await clock.advance(20);
  assert.deepEqual(setup.requests[2].batch.length, 1);
});

test("a poll that is answered at once is not given up", async () => {
  let aborted = false;
  const setup = new Setup(({ signal }) => {
    signal.addEventListener("abort", () => (aborted = true));
    return new Promise((resolve) => setTimeout(() => resolve(messages(6)), 100));
  });
  await clock.advance(120);
  setup.loop.post("b", "offer", {});
  await clock.advance(500);
  assert.equal(aborted, false);
  assert.deepEqual(setup.messages, [6]);
});

test("polls at once when the page becomes visible or the network returns, even in a long wait", async () => {
  for (const [target, type] of /** @type {[EventTarget, string][]} */ ([
    [page, "visibilitychange"],
    [network, "online"],
  ])) {
    const setup = new Setup(refuse("UNAVAILABLE", 503, 3_600_000));
    await clock.advance(10_000);
    target.dispatchEvent(new Event(type));
    await settle();
    assert.equal(setup.requests.length, 2);
    setup.loop.stop();
  }
});

test("when the network returns, a send that has met the dead one is repeated under the same ids", async () => {
  const setup = new Setup(held);
  setup.loop.post("b", "offer", {});
  await clock.advance(5_000);
  assert.equal(setup.requests.length, 1);
  network.dispatchEvent(new Event("online"));
  await clock.advance(0);
  assert.equal(setup.requests.length, 2);
  assert.deepEqual(setup.requests[1].batch, setup.requests[0].batch);
  assert.deepEqual(setup.errors, []);
});

test("a hidden page with nothing to connect rests", async () => {
  const setup = new Setup();
  page.visibilityState = "hidden";
  await clock.advance(60_000);
  assert.ok(setup.requests.length <= 14, String(setup.requests.length));
  setup.mayRest = false;
  await clock.advance(60_000);
  assert.ok(setup.requests.length > 30);
});

test("after the sleep of a computer there is still one loop", async () => {
  const setup = new Setup();
  await clock.advance(5_000);
  const before = setup.requests.length;
  await clock.sleep(3_600_000);
  page.dispatchEvent(new Event("visibilitychange"));
  network.dispatchEvent(new Event("online"));
  await clock.advance(10_000);
  const gaps = setup.gaps.slice(before + 2);
  assert.ok(gaps.length >= 7);
  assert.deepEqual(new Set(gaps), new Set([PACE_MS]));
});

for (const [code, status] of /** @type {[string, number][]} */ ([
  ["VALIDATION_ERROR", 400],
  ["TOO_LARGE", 413],
])) {
  test(`of a batch that is refused with ${code}, only what is refused alone is dropped`, async () => {
    const setup = new Setup();
    const isBad = (/** @type {any} */ { payload }) => payload.bad;
    setup.script = Array(60).fill((/** @type {any} */ { batch, after }) => {
      if (batch?.some(isBad)) refuse(code, status)();
      return idle(after);
    });
    for (let n = 0; n < 20; n++) setup.loop.post(`peer ${n}`, "offer", { n, bad: [3, 4, 17].includes(n) });
    await clock.advance(2_000);
    const sent = setup.requests.filter(({ batch }) => batch && !batch.some(isBad)).flatMap(({ batch }) => batch);
    const numbers = sent.map(({ payload }) => payload.n);
    assert.deepEqual(numbers, [...Array(20).keys()].filter((n) => ![3, 4, 17].includes(n)));
    assert.deepEqual(setup.refused.map(({ payload }) => payload.n), [3, 4, 17]);
    assert.deepEqual(setup.errors, [code, code, code]);
    assert.ok(setup.requests.length < 40, String(setup.requests.length));
    assert.deepEqual(new Set(setup.gaps.slice(-1)), new Set([PACE_MS]));
  });
}

test("batches are no larger than a firewall lets pass, and a larger signal goes alone", async () => {
  const setup = new Setup();
  const sdps = [30, 30, 20, 20, 100, 1, 60, 40].map((kib) => "ü".repeat(kib * 512));
  for (const sdp of sdps) setup.loop.post("b", "offer", { sdp });
  await clock.advance(1_000);
  const batches = setup.requests.filter(({ batch }) => batch).map(({ batch }) => batch);
  assert.deepEqual(batches.map((batch) => batch.length), [3, 1, 1, 2, 1]);
  assert.deepEqual(batches.flat().map(({ payload }) => payload.sdp), sdps);
});

test("a full mailbox does not hold up the signals to others, and gets its own in order", async () => {
  const setup = new Setup();
  let isFull = true;
  setup.script = Array(80).fill((/** @type {any} */ { batch, after }) => {
    if (isFull && batch?.some((/** @type {any} */ { toId }) => toId === "full")) refuse("MAILBOX_FULL", 429, 2_000)();
    return idle(after);
  });
  ["full", "b", "full", "c", "d", "full", "e"].forEach((toId, n) => setup.loop.post(toId, "offer", { n }));
  await clock.advance(1_000);
  const sent = () =>
    setup.requests
      .filter(({ batch, failed }) => batch && !failed)
      .flatMap(({ batch }) => batch.map((/** @type {any} */ { payload }) => payload.n));
  assert.deepEqual(sent(), [1, 3, 4, 6]);
  assert.deepEqual(setup.errors, ["MAILBOX_FULL"]);
  assert.ok(setup.requests.length < 20, String(setup.requests.length));
  isFull = false;
  await clock.advance(10_000);
  assert.deepEqual(sent(), [1, 3, 4, 6, 0, 2, 5]);
  assert.deepEqual(setup.refused, []);
});

test("what a firewall refuses twice is dropped, the rest is sent, and the app is told", async () => {
  const setup = new Setup();
  setup.script = Array(80).fill((/** @type {any} */ { batch, after }) => {
    if (batch?.some((/** @type {any} */ { toId }) => toId === "bad")) refuse("BLOCKED", 403)();
    return idle(after);
  });
  for (const toId of ["a", "bad", "c", "d"]) setup.loop.post(toId, "offer", {});
  await clock.advance(30_000);
  const good = setup.requests.filter(({ batch, failed }) => batch && !failed);
  assert.deepEqual(good.flatMap(({ batch }) => batch.map((/** @type {any} */ { toId }) => toId)), ["a", "c", "d"]);
  assert.deepEqual(setup.refused.map(({ toId }) => toId), ["bad"]);
  assert.ok(setup.requests.filter(({ batch, failed }) => batch && failed).length <= 5);
  assert.deepEqual(new Set(setup.errors), new Set(["BLOCKED"]));
  assert.deepEqual(setup.stops, []);
});

test("a captive portal that comes and goes costs no signal, no seat and few requests", async () => {
  for (const status of [200, 401, 403, 511]) {
    const portal = refuse(status === 511 ? "BAD_ANSWER" : "BLOCKED", status);
    const setup = new Setup(...Array(12).fill(portal));
    setup.loop.post("b", "offer", {});
    await clock.advance(600_000);
    assert.deepEqual(setup.stops, []);
    assert.deepEqual(setup.refused, []);
    const sends = setup.requests.filter(({ batch }) => batch);
    assert.equal(sends.length, 2);
    assert.deepEqual(sends[1].batch, sends[0].batch);
    assert.equal(setup.errors.length, 12);
    setup.loop.stop();
  }
});

test("a signal that meets a dead network each time, though polls do not, is not repeated for ever", async () => {
  const setup = new Setup();
  setup.script = Array(200).fill((/** @type {any} */ { batch, after }) => {
    if (batch?.some((/** @type {any} */ { toId }) => toId === "bad")) lost();
    return idle(after);
  });
  for (const toId of ["a", "bad", "c"]) setup.loop.post(toId, "offer", {});
  await clock.advance(120_000);
  const good = setup.requests.filter(({ batch, failed }) => batch && !failed);
  assert.deepEqual(good.flatMap(({ batch }) => batch.map((/** @type {any} */ { toId }) => toId)), ["a", "c"]);
  assert.deepEqual(setup.refused.map(({ toId }) => toId), ["bad"]);
});

test("an addressee whom the service does not know is given up, though no poll tells that it has left", async () => {
  const setup = new Setup();
  setup.script = Array(80).fill((/** @type {any} */ { batch, after }) => {
    if (batch?.some((/** @type {any} */ { toId }) => toId === "lost")) refuse("PEER_NOT_FOUND", 404)();
    return idle(after);
  });
  for (const toId of ["a", "lost", "c"]) setup.loop.post(toId, "offer", {});
  await clock.advance(30_000);
  const good = setup.requests.filter(({ batch, failed }) => batch && !failed);
  assert.deepEqual(good.flatMap(({ batch }) => batch.map((/** @type {any} */ { toId }) => toId)), ["a", "c"]);
  assert.deepEqual([setup.refused.map(({ toId }) => toId), setup.errors], [["lost"], []]);
});

test("a hidden page with nothing to connect has no poll held", async () => {
  const setup = new Setup();
  page.visibilityState = "hidden";
  await clock.advance(30_000);
  assert.ok(setup.requests.every(({ mayBeHeld }) => mayBeHeld === false));
  setup.mayRest = false;
  await clock.advance(10_000);
  assert.equal(setup.requests.at(-1).mayBeHeld, true);
  setup.mayRest = true;
  page.visibilityState = "visible";
  await clock.advance(5_000);
  assert.equal(setup.requests.at(-1).mayBeHeld, true);
});

test("whatever goes wrong in the client or its browser, polling goes on, and the app is told", async () => {
  const complaints = [];
  console.error = (...args) => complaints.push(args);
  const setup = new Setup(
    () => {
      throw new TypeError("undefined is not a function (near 'list.findLast')");
    },
    () => ({ seq: 6 }), // no answer of the service's, though it looks like one
  );
  await clock.advance(10_000);
  assert.deepEqual(setup.errors, ["CLIENT_ERROR", "CLIENT_ERROR"]);
  assert.equal(complaints.length, 2);
  assert.equal(setup.requests[2].after, 5);
  const before = setup.requests.length;
  await clock.advance(5_000);
  assert.ok(setup.requests.length >= before + 4);
});
