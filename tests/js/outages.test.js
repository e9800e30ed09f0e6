/** What a page does when the service hangs, asks to be left alone, or cannot be told something. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { NETWORK_FAILS, clock, join, record, refusal, service } from "./fake-service.js";
import { FakePeerConnection } from "./fake-webrtc.js";

const SEATED = () => ({ ...service.room, you: { id: "me", role: "player", token: "t" } });
const NEVER = () => new Promise(() => {});

/**
 * @param {number} status
 * @param {string} code
 * @param {number} retryAfter  in seconds
 */
function busy(status, code, retryAfter) {
  return Response.json({ success: false, error: { code, message: code, retryAfter } }, { status });
}

test("a page polls while the service is silent about ICE servers", async () => {
  service.special["GET rooms/CODE/ice-servers"] = NEVER;
  await join();
  await clock.advance(1_000);
  assert.ok(service.count("GET signal/CODE/me") > 0);
});

test("old credentials are used while new ones do not come", async () => {
  service.pollAfterMs = 60_000;
  const party = await join();
  service.special["GET rooms/CODE/ice-servers"] = NEVER;
  await clock.advance(3000 * 1000);
  party.reconnect("ada");
  await clock.advance(6_000);
  assert.deepEqual(FakePeerConnection.all.at(-1)?.gatherings.map(([{ credential }]) => credential), ["1"]);
});

test("a call does not wait for as long as a service may want to be left alone", async () => {
  service.special["POST rooms/CODE/join"] = () => busy(503, "UNAVAILABLE", 60);
  await assert.rejects(join(), { code: "UNAVAILABLE", retryAfterMs: 60_000 });
  assert.equal(service.count("POST rooms/CODE/join"), 1);
  // But for a moment it does.
  const fates = [() => busy(503, "UNAVAILABLE", 2), SEATED];
  service.special["POST rooms/CODE/join"] = () => fates.shift()?.();
  const entered = join();
  await clock.advance(2_100);
  assert.equal((await entered).id, "me");
});

test("a seat that nobody wants any more is left as soon as the service can be told", async () => {
  const aborter = new AbortController();
  service.special["POST rooms/CODE/join"] = () => new Promise((resolve) => setTimeout(() => resolve(SEATED()), 1_000));
  service.special["POST rooms/CODE/leave"] = NETWORK_FAILS;
  const entered = assert.rejects(join({ signal: aborter.signal }), { name: "AbortError" });
  aborter.abort();
  await entered;
  await clock.advance(5_000);
  delete service.special["POST rooms/CODE/leave"];
  const tries = service.count("POST rooms/CODE/leave");
  await clock.advance(60_000);
  assert.equal(service.count("POST rooms/CODE/leave"), tries + 1);
});

test("a service that cannot be told of a leave is left alone for as long as it asks", async () => {
  const party = await join();
  service.special["POST rooms/CODE/leave"] = () => busy(429, "RATE_LIMITED", 30);
  await assert.rejects(party.leave(), { code: "RATE_LIMITED" });
  await clock.advance(29_000);
  assert.equal(service.count("POST rooms/CODE/leave"), 1);
  await clock.advance(2_000);
  assert.equal(service.count("POST rooms/CODE/leave"), 2);
});

test("who has lost the seat has not ended the room", async () => {
  const party = await join();
  const ended = record(party, "ended");
  const replaced = { success: false, error: { code: "TOKEN_INVALID", message: "", reason: "replaced" } };
  service.special["POST rooms/CODE/end"] = () => Response.json(replaced, { status: 401 });
  service.special["GET signal/CODE/me"] = () => Response.json(replaced, { status: 401 });
  await assert.rejects(party.end(), { code: "TOKEN_INVALID" });
  await clock.advance(2_000);
  assert.deepEqual(ended, [{ reason: "replaced" }]);
  const other = await join();
  const over = record(other, "ended");
  service.special["POST rooms/CODE/end"] = () => refusal(410, "ROOM_ENDED");
  await other.end();
  assert.equal(over[0].reason, "ended");
});
