/** What each event makes of the Room. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { after } from "../../party/static/client/room.js";

const ada = { id: "ada", name: "Ada", isHost: true, role: "host", online: true, score: 0, joinedAt: "1" };
const ben = { ...ada, id: "ben", name: "Ben", isHost: false, role: "guest", joinedAt: "2" };
const cleo = { ...ben, id: "cleo", name: "Cleo", joinedAt: "3" };
const room = /** @type {any} */ ({ code: "ABC234", status: "waiting", endedAt: null, seq: 5, participants: [ada, ben] });

/** @type {[type: string, payload: object, changes: object][]} */
const EVENTS = [
  ["participant-joined", { participant: cleo }, { participants: [ada, ben, cleo] }],
  ["participant-rejoined", { participant: { ...ada, score: 7 } }, { participants: [{ ...ada, score: 7 }, ben] }],
  ["participant-left", { participantId: "ada" }, { participants: [ben] }],
  ["participant-removed", { participantId: "ben" }, { participants: [ada] }],
  ["participant-left", { participantId: "nobody" }, {}],
  ["room-ended", { status: "ended", endedAt: "then", reason: "ended" }, { status: "ended", endedAt: "then" }],
  ["an event of another time", { anything: 1 }, {}],
];

for (const [type, payload, changes] of EVENTS) {
  test(`after ${type} with ${JSON.stringify(payload).slice(0, 40)} the room is as the next reader gets it`, () => {
    const before = structuredClone(room);
    const message = { seq: 6, type, fromId: null, toId: null, payload, createdAt: "" };
    assert.deepEqual(after(room, message), { ...room, seq: 6, ...changes });
    assert.deepEqual(room, before);
  });
}
