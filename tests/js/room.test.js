/** What each event makes of the Room. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { after } from "../../party/static/client/room.js";

/** @param {string} id */
const somebody = (id) => ({
  id,
  name: id,
  isHost: false,
  role: "player",
  seat: null,
  presence: "online",
  online: true,
  score: 0,
  joinedAt: "1",
});
const ada = { ...somebody("ada"), role: "host", isHost: true };
const [ben, cleo] = [somebody("ben"), somebody("cleo")];
const settings = { name: null, gameType: null, approval: true, locked: false, listed: false, seats: 4 };
const dora = { id: "dora", name: "Dora", requestedAt: "2", presence: "online" };
const eli = { ...dora, id: "eli" };
const room = {
  code: "ABC234",
  status: "waiting",
  endedAt: null,
  hostId: "ada",
  hostName: "ada",
  maxParticipants: 20,
  settings,
  seq: 5,
  participants: [ada, ben],
  you: { id: "ben", role: "player", token: "t" },
};
const ofHost = { ...room, requests: [dora, eli], you: { id: "ada", role: "host", token: "t" } };
const heir = { ...ben, role: "host", isHost: true };
const former = { ...ada, role: "player", isHost: false };

/** @type {[type: string, payload: object, changes: object, before?: object][]} */
const EVENTS = [
  ["participant-joined", { participant: cleo }, { participants: [ada, ben, cleo] }],
  ["participant-joined", { participant: somebody("eli") }, { participants: [ada, ben, somebody("eli")], requests: [dora] }, ofHost],
  ["participant-rejoined", { participant: { ...ada, score: 7 } }, { participants: [{ ...ada, score: 7 }, ben] }],
  ["participant-left", { participantId: "ada", reason: "left" }, { participants: [ben] }],
  ["participant-removed", { participantId: "ben", reason: "banned" }, { participants: [ada] }],
  ["participant-left", { participantId: "nobody", reason: "absent" }, {}],
  ["participant-renamed", { participantId: "ben", name: "Benno" }, { participants: [ada, { ...ben, name: "Benno" }] }],
  [
    "participant-renamed",
    { participantId: "ada", name: "Ada L." },
    { hostName: "Ada L.", participants: [{ ...ada, name: "Ada L." }, ben] },
  ],
  [
    "presence-changed",
    { participantId: "ada", presence: "away" },
    { participants: [{ ...ada, presence: "away", online: false }, ben] },
  ],
  [
    "role-changed",
    { participantId: "ada", role: "host", seat: 2 },
    { participants: [{ ...ada, seat: 2 }, ben] },
  ],
  [
    "role-changed",
    { participantId: "ben", role: "spectator", seat: null },
    { participants: [ada, { ...ben, role: "spectator" }], you: { id: "ben", role: "spectator", token: "t" } },
  ],
  [
    "host-changed",
    { hostId: "ben", previousHostId: "ada", reason: "left" },
    { hostId: "ben", hostName: "ben", participants: [former, heir], you: { id: "ben", role: "host", token: "t" } },
  ],
  [
    "host-changed",
    { hostId: "ben", previousHostId: "ada", reason: "handed-over" },
    {
      hostId: "ben",
      hostName: "ben",
      participants: [former, heir],
      requests: undefined,
      you: { id: "ada", role: "player", token: "t" },
    },
    ofHost,
  ],
  [
    "settings-changed",
    { changed: { locked: true, maxParticipants: 3 } },
    { maxParticipants: 3, settings: { ...settings, locked: true } },
  ],
  ["join-requested", { participant: { ...dora, name: "D" } }, { requests: [{ ...dora, name: "D" }, eli] }, ofHost],
  ["join-requested", { participant: { ...dora, id: "finn" } }, { requests: [dora, eli, { ...dora, id: "finn" }] }, ofHost],
  ["join-withdrawn", { participantId: "dora", reason: "left" }, { requests: [eli] }, ofHost],
  ["room-ended", { status: "ended", endedAt: "then", reason: "ended" }, { status: "ended", endedAt: "then" }],
  ["an event of another time", { anything: 1 }, {}],
];

for (const [type, payload, changes, before = room] of EVENTS) {
  test(`after ${type} with ${JSON.stringify(payload)} the room is as the next reader gets it`, () => {
    const copy = structuredClone(before);
    const message = { seq: 6, type, fromId: null, toId: null, payload, createdAt: "" };
    const expected = JSON.parse(JSON.stringify({ ...before, seq: 6, ...changes }));
    assert.deepEqual(after(/** @type {any} */ (before), message), expected);
    assert.deepEqual(before, copy);
  });
}
