/** A party in its room, with a scripted service and without a network. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Party } from "../../party/static/party.js";
import { NETWORK_FAILS, clock, join, participant, record, refusal, service } from "./fake-service.js";
import { FakePeerConnection } from "./fake-webrtc.js";

test("a base URL may be relative to the page and needs no slash at its end", async () => {
  for (const [baseUrl, expected] of [
    ["/party", "https://site.test/party/rooms/ABC234/join"],
    ["relay/", "https://site.test/app/relay/rooms/ABC234/join"],
  ]) {
    service.requests = [];
    await join({ baseUrl });
    assert.equal(service.requests[0].url, expected);
  }
});

test("a seat is found again whether or not the base URL ends in a slash", async () => {
  const kept = new Map();
  const storage = /** @type {any} */ ({
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => kept.set(key, value),
    removeItem: (/** @type {string} */ key) => kept.delete(key),
  });
  await join({ baseUrl: "/party", storage });
  service.special["POST rooms/CODE/rejoin"] = () => ({ ...service.room, you: { id: "me", role: "player", token: "u" } });
  const resumed = await Party.resume({ baseUrl: "https://site.test/party/", storage });
  assert.equal(resumed?.id, "me");
});

test("credentials are renewed in time, as long as the party lasts", async () => {
  service.pollAfterMs = 30_000;
  await join();
  await clock.advance(2 * 3600 * 1000);
  assert.ok(service.credentials >= 3 && service.credentials <= 4, String(service.credentials));
});

test("WebRTC gets ready while the service is asked for a seat, where there will be connections", async () => {
  for (const [topology, made] of /** @type {["mesh"|"none", number][]} */ ([["mesh", 1], ["none", 0]])) {
    let ready = 0;
    globalThis.RTCPeerConnection = /** @type {any} */ (
      class extends FakePeerConnection {
        createOffer = async () => void ready++;
      }
    );
    service.special["POST rooms/CODE/join"] = () => new Promise(() => {});
    void join({ topology });
    await clock.advance(10);
    assert.equal(ready, made);
  }
});

test("ICE servers that the service names along with the seat need not be asked for", async () => {
  const named = (/** @type {string} */ header) => () =>
    Response.json(
      { success: true, data: { ...service.room, you: { id: "me", role: "player", token: "t" } } },
      { headers: { "X-Party-Ice-Servers": header } },
    );
  const iceServers = [{ urls: "turn:along.test", username: "u", credential: "along" }];
  service.special["POST rooms/CODE/join"] = named(JSON.stringify({ iceServers, ttlSeconds: 3600 }));
  await join();
  await clock.advance(1_000);
  assert.deepEqual(FakePeerConnection.all[0].gatherings, [iceServers]);
  assert.equal(service.credentials, 0);
  await clock.advance(3600 * 1000);
  assert.equal(service.credentials, 1);
  // What cannot be read is as good as none.
  service.special["POST rooms/CODE/join"] = named("{");
  await join();
  await clock.advance(1_000);
  assert.equal(service.credentials, 2);
});

test("a service that has no TURN server yet is asked again", async () => {
  service.special["GET rooms/CODE/ice-servers"] = () => ({ iceServers: [], ttlSeconds: 10 });
  await join();
  await clock.advance(11_000);
  assert.equal(service.count("GET rooms/CODE/ice-servers"), 2);
});

test("credentials that do not expire soon are not asked for again", async () => {
  service.ttlSeconds = 60 * 24 * 3600; // more than a timer of a browser takes
  await join();
  await clock.advance(60_000);
  assert.equal(service.credentials, 1);
});

test("after the sleep of a computer nobody is offered or answered with credentials that have expired", async () => {
  await join();
  await clock.advance(2_000);
  const fresh = () => FakePeerConnection.all.at(-1)?.gatherings.at(-1)[0].credential;
  assert.equal(fresh(), "1");
  service.add("participant-joined", { participant: participant("ben") }, "ben");
  const description = { type: "offer", sdp: "offer of ben" };
  service.add("offer", { connection: "x", negotiation: 1, description }, "ben");
  await clock.sleep(3600 * 1000);
  await clock.advance(2_000);
  const types = FakePeerConnection.all.map(({ localDescription }) => localDescription?.type);
  assert.deepEqual(types.sort(), ["answer", "offer", "offer"]); // that to Ada begins anew
  assert.equal(fresh(), "2");
});

test("credentials that cannot be renewed are asked for again, and the old ones used meanwhile", async () => {
  service.pollAfterMs = 10_000;
  const party = await join();
  const errors = record(party, "error");
  service.special["GET rooms/CODE/ice-servers"] = NETWORK_FAILS;
  await clock.advance(3000 * 1000);
  assert.ok(errors.length >= 1 && errors.length <= 3, String(errors.length));
  party.reconnect("ada");
  await clock.advance(1_000);
  assert.equal(FakePeerConnection.all.at(-1)?.gatherings.length, 1);
  service.special = {};
  await clock.advance(61_000);
  assert.equal(service.credentials, 2);
});

test("a page that leaves when it is closed has left, should the browser show it again", async () => {
  const party = await join({ leaveOnClose: true });
  const ended = record(party, "ended");
  await clock.advance(1_000);
  dispatchEvent(new Event("pagehide"));
  assert.deepEqual(ended, [{ reason: "left" }]);
  const left = service.requests.findIndex(({ call, keepalive }) => call === "POST rooms/CODE/leave" && keepalive);
  await clock.advance(60_000);
  assert.equal(service.requests.length, left + 1);
  assert.ok(FakePeerConnection.all.every(({ signalingState }) => signalingState === "closed"));
});

test("a removal whose answer was lost has succeeded", async () => {
  const party = await join();
  const refused = () => refusal(404, "PEER_NOT_FOUND");
  const fates = [NETWORK_FAILS, refused, refused];
  service.special["POST rooms/CODE/remove"] = () => /** @type {any} */ (fates.shift())();
  const done = party.remove("ada");
  await clock.advance(5_000);
  await done;
  await assert.rejects(party.remove("ada"), { code: "PEER_NOT_FOUND" });
});

test("when part of the stream was lost, listeners find everything as the new room says", async () => {
  const party = await join();
  /** @type {any[]} */
  const seen = [];
  const look = (/** @type {Event} */ { type }) =>
    seen.push([type, party.room.status, party.participants.map(({ id }) => id).join()]);
  for (const type of ["room", "participants"]) party.addEventListener(type, look);
  service.room.participants.push(participant("ben"));
  const room = { ...service.room, status: "playing", seq: 9, you: { id: "me", role: "player" } };
  service.extra = { gap: true, seq: 9, room };
  await clock.advance(1_000);
  assert.deepEqual(seen, [
    ["room", "playing", "ada,me,ben"],
    ["participants", "playing", "ada,me,ben"],
  ]);
});

test("the trace shows each candidate once, as it was found", async () => {
  const party = await join();
  await clock.advance(20);
  const pc = FakePeerConnection.all[0];
  for (const candidate of ["second", "third"]) {
    /** @type {any} */ (pc).onicecandidate({ candidate: { candidate } });
  }
  await clock.advance(1_000);
  const sent = party.trace.flatMap((each) => (each.kind === "sent" && each.type === "ice" ? [each.payload] : []));
  assert.deepEqual(sent.map((payload) => /** @type {any} */ (payload).candidates.length), [1, 1, 1]);
  const { messages } = /** @type {any} */ (service.requests.find(({ call }) => call === "POST signal")).body;
  assert.deepEqual(messages.map(({ payload }) => payload.candidates?.length), [1, undefined, 2]);
});

test("a track that is sent already stays as it is", async () => {
  const party = await join();
  const [track, stream] = /** @type {any[]} */ ([{ kind: "video" }, {}]);
  party.addTrack(track, stream);
  party.addTrack(track, stream);
  await clock.advance(1_000);
  assert.deepEqual(FakePeerConnection.all[0].tracks, [track]);
});

test("data of a wrong kind is refused whether anybody is connected or not", async () => {
  const party = await join();
  for (const data of [{ text: "hello" }, 7, undefined]) {
    assert.throws(() => party.broadcast(/** @type {any} */ (data)), TypeError);
    assert.throws(() => party.send("ada", /** @type {any} */ (data)), TypeError);
    assert.throws(() => party.send("nobody", /** @type {any} */ (data)), TypeError);
  }
  assert.equal(party.broadcast("hello"), 0);
});

for (const [options, named] of /** @type {[any, RegExp][]} */ ([
  [{ topology: "ring" }, /"topology" has to be "mesh" or "star"/],
  [{ topology: null }, /"topology"/],
  [{ toplogy: "star" }, /no option "toplogy"/],
  [{ maxParticipants: 3 }, /Party\.join knows no option "maxParticipants"/],
  [{ leaveOnClose: "yes" }, /"leaveOnClose"/],
  [{ storage: "local" }, /"storage"/],
  [{ baseUrl: 7 }, /"baseUrl"/],
  [{ baseUrl: "http://" }, /"baseUrl"/],
  [{ maxMessageBytes: 0 }, /"maxMessageBytes"/],
  [{ maxMessageBytes: 1.5 }, /"maxMessageBytes"/],
  [{ signal: new AbortController() }, /"signal"/],
])) {
  test(`options that there are not are refused before anything is asked: ${JSON.stringify(options)}`, async () => {
    await assert.rejects(join(options), { name: "TypeError", message: named });
    if (!("maxParticipants" in options)) {
      await assert.rejects(Party.create({ name: "Me", ...options }), { name: "TypeError", message: named });
      await assert.rejects(Party.resume({ ...options }), { name: "TypeError" });
    }
    assert.deepEqual(service.requests, []);
  });
}

test("options that are missing, or no code, are refused as well", async () => {
  await assert.rejects(Party.create(/** @type {any} */ (null)), TypeError);
  await assert.rejects(Party.create(/** @type {any} */ (undefined)), TypeError);
  await assert.rejects(Party.join(/** @type {any} */ (undefined), { name: "Me" }), TypeError);
  assert.deepEqual(service.requests, []);
});

test("an option that is undefined is as one that is not there", async () => {
  const party = await join({ topology: undefined, signal: undefined, maxMessageBytes: undefined });
  assert.equal(party.id, "me");
});

test("who gives up before entering asks for nothing", async () => {
  const reason = new Error("changed my mind");
  const aborter = new AbortController();
  aborter.abort(reason);
  await assert.rejects(join({ signal: aborter.signal }), reason);
  assert.deepEqual(service.requests, []);
});

test("who gives up while entering is told at once, and leaves no seat behind", async () => {
  const aborter = new AbortController();
  const answer = { ...service.room, you: { id: "me", role: "player", token: "t" } };
  service.special["POST rooms/CODE/join"] = () => new Promise((resolve) => setTimeout(() => resolve(answer), 5_000));
  const entered = join({ signal: aborter.signal });
  await clock.advance(1_000);
  aborter.abort();
  await assert.rejects(entered, { name: "AbortError" });
  assert.equal(service.count("POST rooms/CODE/leave"), 0);
  await clock.advance(5_000);
  assert.equal(service.count("POST rooms/CODE/leave"), 1);
  await clock.advance(60_000);
  assert.equal(service.count("GET signal/CODE/me"), 0);
  assert.equal(FakePeerConnection.all.length, 0);
});

test("who gives up while the answer is lost asks for the seat once more, and leaves it", async () => {
  const aborter = new AbortController();
  const fates = [NETWORK_FAILS];
  service.special["POST rooms/CODE/join"] = () =>
    fates.shift()?.() ?? { ...service.room, you: { id: "me", role: "player", token: "t" } };
  const entered = join({ signal: aborter.signal });
  await clock.advance(10);
  aborter.abort();
  await assert.rejects(entered, { name: "AbortError" });
  await clock.advance(10_000);
  assert.equal(service.count("POST rooms/CODE/leave"), 1);
});

test("a signal that is given after entering changes nothing", async () => {
  const aborter = new AbortController();
  const party = await join({ signal: aborter.signal });
  const ended = record(party, "ended");
  aborter.abort();
  await clock.advance(5_000);
  assert.deepEqual(ended, []);
  assert.ok(service.count("GET signal/CODE/me") > 0);
});

test("who leaves without a network has left, and the service is told as soon as there is one", async () => {
  const party = await join();
  const ended = record(party, "ended");
  service.special["POST rooms/CODE/leave"] = NETWORK_FAILS;
  const left = assert.rejects(party.leave(), { code: "NETWORK" });
  await clock.advance(5_000);
  await left;
  assert.deepEqual(ended, [{ reason: "left" }]);
  await clock.advance(600_000);
  const tries = service.count("POST rooms/CODE/leave");
  assert.ok(tries > 8 && tries < 40, String(tries));
  service.special = {};
  dispatchEvent(new Event("online"));
  await clock.advance(1);
  assert.equal(service.count("POST rooms/CODE/leave"), tries + 1);
  await clock.advance(600_000);
  assert.equal(service.count("POST rooms/CODE/leave"), tries + 1);
});

test("what a page does not take in one piece is dropped, and it is told", async () => {
  const party = await join({ maxMessageBytes: 5 });
  const [messages, dropped] = [record(party, "message"), record(party, "message-dropped")];
  await clock.advance(10);
  const { channel } = /** @type {any} */ (FakePeerConnection.all[0]);
  for (const data of ["=hello", "=hello!", "+text 60000000", "=again"]) channel.onmessage({ data });
  assert.deepEqual(messages.map(({ data }) => data), ["hello", "again"]);
  assert.deepEqual(dropped, [{ peerId: "ada", bytes: 6 }, { peerId: "ada", bytes: 60_000_000 }]);
});
