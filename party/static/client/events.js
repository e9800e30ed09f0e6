/** The events of a party, for TypeScript and for editors: there is nothing here that runs. */

/** @typedef {import("./errors.js").ApiError} ApiError */
/** @typedef {import("./contract.js").Room} Room */
/** @typedef {import("./contract.js").JoinRequest} JoinRequest */
/** @typedef {import("./contract.js").MemberRole} MemberRole */
/** @typedef {import("./contract.js").Standing} Standing */
/** @typedef {import("../party.js").Member} Member */
/** @typedef {import("./standing.js").PeerState} PeerState */
/** @typedef {import("./standing.js").Why} Why */
/** @typedef {import("./trace.js").TraceRecord} TraceRecord */

/**
 * @typedef {"ended"|"host-left"|"host-absent"|"expired"|"finished"|import("./errors.js").TokenReason} EndReason
 * The first five are of the room: ended by the host, over as the host has left or is gone, not used for long, or
 * played to its end. The others are of this participant: "left" after `leave`; "removed" or "banned" by the host;
 * "rejected" while it waited; "absent", as the page had not been heard of for long; "replaced" by another page
 */

/**
 * @typedef {object} RoomEvents  what each event tells in its `detail`
 * @property {{participants: Member[]}} participants  somebody came, came back or went, or is not as before: a name,
 *   a role, a seat, whether it is there
 * @property {{room: Room}} room  something else of the room has changed: its status, its host, its settings, its quiz
 * @property {{requests: JoinRequest[]}} requests  the host's: somebody asks to be let in, or does so no more
 * @property {{role: MemberRole, seat: number|null}} approved  the host has let this page in, which waited
 * @property {{}} rejected  the host has not; `ended` follows
 * @property {{peerId: string, state: PeerState} & Why} peer  it stands otherwise with a participant. `reason`: why
 *   there is no connection, where that is known; with "turn-refused" the `server` and its `code`. When an open one is closed, as its participant goes or a new page takes its seat, it is "connecting" until
 *   `participants` tells more
 * @property {{peerId: string, data: string|ArrayBuffer}} message  a participant has sent something
 * @property {{peerId: string, bytes: number}} message-dropped  a participant has sent more in one piece than this
 *   page takes
 * @property {{peerId: string, count: number}} messages-lost  a participant has another page than before: so many
 *   messages to the one before are not known to have arrived, and are not sent any more
 * @property {{peerId: string, track: MediaStreamTrack, streams: readonly MediaStream[]}} track  a participant
 *   has begun to send a media track
 * @property {{error: ApiError}} error  a request that this page made of its own accord has failed. It goes on
 *   of its own accord, too
 * @property {{}} recovered  the service has answered a poll or a send, after one `error` or several
 * @property {{reason: EndReason, correct?: number, standings?: Standing[]}} ended  it is over. `correct` and
 *   `standings`, the winner first, come with "finished"
 * @property {TraceRecord} trace  see trace.js; for diagnosis
 */

/**
 * All of them, with those of features.
 *
 * @typedef {RoomEvents
 *   & import("./messages.js").MessageEvents
 *   & import("./quiz.js").QuizEvents
 *   & import("./state.js").StateEvents
 * } PartyEvents
 */

/**
 * @template {keyof PartyEvents} Type
 * @typedef {((event: CustomEvent<PartyEvents[Type]>) => void)
 *   | {handleEvent(event: CustomEvent<PartyEvents[Type]>): void}} PartyListener
 */

export {};
