/** Shared state as a feature of a party, with a scripted service and without a network. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { NETWORK_FAILS, clock, join, record, refusal, service } from "../js/fake-service.js";

const WRITE = "POST rooms/CODE/state";
let seq = 100;

function answering() {
  service.special[WRITE] = () => ({ seq: ++seq });
}

/** @returns {any[]} the bodies of all writes */
function writes() {
  return service.requests.filter(({ call }) => call === WRITE).map(({ body }) => body);
}

/**
 * @param {string} key
 * @param {any} value
 * @param {number} seq
 */
function set(key, value, seq, by = null) {
  return { scope: by ? "me" : "room", by, key, value, seq };
}

test("a party that shares nothing makes no request for it", async () => {
  const party = await join();
  await clock.advance(5_000);
  assert.deepEqual(party.state, { room: {}, members: {} });
  assert.deepEqual(new Set(service.requests.map(({ call }) => call)), new Set([
    "POST rooms/CODE/join", "GET rooms/CODE/ice-servers", "POST signal", "GET signal/CODE/me",
  ]));
});

test("what is written within a tenth of a second goes in one request, of each key the last value", async () => {
  answering();
  const party = await join();
  const done = [];
  for (let n = 0; n < 100; n++) {
    done.push(party.setState({ x: n, [`k${n % 3}`]: n }, { scope: "me" }));
    await clock.advance(10);
  }
  await clock.advance(200);
  await Promise.all(done);
  assert.ok(writes().length >= 10 && writes().length <= 11, String(writes().length));
  assert.deepEqual(writes().at(-1).set.x, 99);
  assert.deepEqual(party.state.members.me.x.value, 99);
});

test("values for different eyes go in requests of their own, in order, and an old value is not sent", async () => {
  answering();
  const party = await join();
  const done = [
    party.setState({ hand: ["ace"] }, { visibleTo: ["ada"] }),
    party.setState({ turn: "ada" }),
    party.setState({ hand: ["king"] }, { visibleTo: ["ada"] }),
    party.setState({ turn: "me", old: undefined }, { ifSeq: { turn: 7 } }),
    party.setState({ turn: "ben" }),
  ];
  await clock.advance(1_000);
  assert.deepEqual(writes(), [
    { set: { turn: "ada" }, remove: [] },
    { set: { hand: ["king"] }, remove: [], visibleTo: ["ada"] },
    { set: { turn: "me" }, remove: ["old"], ifSeq: { turn: 7 } },
    { set: { turn: "ben" }, remove: [] },
  ]);
  assert.deepEqual(await Promise.all(done), [seq - 2, seq - 3, seq - 2, seq - 1, seq]);
});

test("what is written is what it was when it was written", async () => {
  answering();
  const party = await join();
  const position = { x: 1 };
  const done = party.setState({ position });
  position.x = 2;
  await clock.advance(100);
  await done;
  assert.deepEqual(writes(), [{ set: { position: { x: 1 } }, remove: [] }]);
  await assert.rejects(party.setState({ f: () => 1 }), TypeError);
});

test("a write waits for the service and for its turn, and is refused for good otherwise", async () => {
  const fates = [NETWORK_FAILS, () => refusal(429, "RATE_LIMITED"), () => ({ seq: 50 }), () => refusal(409, "STATE_MOVED")];
  service.special[WRITE] = () => /** @type {any} */ (fates.shift())();
  const party = await join();
  const first = party.setState({ a: 1 });
  await clock.advance(3_000);
  assert.equal(await first, 50);
  const second = assert.rejects(party.setState({ a: 2 }, { ifSeq: { a: 1 } }), { code: "STATE_MOVED" });
  await clock.advance(1_000);
  await second;
  assert.deepEqual(party.state.room, { a: { value: 1, seq: 50 } });
});

test("polls bring what others write, once, and what is gone", async () => {
  answering();
  service.room.state = { room: { a: { value: 1, seq: 3 } }, members: { ada: { ready: { value: true, seq: 4 } } } };
  const party = await join();
  const told = record(party, "state");
  service.extra = { state: [set("b", 2, 6), set("cards", ["ace"], 7, /** @type {any} */ ("ada"))] };
  await clock.advance(1_000);
  await Promise.all([party.setState({ a: 5 }), clock.advance(100)]);
  service.extra = { state: [set("a", 5, seq), { scope: "room", by: null, key: "b", removed: true, seq: 8 }] };
  await clock.advance(1_000);
  service.extra = { state: [{ scope: "me", by: "ada", key: "ready", removed: true, seq: 9 }] };
  await clock.advance(1_000);
  assert.deepEqual(told.map(({ changes }) => changes.map((/** @type {any} */ { by, key, value }) => [by, key, value])), [
    [[null, "b", 2], ["ada", "cards", ["ace"]]],
    [[null, "a", 5]],
    [[null, "b", undefined]],
    [["ada", "ready", undefined]],
  ]);
  assert.deepEqual(party.state, { room: { a: { value: 5, seq } }, members: { ada: { cards: { value: ["ace"], seq: 7 } } } });
});

test("what a page may not see it does not know, though it wrote it; and what it removed stays gone", async () => {
  answering();
  const party = await join();
  const done = [party.setState({ secret: 1 }, { visibleTo: "host" }), party.setState({ mine: 1 }, { scope: "me", visibleTo: [] })];
  await clock.advance(300);
  await Promise.all(done);
  assert.deepEqual(party.state, { room: {}, members: { me: { mine: { value: 1, seq } } } });
  await Promise.all([party.setState({ mine: undefined }, { scope: "me" }), clock.advance(300)]);
  service.extra = { state: [set("mine", 1, seq - 1, /** @type {any} */ ("me"))] }; // was on its way
  await clock.advance(1_000);
  assert.deepEqual(party.state, { room: {}, members: {} });
});

test("who is typing is told, and typing itself costs a request every three seconds", async () => {
  answering();
  const party = await join();
  const told = record(party, "typing");
  service.extra = { state: [set("typing", true, 6, /** @type {any} */ ("ada"))] };
  for (let n = 0; n < 40; n++) {
    party.typing(true);
    await clock.advance(100);
  }
  service.extra = { state: [{ scope: "me", by: "ada", key: "typing", removed: true, seq: 8 }] };
  party.typing(false);
  party.typing(false);
  await clock.advance(1_000);
  assert.deepEqual(told, [{ participantIds: ["ada"] }, { participantIds: [] }]);
  const typing = { scope: "me", ttlSeconds: 6, set: { typing: true }, remove: [] };
  assert.deepEqual(writes(), [typing, typing, { scope: "me", set: {}, remove: ["typing"] }]);
});

test("the Room as a whole replaces what was known", async () => {
  service.room.state = { room: { a: { value: 1, seq: 3 }, b: { value: 1, seq: 3 } }, members: {} };
  const party = await join();
  const told = record(party, "state");
  const state = { room: { b: { value: 2, seq: 9 } }, members: {} };
  service.extra = { gap: true, room: { ...service.room, seq: 9, you: { id: "me", role: "player" }, state }, state: [] };
  await clock.advance(2_000);
  assert.deepEqual(party.state, state);
  assert.deepEqual(told.map(({ changes }) => changes.map((/** @type {any} */ { key, removed }) => [key, removed])), [
    [["a", true], ["b", undefined]],
  ]);
});
