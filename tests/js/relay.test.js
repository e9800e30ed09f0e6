/** Two pages that talk through a service which takes, refuses, loses and delays what they send. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ApiError } from "../../party/static/client/errors.js";
import { pack } from "../../party/static/client/pipe.js";
import { FakeClock, settle } from "./fake-clock.js";

// What is deflated takes a time of its own; delivery.test.js has it.
Object.assign(globalThis, { CompressionStream: undefined, DecompressionStream: undefined });
const { RelayPost } = await import("../../party/static/client/relay.js");
const { Talk } = await import("../../party/static/client/talk.js");

const ROUNDS = Number(process.env.TIMES ?? 1) * 6;

/** @type {FakeClock} */
let clock;

beforeEach(() => {
  clock = new FakeClock();
  clock.install();
});

/** @typedef {{code: string, retryAfterMs?: number}|"lost"|"outage"|undefined} Fate */

class Side {
  /** @type {any[]} */
  heard = [];
  /** @type {any[]} */
  sent = [];
  /** @type {any[]} what waits in the service */
  mailbox = [];
  /** @type {string[]} */
  told = [];
  posts = 0;
  postedBytes = 0;
  /** @type {() => Fate} what becomes of the next request */
  fate = () => undefined;
  /** @type {Side} */
  other = this;

  /** @param {number} page */
  constructor(page) {
    const membership = { page: {}, room: { settings: {} }, trace: { add: () => {} }, wake: () => {} };
    this.post = new RelayPost(/** @type {any} */ (membership));
    this.talk = new Talk(page, { onData: (data) => this.heard.push(data) });
    this.link = this.post.link("other", this.talk, {
      onReady: () => this.told.push("ready"),
      onOff: () => this.told.push("off"),
      onHeard: () => {},
    });
  }

  /** @param {string} data */
  send(data) {
    const isTaken = this.talk.send(pack(data), false);
    if (isTaken) this.sent.push(data);
    this.link.pump();
    return isTaken;
  }

  /** One request. */
  request() {
    for (const payload of this.mailbox.splice(0)) this.link.receive(payload);
    const batch = this.post.batch();
    if (batch.length === 0) return;
    const fate = this.fate();
    if (fate === "outage") return;
    if (typeof fate === "object") {
      this.post.refused(batch, new ApiError({ message: "", status: 429, ...fate }));
      return;
    }
    this.posts += 1;
    if (fate === "lost") {
      for (const { clientMsgId } of batch) setTimeout(() => this.link && this.post.onExpired(clientMsgId), 120_000);
    } else {
      for (const { payload } of batch) {
        const json = JSON.stringify(payload);
        assert.ok(json.length <= 16 * 1024);
        this.postedBytes += json.length;
        this.other.mailbox.push(JSON.parse(json));
      }
    }
    this.post.sent(batch);
  }
}

function pair() {
  const [a, b] = [new Side(1), new Side(2)];
  [a.other, b.other] = [b, a];
  return [a, b];
}

/**
 * @param {Side[]} sides
 * @param {number} ms
 */
async function live(sides, ms, everyMs = 250) {
  for (let passed = 0; passed < ms; passed += everyMs) {
    for (const side of sides) side.request();
    await clock.advance(everyMs);
  }
}

test("nothing is sent before the other page has said how far it has come", async () => {
  const [a, b] = pair();
  a.link.start(true);
  a.send("hello");
  await clock.advance(0);
  a.request();
  assert.deepEqual(b.mailbox.map(({ ask, items }) => [ask, items]), [[true, undefined]]);
  assert.deepEqual(a.told, ["ready"]);
  await live([b, a], 1_000);
  assert.deepEqual(b.heard, ["hello"]);
});

test("what is said at once leaves at once, and what follows within 100 ms in one request", async () => {
  const [a, b] = pair();
  for (const side of [a, b]) side.link.start(true);
  await live([a, b], 5_000);
  const { posts } = a;
  a.send("first");
  await clock.advance(1);
  a.request();
  for (const word of ["second", "third"]) a.send(word);
  await clock.advance(50);
  a.request();
  assert.equal(a.posts, posts + 1);
  await clock.advance(50);
  a.request();
  assert.equal(a.posts, posts + 2);
  await live([b], 250);
  assert.deepEqual(b.heard, ["first", "second", "third"]);
});

test("who only listens confirms once a second at most, and nobody confirms a confirmation", async () => {
  const [a, b] = pair();
  for (const side of [a, b]) side.link.start(true);
  await live([a, b], 5_000);
  const before = b.posts;
  for (let n = 0; n < 20; n++) {
    a.send(`${n}`);
    await live([a, b], 500);
  }
  assert.equal(b.heard.length, 20);
  assert.ok(b.posts - before <= 11, String(b.posts - before));
  await live([a, b], 3_000);
  const [as, bs] = [a.posts, b.posts];
  await live([a, b], 600_000, 5_000);
  assert.deepEqual([a.posts, b.posts], [as, bs]);
  assert.equal(a.talk.delivery.unconfirmed, 0);
});

test("beyond the limit it waits as long as the service says, and goes on with less at once", async () => {
  const [a, b] = pair();
  for (const side of [a, b]) side.link.start(true);
  await live([a, b], 2_000);
  let left = 20_000;
  setTimeout(() => (left = 40_000), 30_000);
  a.fate = () => {
    const bytes = a.post.batch().reduce((sum, { payload }) => sum + JSON.stringify(payload).length, 0);
    if (bytes > left) return { code: "RELAY_LIMIT", retryAfterMs: 5_000 };
    left -= bytes;
  };
  for (let n = 0; n < 40; n++) assert.ok(a.send(`${n} ${"x".repeat(1_000)}`));
  await live([a, b], 5_000);
  const { length } = b.heard;
  assert.ok(length > 5 && length < 25, String(length));
  await live([a, b], 60_000);
  assert.deepEqual(b.heard, a.sent);
});

test("where a minute's limit is less than a packet, packets become smaller", async () => {
  const [a, b] = pair();
  for (const side of [a, b]) side.link.start(true);
  await live([a, b], 2_000);
  a.fate = () => {
    const bytes = a.post.batch().reduce((sum, { payload }) => sum + JSON.stringify(payload).length, 0);
    if (bytes > 4_096) return { code: "RELAY_LIMIT", retryAfterMs: 1_000 };
  };
  a.send("x".repeat(30_000));
  await live([a, b], 60_000);
  assert.deepEqual(b.heard, a.sent);
});

test("a service that has no relay, and a participant who takes no data, are not asked again", async () => {
  for (const code of ["RELAY_OFF", "PEER_NOT_FOUND"]) {
    const [a] = pair();
    a.fate = () => ({ code });
    a.link.start(true);
    await live([a], 600_000, 10_000);
    assert.deepEqual(a.told, ["off"]);
  }
});

test("whose mailbox is full is asked again later", async () => {
  const [a, b] = pair();
  a.fate = () => ({ code: "MAILBOX_FULL", retryAfterMs: 2_000 });
  a.link.start(true);
  a.send("hello");
  await live([a], 20_000);
  a.fate = () => undefined;
  await live([a, b], 10_000);
  assert.deepEqual(b.heard, ["hello"]);
});

test("a page that sleeps is asked ever more rarely, and hears all of it when it wakes", async () => {
  const [a, b] = pair();
  a.link.start(true);
  a.send("hello");
  await live([a], 600_000, 1_000);
  assert.ok(a.posts <= 13, String(a.posts));
  b.mailbox = b.mailbox.slice(-2); // the others have expired
  await live([a, b], 61_000);
  assert.deepEqual(b.heard, ["hello"]);
});

test("whatever the service does, each message arrives once and in order", async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const sides = pair();
    /** @type {Fate[]} */
    const fates = ["lost", "outage", { code: "MAILBOX_FULL" }, { code: "RELAY_LIMIT", retryAfterMs: 3_000 }, { code: "BLOCKED" }];
    for (const side of sides) {
      side.fate = () => (Math.random() < 0.3 ? fates[Math.floor(Math.random() * fates.length)] : undefined);
      side.link.start(true);
    }
    for (let step = 0; step < 150; step++) {
      const side = sides[step % 2];
      if (Math.random() < 0.7) side.send(`${step} ${"x".repeat(Math.random() < 0.2 ? 20_000 * Math.random() : 5)}`);
      if (Math.random() < 0.05) side.link.stop(); // a channel opens …
      if (Math.random() < 0.3) side.link.start(true); // … and is closed
      await live(Math.random() < 0.3 ? [side] : sides, 250);
    }
    for (const side of sides) side.fate = () => undefined;
    for (const side of sides) side.link.start(true);
    await live(sides, 300_000, 1_000);
    assert.deepEqual([sides[0].heard, sides[1].heard], [sides[1].sent, sides[0].sent]);
    assert.deepEqual(sides.map(({ talk }) => talk.delivery.unconfirmed), [0, 0]);
  }
});
