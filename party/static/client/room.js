/**
 * The Room, and what each event makes of it: nothing here asks, waits or remembers. A page that has the Room of
 * number n, and applies the events after n one by one, has the Room that the next reader gets.
 */

/** @typedef {import("./contract.js").Participant} Participant */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./contract.js").StreamMessage} StreamMessage */

/** @type {[type: string, change: (room: RoomWithYou, payload: any) => RoomWithYou][]} */
const ALL_CHANGES = [
  ["participant-joined", withParticipant],
  ["participant-rejoined", withParticipant],
  ["participant-left", withoutParticipant],
  ["participant-removed", withoutParticipant],
  ["room-ended", (room, { status, endedAt }) => ({ ...room, status, endedAt })],
];
const CHANGES = new Map(ALL_CHANGES);

/**
 * @param {RoomWithYou} room
 * @param {StreamMessage} message  the next of the stream
 * @returns {RoomWithYou}
 */
export function after(room, { type, seq, payload }) {
  const changed = CHANGES.get(type)?.(room, payload) ?? room;
  return { ...changed, seq };
}

/**
 * One participant is not as it was.
 *
 * @param {RoomWithYou} room
 * @param {string} id
 * @param {Partial<Participant>} changes
 * @returns {RoomWithYou}
 */
export function withChanges(room, id, changes) {
  const participants = room.participants.map((each) => (each.id === id ? { ...each, ...changes } : each));
  return { ...room, participants };
}

/**
 * @param {RoomWithYou} room
 * @param {{participant: Participant}} payload
 * @returns {RoomWithYou}
 */
function withParticipant(room, { participant }) {
  const isHere = room.participants.some(({ id }) => id === participant.id);
  if (isHere) return withChanges(room, participant.id, participant);
  return { ...room, participants: [...room.participants, participant] };
}

/**
 * @param {RoomWithYou} room
 * @param {{participantId: string}} payload
 * @returns {RoomWithYou}
 */
function withoutParticipant(room, { participantId }) {
  return { ...room, participants: room.participants.filter(({ id }) => id !== participantId) };
}
