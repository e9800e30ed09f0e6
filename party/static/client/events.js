/** The events of a party, for TypeScript and for editors: there is nothing here that runs. */

/** @typedef {import("./errors.js").ApiError} ApiError */
/** @typedef {import("./contract.js").Room} Room */
/** @typedef {import("./contract.js").Standing} Standing */
/** @typedef {import("../party.js").Member} Member */
/** @typedef {import("./peer.js").PeerState} PeerState */
/** @typedef {import("./trace.js").TraceRecord} TraceRecord */

/**
 * @typedef {"ended"|"host-left"|"expired"|"left"|"removed"|"finished"} EndReason
 * The first three as the service tells; "left" after `leave`; "removed" when the host has removed this
 * participant or its seat was taken by another page; "finished" after the last question of a quiz
 */

/**
 * @typedef {object} RoomEvents  what each event tells in its `detail`
 * @property {{participants: Member[]}} participants  somebody came, came back or went
 * @property {{room: Room}} room  something else of the room has changed: its status, its quiz
 * @property {{peerId: string, state: PeerState}} peer  the connection to a participant has changed. When an
 *   open one is closed, as its participant goes or a new page takes its seat, it is "connecting" until
 *   `participants` tells more
 * @property {{peerId: string, data: string|ArrayBuffer}} message  a participant has sent something over its
 *   data channel
 * @property {{peerId: string, bytes: number}} message-dropped  a participant has sent more in one piece than this
 *   page takes
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
 *   & import("./quiz.js").QuizEvents
 * } PartyEvents
 */

/**
 * @template {keyof PartyEvents} Type
 * @typedef {((event: CustomEvent<PartyEvents[Type]>) => void)
 *   | {handleEvent(event: CustomEvent<PartyEvents[Type]>): void}} PartyListener
 */

export {};
