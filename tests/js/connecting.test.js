/** What a page shows, tries and tells while no path opens to somebody. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Party } from "../../party/static/party.js";
import { clock, join, participant, record, refusal, service } from "./fake-service.js";
import { FakePeerConnection } from "./fake-webrtc.js";

/** Attempts to connect to Ada so far: what was offered. */
const offers = () =>
  service.requests
    .filter(({ call }) => call === "POST signal")
    .flatMap(({ body }) => body.messages ?? [])
    .filter(({ type }) => type === "offer").length;

/** Ada answers the offer that she was sent last, unless she has, and no path opens. */
function answer() {
  const signals = service.requests.flatMap(({ body }) => body?.messages ?? []);
  const { connection, negotiation } = signals.filter(({ type }) => type === "offer").at(-1).payload;
  if (service.stream.some(({ payload }) => payload.connection === connection)) return;
  service.add("answer", { connection, negotiation, description: { type: "answer", sdp: "answer" } });
}

/** @returns {any} */
const last = () => FakePeerConnection.all.at(-1);

/** @param {any} party */
const ada = (party) => party.participants.find(({ id }) => id === "ada");

/** What came of the polls' headers. */
const reported = () => service.reports.flatMap((text) => JSON.parse(Buffer.from(text, "base64url").toString()));

test("after 8 s without a channel a peer is relayed, and what is said to it goes through the service", async () => {
  const party = await join();
  const peers = record(party, "peer");
  await clock.advance(7_900);
  assert.equal(ada(party).state, "connecting");
  assert.deepEqual([party.send("ada", "x"), party.broadcast("x")], [false, 0]);
  await clock.advance(1_500);
  assert.equal(ada(party).state, "relayed");
  assert.deepEqual(peers.at(-1), { peerId: "ada", state: "relayed", reason: "no-answer" });
  assert.deepEqual([party.send("ada", "x"), party.broadcast("x")], [true, 1]);
  const asked = service.requests.flatMap(({ body }) => body?.messages ?? []).filter(({ type }) => type === "data");
  assert.deepEqual([asked[0].toId, asked[0].payload.ask], ["ada", true]);
  const heard = record(party, "message");
  const { from } = asked[0].payload;
  service.add("data", { from: 1, to: from, have: [0, 0], items: [["1", "hello"]] });
  await clock.advance(2_000);
  assert.deepEqual(heard, [{ peerId: "ada", data: "hello" }]);
  const said = service.requests.flatMap(({ body }) => body?.messages ?? []).filter(({ payload }) => payload?.items);
  assert.deepEqual(said.flatMap(({ payload }) => payload.items), [["1", "x"], ["2", "x"]]);
});

for (const [how, options, settings] of /** @type {[string, any, any][]} */ ([
  ["the page does not want it", { relay: false }, undefined],
  ["the room does not have it", {}, { relay: false }],
])) {
  test(`nothing goes through the service where ${how}: after 30 s a peer has failed, and is tried on`, async () => {
    service.room.settings = settings;
    const party = await join(options);
    await clock.advance(29_000);
    assert.equal(ada(party).state, "connecting");
    answer();
    await clock.advance(2_000);
    assert.equal(ada(party).state, "failed");
    assert.equal(party.send("ada", "x"), false);
    const before = offers();
    await clock.advance(60_000);
    assert.ok(offers() > before);
    assert.ok(!service.requests.some(({ body }) => body?.messages?.some(({ type }) => type === "data")));
  });
}

test("a service that refuses data is not asked for it again, and goes on", async () => {
  const party = await join();
  const [errors, ended] = [record(party, "error"), record(party, "ended")];
  service.special["POST signal"] = () => refusal(403, "RELAY_OFF");
  await clock.advance(0);
  service.special = {};
  await clock.advance(7_000);
  const before = service.requests.length;
  service.special["POST signal"] = () => refusal(403, "RELAY_OFF");
  await clock.advance(3_000);
  assert.ok(service.requests.length > before);
  service.special = {};
  await clock.advance(30_000);
  assert.deepEqual([ada(party).state, errors, ended], ["failed", [], []]);
});

test("a first attempt that neither opens nor fails is begun anew after 12 s, later ones ever more rarely", async () => {
  await join({ relay: false });
  await clock.advance(1_000);
  answer();
  await clock.advance(10_900);
  assert.equal(offers(), 1);
  await clock.advance(400);
  assert.equal(offers(), 2);
  for (let minute = 0; minute < 30; minute++) {
    answer();
    await clock.advance(10_000);
  }
  const before = offers();
  for (let minute = 0; minute < 30; minute++) {
    answer();
    await clock.advance(10_000);
  }
  assert.ok(offers() - before <= 8 && offers() > before, String(offers() - before));
});

test("an offer that waits for its answer is not replaced again and again", async () => {
  await join();
  await clock.advance(100_000);
  assert.equal(offers(), 2);
});

test("where a peer cannot be reached for long, the service is asked no more often than in a quiet lobby", async () => {
  await join({ relay: false });
  service.pollAfterMs = 120; // as long as anybody in the room tries to connect
  for (let second = 0; second < 120; second += 10) {
    await clock.advance(10_000);
    answer();
  }
  const before = service.requests.length;
  for (let second = 0; second < 60; second += 10) {
    answer();
    await clock.advance(10_000);
  }
  assert.ok(service.requests.length - before <= 75, String(service.requests.length - before));
  // Whoever comes is connected as quickly as ever.
  service.add("participant-joined", { participant: participant("ben") }, "ben");
  await clock.advance(1_000);
  const then = service.requests.length;
  await clock.advance(5_000);
  assert.ok(service.requests.length - then > 30);
});

test("it is told why there is no connection", async () => {
  const party = await join();
  const peers = record(party, "peer");
  await clock.advance(100);
  last().onicecandidateerror({ url: "turn:turn.test?transport=udp", errorCode: 701, errorText: "not reachable" });
  assert.equal(ada(party).reason, null);
  last().onicecandidateerror({ url: "turn:turn.test?transport=udp", errorCode: 401, errorText: "Unauthorized" });
  const turn = { reason: "turn-refused", server: "turn:turn.test?transport=udp", code: 401 };
  assert.deepEqual(peers, [{ peerId: "ada", state: "connecting", ...turn }]);
  assert.equal(ada(party).reason, "turn-refused");
  const errors = party.trace.filter(({ kind }) => kind === "candidate-error");
  assert.deepEqual(errors.map(({ errorCode }) => errorCode), [701, 401]);
  party.reconnect("ada");
  await clock.advance(100);
  answer();
  await clock.advance(1_100);
  assert.equal(ada(party).reason, "turn-refused"); // of the attempt before: the new one is not known to be better
});

test("a failed attempt, one without addresses and a page that sleeps have reasons of their own", async () => {
  const party = await join({ relay: false });
  await clock.advance(1_000);
  const signals = service.requests.flatMap(({ body }) => body?.messages ?? []);
  const { connection, negotiation } = signals[0].payload;
  service.add("answer", { connection, negotiation, description: { type: "answer", sdp: "answer" } });
  service.add("ice", { connection, negotiation, candidates: [{ candidate: "x", sdpMid: "answer" }] });
  await clock.advance(1_000);
  last().setState("failed");
  assert.equal(ada(party).reason, "ice-failed");
  service.add("presence-changed", { participantId: "ada", presence: "away" });
  await clock.advance(1_500);
  assert.equal(ada(party).reason, "sleeping");
  service.add("presence-changed", { participantId: "ada", presence: "online" });
  await clock.advance(1_500);
  assert.equal(ada(party).reason, "ice-failed");
  await clock.advance(20_000);
  assert.equal(ada(party).reason, "no-answer");
});

test("a page without WebRTC enters all the same, is relayed at once, and the others need not try", async () => {
  delete (/** @type {any} */ (globalThis).RTCPeerConnection);
  const party = await join();
  service.add("offer", { connection: "x", negotiation: 1, description: { type: "offer", sdp: "x" } });
  await clock.advance(2_000);
  assert.deepEqual([ada(party).state, ada(party).reason], ["relayed", "not-supported"]);
  const signals = service.requests.flatMap(({ body }) => body?.messages ?? []);
  assert.deepEqual(signals.map(({ type, payload }) => [type, payload.connects]), [["data", false]]);
});

test("a peer without WebRTC is relayed as soon as it says so, and is not offered anything", async () => {
  const party = await join();
  await clock.advance(1_000);
  service.add("data", { from: 1, to: null, have: [0, 0], ask: true, connects: false });
  await clock.advance(2_500);
  assert.deepEqual([ada(party).state, ada(party).reason], ["relayed", "not-supported"]);
  await clock.advance(100_000);
  assert.equal(offers(), 1);
});

test("how it went is told once for each peer, with a request that is made anyway", async () => {
  const party = await join();
  await clock.advance(20_000);
  assert.equal(ada(party).state, "relayed");
  await clock.advance(200_000);
  const [report, ...others] = reported();
  assert.deepEqual([report.peerId, report.outcome, report.reason, others], ["ada", "relayed", "no-answer", []]);
  assert.ok(report.ms >= 8_000 && report.ms < 10_000);
});

test("a report meets an outage, and is told later; a page that does not want to tells nothing", async () => {
  await join({ relay: false });
  await clock.advance(29_900);
  service.special["GET signal/CODE/me"] = () => refusal(503, "UNAVAILABLE");
  await clock.advance(5_000);
  service.special = {};
  service.reports = [];
  await clock.advance(60_000);
  assert.deepEqual(reported().map(({ outcome }) => outcome), ["failed"]);
  service.reports = [];
  await join({ reports: false });
  await clock.advance(100_000);
  assert.deepEqual(reported(), []);
});

test("who leaves before anything has come of it has given up", async () => {
  const party = await join();
  await clock.advance(1_000);
  await party.leave();
  await clock.advance(0);
  const { body, keepalive } = service.requests.find(({ body }) => body?.reports) ?? {};
  assert.equal(keepalive, true);
  assert.deepEqual([body.messages, body.reports.map(({ outcome }) => outcome)], [undefined, ["gave-up"]]);
});

test("until it is known whether pages may learn each other's addresses, they do not", async () => {
  service.special["GET rooms/CODE/ice-servers"] = () => refusal(503, "UNAVAILABLE");
  await join();
  await clock.advance(5_000);
  assert.equal(last().configuration.iceTransportPolicy, "relay");
  service.special = {};
  await clock.advance(20_000);
  assert.equal(last().configuration.iceTransportPolicy, "all");
  service.special["GET rooms/CODE/ice-servers"] = () => ({ iceServers: [], iceTransportPolicy: "relay", ttlSeconds: 3600 });
  await join();
  await clock.advance(100);
  assert.equal(last().configuration.iceTransportPolicy, "relay");
});

test("without WebRTC and without the service's relay no room is made, joined or come back to", async () => {
  delete (/** @type {any} */ (globalThis).RTCPeerConnection);
  const storage = /** @type {any} */ ({ getItem: () => '{"code":"ABC234","id":"me","token":"t"}', removeItem: assert.fail });
  const page = { baseUrl: "https://service.test/party", relay: false };
  for (const entered of [join(page), Party.create({ name: "Me", ...page }), Party.resume({ ...page, storage })]) {
    await assert.rejects(entered, ({ code, isOutage, message }) => {
      assert.deepEqual([code, isOutage], ["NO_WEBRTC", false]);
      return /WebRTC/.test(message);
    });
  }
  assert.deepEqual(service.requests, []);
});
