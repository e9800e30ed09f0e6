/** Rooms that a host runs, as a party sees them: with a scripted service and without a network. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Party } from "../../party/static/party.js";
import { clock, join, participant, record, refusal, service } from "./fake-service.js";
import { FakePeerConnection } from "./fake-webrtc.js";

const PREVIEW = { code: "ABC234", status: "waiting", hostName: "ada", approval: true, seq: 5 };

/** Ask to be let in. */
async function ask() {
  service.special["POST rooms/CODE/join"] = () =>
    Response.json({ success: true, data: { ...PREVIEW, you: { id: "me", role: "guest", token: "t" } } }, { status: 202 });
  return join();
}

test("who asks to be let in has a party that waits, and asks for nothing that is not for its eyes", async () => {
  const party = await ask();
  await clock.advance(20_000);
  assert.deepEqual([party.phase, party.role, party.participants, party.requests], ["waiting", "guest", [], []]);
  assert.equal(party.room.hostName, "ada");
  const calls = new Set(service.requests.map(({ call }) => call));
  assert.deepEqual([...calls], ["POST rooms/CODE/join", "GET signal/CODE/me"]);
});

test("who is let in has the room, and begins the connections to those who are there", async () => {
  const party = await ask();
  const approved = record(party, "approved");
  service.room.participants[1].seat = 1;
  service.add("participant-approved", { role: "player", seat: 1 });
  service.special["GET signal/CODE/me"] = () => {
    const room = { ...service.room, you: { id: "me", role: "player" } };
    const messages = service.stream;
    service.special = {};
    service.extra = { room };
    return { messages, seq: 6, more: false, gap: false, pollAfterMs: 1000 };
  };
  await clock.advance(3_000);
  assert.deepEqual(approved, [{ role: "player", seat: 1 }]);
  assert.equal(party.phase, "joined");
  assert.deepEqual(party.participants.map(({ id }) => id), ["ada", "me"]);
  assert.equal(FakePeerConnection.all.length, 1);
  assert.equal(service.count("GET rooms/CODE/ice-servers"), 1);
});

for (const reason of ["rejected", "banned"]) {
  test(`who is not let in (${reason}) hears it, and then why it is over`, async () => {
    const party = await ask();
    const [rejected, ended] = [record(party, "rejected"), record(party, "ended")];
    service.add("participant-rejected", {});
    await clock.advance(200);
    assert.deepEqual([rejected, ended], [[{}], []]);
    const error = { code: "TOKEN_INVALID", message: "", reason };
    service.special["GET signal/CODE/me"] = () => Response.json({ success: false, error }, { status: 401 });
    await clock.advance(2_000);
    assert.deepEqual(ended, [{ reason }]);
    assert.equal(party.phase, "ended");
  });
}

test("who becomes the host asks for what only a host sees, and loses no connection", async () => {
  const party = await join();
  await clock.advance(1_000);
  const requests = record(party, "requests");
  service.add("host-changed", { hostId: "me", previousHostId: "ada", reason: "handed-over" });
  const waiting = { id: "dora", name: "Dora", requestedAt: "", presence: "online" };
  await clock.advance(900);
  service.extra = {
    room: { ...service.room, hostId: "me", requests: [waiting], you: { id: "me", role: "host" } },
  };
  await clock.advance(3_000);
  assert.equal(party.isHost, true);
  assert.deepEqual(party.requests, [waiting]);
  assert.deepEqual(requests.at(-1), { requests: [waiting] });
  assert.equal(FakePeerConnection.all.length, 1);
});

test("the host's calls are those of the contract, and a refusal after a lost answer means that it is done", async () => {
  const party = await join();
  await party.approve("dora", true);
  await party.remove("ben");
  await party.ban("ben");
  await party.setRole("spectator");
  await party.setRole("player", { seat: null, participantId: "ben" });
  await party.rename("Me Myself");
  await party.rename("Benno", "ben");
  await party.handOver("ben");
  await party.setSettings({ locked: true, name: null });
  const calls = service.requests.filter(({ call }) => call.startsWith("POST rooms/CODE/")).slice(1);
  assert.deepEqual(
    calls.map(({ call, body }) => [call.slice("POST rooms/CODE/".length), body]),
    [
      ["approve", { participantId: "dora", approved: true }],
      ["remove", { participantId: "ben" }],
      ["remove", { participantId: "ben", ban: true }],
      ["role", { role: "spectator" }],
      ["role", { role: "player", seat: null, participantId: "ben" }],
      ["rename", { name: "Me Myself" }],
      ["rename", { name: "Benno", participantId: "ben" }],
      ["host", { participantId: "ben" }],
      ["settings", { locked: true, name: null }],
    ],
  );
  service.special["POST rooms/CODE/settings"] = () => refusal(403, "HOST_ONLY");
  await assert.rejects(party.setSettings({ locked: false }), { code: "HOST_ONLY" });
});

test("events keep true who is there and what the room is", async () => {
  const party = await join();
  const [people, rooms] = [record(party, "participants"), record(party, "room")];
  service.add("presence-changed", { participantId: "ada", presence: "away" });
  service.add("settings-changed", { changed: { locked: true } });
  await clock.advance(2_000);
  assert.deepEqual([people.length, rooms.length], [1, 1]);
  assert.equal(party.participants[0].presence, "away");
  assert.equal(party.settings.locked, true);
});

test("a page that is hidden or goes says that it is away, and one that has left says nothing", async () => {
  const party = await join();
  await clock.advance(1_000);
  const { document } = /** @type {any} */ (globalThis);
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  dispatchEvent(new Event("pagehide"));
  const told = service.requests.filter(({ call }) => call === "POST rooms/CODE/away");
  assert.deepEqual(told.map(({ keepalive }) => keepalive), [true, true]);
  await party.leave();
  dispatchEvent(new Event("pagehide"));
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(service.count("POST rooms/CODE/away"), 2);
});

test("a list of rooms is asked for by what was given", async () => {
  service.special["GET rooms"] = () => ({ rooms: [], next: null });
  const options = { baseUrl: "https://service.test/party", gameType: "chess", limit: 2, after: undefined };
  assert.deepEqual(await Party.list(options), { rooms: [], next: null });
  assert.match(service.requests[0].url, /\/rooms\?gameType=chess&limit=2$/);
});

test("in a star everybody connects to the new host", async () => {
  service.room.participants.push(participant("ben"));
  await join({ topology: "star" });
  await clock.advance(1_000);
  assert.equal(FakePeerConnection.all.length, 1);
  service.add("host-changed", { hostId: "ben", previousHostId: "ada", reason: "left" });
  await clock.advance(3_000);
  assert.equal(FakePeerConnection.all.length, 2);
  assert.equal(FakePeerConnection.all[0].signalingState, "closed");
});

test("the screen is kept on for as long as the party lasts, where that is wanted", async () => {
  /** @type {string[]} */
  const told = [];
  const request = async () => (told.push("on"), { released: false, release: async () => void told.push("off") });
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { wakeLock: { request } } });
  const party = await join({ keepAwake: true });
  await clock.advance(1_000);
  await party.leave();
  assert.deepEqual(told, ["on", "off"]);
});
