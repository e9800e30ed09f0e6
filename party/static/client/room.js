/**
 * The Room, and what each event makes of it: nothing here asks, waits or remembers. A page that has the Room of
 * number n, and applies the events after n one by one, has the Room that the next reader gets.
 */

/** @typedef {import("./contract.js").Participant} Participant */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./contract.js").StreamMessage} StreamMessage */

/** @type {[type: string, change: (room: RoomWithYou, payload: any) => RoomWithYou][]} */
const ALL_CHANGES = [
  ["participant-joined", (room, payload) => withoutRequest(withParticipant(room, payload), payload.participant.id)],
  ["participant-rejoined", withParticipant],
  ["participant-left", withoutParticipant],
  ["participant-removed", withoutParticipant],
  ["participant-renamed", renamed],
  ["presence-changed", (room, { participantId: id, presence }) => withChanges(room, id, present(presence))],
  ["role-changed", withRole],
  ["host-changed", withHost],
  ["settings-changed", withSettings],
  ["join-requested", withRequest],
  ["join-withdrawn", (room, { participantId }) => withoutRequest(room, participantId)],
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

/**
 * @param {RoomWithYou} room
 * @param {{participantId: string, name: string}} payload
 * @returns {RoomWithYou}
 */
function renamed(room, { participantId, name }) {
  const changed = withChanges(room, participantId, { name });
  return participantId === room.hostId ? { ...changed, hostName: name } : changed;
}

/** @param {Participant["presence"]} presence */
function present(presence) {
  return { presence, online: presence === "online" };
}

/**
 * @param {RoomWithYou} room
 * @param {{participantId: string, role: Participant["role"], seat: number|null}} payload
 * @returns {RoomWithYou}
 */
function withRole(room, { participantId, role, seat }) {
  return asSeen(withChanges(room, participantId, { role, seat }));
}

/**
 * What only a host sees, an old one sees no more; a new one has to ask for it.
 *
 * @param {RoomWithYou} room
 * @param {{hostId: string, previousHostId: string}} payload
 * @returns {RoomWithYou}
 */
function withHost(room, { hostId, previousHostId }) {
  const { requests, ...others } = withChanges(
    withChanges(room, previousHostId, { role: "player", isHost: false }),
    hostId,
    { role: "host", isHost: true },
  );
  const hostName = others.participants.find(({ id }) => id === hostId)?.name ?? room.hostName;
  return asSeen({ ...others, hostId, hostName });
}

/**
 * The own role is that of the own entry.
 *
 * @param {RoomWithYou} room
 * @returns {RoomWithYou}
 */
function asSeen(room) {
  const role = room.participants.find(({ id }) => id === room.you.id)?.role ?? room.you.role;
  return { ...room, you: { ...room.you, role } };
}

/**
 * @param {RoomWithYou} room
 * @param {{changed: Partial<RoomWithYou["settings"]> & {maxParticipants?: number}}} payload
 * @returns {RoomWithYou}
 */
function withSettings(room, { changed: { maxParticipants = room.maxParticipants, ...changed } }) {
  return { ...room, maxParticipants, settings: { ...room.settings, ...changed } };
}

/**
 * @param {RoomWithYou} room
 * @param {{participant: import("./contract.js").JoinRequest}} payload
 * @returns {RoomWithYou}
 */
function withRequest(room, { participant }) {
  const { requests = [] } = room;
  const isKnown = requests.some(({ id }) => id === participant.id);
  if (!isKnown) return { ...room, requests: [...requests, participant] };
  return { ...room, requests: requests.map((each) => (each.id === participant.id ? participant : each)) };
}

/**
 * @param {RoomWithYou} room
 * @param {string} id
 * @returns {RoomWithYou}
 */
function withoutRequest(room, id) {
  if (!room.requests) return room;
  return { ...room, requests: room.requests.filter((each) => each.id !== id) };
}
