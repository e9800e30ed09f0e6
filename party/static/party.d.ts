export { ApiError };
/** @typedef {import("./api.js").AnswerResult} AnswerResult */
/** @typedef {import("./api.js").Participant} Participant */
/** @typedef {import("./api.js").Room} Room */
/** @typedef {import("./api.js").RoomPreview} RoomPreview */
/** @typedef {import("./api.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./api.js").Seat} Seat */
/** @typedef {import("./api.js").Standing} Standing */
/** @typedef {import("./api.js").StreamMessage} StreamMessage */
/** @typedef {import("./events.js").EndReason} EndReason */
/** @typedef {import("./events.js").PartyEvents} PartyEvents */
/**
 * @template {keyof PartyEvents} Type
 * @typedef {import("./events.js").PartyListener<Type>} PartyListener
 */
/** @typedef {import("./peer.js").PeerState} PeerState */
/** @typedef {import("./peer.js").SignalPayload} SignalPayload */
/** @typedef {import("./trace.js").TraceRecord} TraceRecord */
/** @typedef {{type: "offer"|"answer"|"ice", fromId: string, payload: SignalPayload}} Signal */
/** @typedef {Participant & {isYou: boolean, state: PeerState|null}} Member */
/**
 * @typedef {object} PageOptions  what a page decides for itself
 * @property {string|URL} [baseUrl]  where the service is, unless this module came from it; may be relative
 *   to the page
 * @property {"mesh"|"star"} [topology]  everybody with everybody (the default), or only with the host;
 *   the same for all pages of a room
 * @property {Storage|null} [storage]  where `resume` finds the seat after a reload: sessionStorage, unless
 *   given; null to keep it nowhere
 * @property {boolean} [leaveOnClose]  leave the room when the page is closed, left or reloaded, rather than
 *   come back with `resume`
 * @property {number} [maxMessageBytes]  what is sent to this page in one piece and is larger is dropped, with an
 *   event: 256 MiB, unless given
 * @property {AbortSignal} [signal]  gives up entering; it has no effect afterwards. A seat that may have been
 *   taken by then is left
 */
/**
 * @typedef {object} CreateFields
 * @property {string} name  1 to 50 characters
 * @property {string} [participantId]  one's own id, if the app has one
 * @property {string} [password]  that others will need
 * @property {number} [maxParticipants]  the host included
 * @property {Record<string, any>} [quizData]
 * @property {number} [secondsPerQuestion]
 *
 * @typedef {CreateFields & PageOptions} CreateOptions
 */
/**
 * @typedef {object} JoinFields
 * @property {string} name  1 to 50 characters
 * @property {string} [participantId]  one's own id, if the app has one
 * @property {string} [password]
 *
 * @typedef {JoinFields & PageOptions} JoinOptions
 */
/**
 * A room that this page is in. Its events are `CustomEvent`s, with the details of `PartyEvents` (events.js).
 */
export class Party extends EventTarget {
    /**
     * Open a room, as its host.
     *
     * @param {CreateOptions} options
     * @returns {Promise<Party>} rejects with an `ApiError`, a `TypeError` for options that there are not, or the
     *   reason of `signal`
     */
    static create(options: CreateOptions): Promise<Party>;
    /**
     * Join a room as a guest.
     *
     * @param {string} code  as people type it: in any case of letters, with spaces or dashes, or as a link
     * @param {JoinOptions} options
     * @returns {Promise<Party>} rejects as that of `create`
     */
    static join(code: string, options: JoinOptions): Promise<Party>;
    /**
     * Look at a room before joining it.
     *
     * @param {string} code  as in `join`
     * @param {Pick<PageOptions, "baseUrl"|"signal">} [options]
     * @returns {Promise<RoomPreview>} rejects as that of `create`
     */
    static preview(code: string, options?: Pick<PageOptions, "baseUrl" | "signal">): Promise<RoomPreview>;
    /**
     * Come back to the room that this page was in before it was reloaded: same participant, new connections.
     *
     * @param {PageOptions} [options]
     * @returns {Promise<Party|null>} null where there was none, it is over, or another page of this browser (one
     *   that opened this one, say) is in it; rejects with an `ApiError` while the service cannot be reached
     */
    static resume(options?: PageOptions): Promise<Party | null>;
    /**
     * Enter as somebody new.
     *
     * @param {PageOptions} page
     * @param {(api: Api) => Promise<RoomWithYou>} takeSeat
     */
    static "__#private@#enterAnew"(page: PageOptions, takeSeat: (api: Api) => Promise<RoomWithYou>): Promise<Party>;
    /**
     * @param {PageOptions} page
     * @param {SeatKeeper} keeper
     * @param {(api: Api) => Promise<RoomWithYou>} takeSeat
     * @param {boolean} [isNew]  whether the seat is of no use if the page does not come to use it. Otherwise the
     *   page had it before, and may try again later
     */
    static "__#private@#enter"(page: PageOptions, keeper: SeatKeeper, takeSeat: (api: Api) => Promise<RoomWithYou>, isNew?: boolean): Promise<Party>;
    /**
     * Use `Party.create`, `Party.join` or `Party.resume`.
     *
     * @param {object} entered
     * @param {MemberApi} entered.api
     * @param {RoomWithYou} entered.room
     * @param {import("./ice.js").NamedServers} entered.ice
     * @param {Trace} entered.trace
     * @param {Seat} entered.seat
     * @param {SeatKeeper} entered.keeper
     * @param {PageOptions} entered.page
     */
    constructor({ api, room, ice, trace, seat, keeper, page }: {
        api: MemberApi;
        room: RoomWithYou;
        ice: import("./ice.js").NamedServers;
        trace: Trace;
        seat: Seat;
        keeper: SeatKeeper;
        page: PageOptions;
    });
    /**
     * As of any `EventTarget`, but with the events' names and details known to the types.
     *
     * @template {keyof PartyEvents} Type
     * @param {Type} type
     * @param {PartyListener<Type>|null} listener
     * @param {boolean|AddEventListenerOptions} [options]
     */
    addEventListener<Type extends keyof PartyEvents>(type: Type, listener: PartyListener<Type> | null, options?: boolean | AddEventListenerOptions): void;
    /**
     * @template {keyof PartyEvents} Type
     * @param {Type} type
     * @param {PartyListener<Type>|null} listener
     * @param {boolean|EventListenerOptions} [options]
     */
    removeEventListener<Type extends keyof PartyEvents>(type: Type, listener: PartyListener<Type> | null, options?: boolean | EventListenerOptions): void;
    /** The room's code, which others join by. */
    get code(): string;
    /** The own participant's id. */
    get id(): string;
    get isHost(): boolean;
    /** @returns {Room} the room as far as this page knows */
    get room(): Room;
    /**
     * Everybody in the room, oneself included, in order of joining.
     *
     * @returns {Member[]} `state` is that of the connection, null where there is none to be. `online` is as it
     *   was when this page entered or that participant came: the service sends no news of it
     */
    get participants(): Member[];
    /** @returns {TraceRecord[]} what has happened recently, for diagnosis */
    get trace(): TraceRecord[];
    /**
     * Send data to one participant: in order, and up to 256 MiB in one piece.
     *
     * @param {string} peerId
     * @param {string|ArrayBuffer|ArrayBufferView} data
     * @returns {boolean} false: there is no open channel to it, and nothing was sent
     * @throws {TypeError} for anything but such data
     * @throws {RangeError} for more of it
     */
    send(peerId: string, data: string | ArrayBuffer | ArrayBufferView): boolean;
    /**
     * Send data to everybody, as `send` does.
     *
     * @param {string|ArrayBuffer|ArrayBufferView} data
     * @returns {number} how many have an open channel and so are sent it
     */
    broadcast(data: string | ArrayBuffer | ArrayBufferView): number;
    /**
     * Send a media track to everybody, and to whoever comes later. One that is sent already stays as it is.
     *
     * @param {MediaStreamTrack} track
     * @param {MediaStream} stream  groups tracks that belong together
     */
    addTrack(track: MediaStreamTrack, stream: MediaStream): void;
    /**
     * Stop sending a media track.
     *
     * @param {MediaStreamTrack} track
     */
    removeTrack(track: MediaStreamTrack): void;
    /**
     * Begin the connection to a participant anew. Failed connections do so by themselves.
     *
     * @param {string} peerId
     */
    reconnect(peerId: string): void;
    /** Start the game, as the host. */
    start(): Promise<void>;
    /**
     * Replace the quiz, as the host, while the room is waiting.
     *
     * @param {Record<string, any>} quizData
     */
    setQuiz(quizData: Record<string, any>): Promise<void>;
    /**
     * Move on from the current question, as the host. After the last one the room ends.
     *
     * @param {number} [fromQuestion]  the question to be left: the current one as far as this page knows,
     *   unless given. Where another one is open, the service refuses with WRONG_QUESTION, and nothing moves
     */
    next(fromQuestion?: number): Promise<void>;
    /**
     * Answer a question. Only the first answer counts, and whoever gives another gets the first one's result.
     *
     * @param {object} given
     * @param {number} given.answerIndex  -1: no answer
     * @param {number} given.timeMs  how long it took; the service counts no less than it saw pass itself
     * @param {number} [given.questionIndex]  the current one, unless given
     * @returns {Promise<AnswerResult>}
     */
    answer({ answerIndex, timeMs, questionIndex }: {
        answerIndex: number;
        timeMs: number;
        questionIndex?: number;
    }): Promise<AnswerResult>;
    /**
     * Remove a participant, as the host.
     *
     * @param {string} participantId
     */
    remove(participantId: string): Promise<void>;
    /**
     * Leave the room. When the host leaves, it ends. Resolves once the others can see it. Where the service
     * cannot be told, it rejects, and the page has left all the same: the service is told as soon as it can be
     * reached, if the page is still there.
     */
    leave(): Promise<void>;
    /** End the room for everybody, as its host. */
    end(): Promise<void>;
    #private;
}
export type AnswerResult = import("./api.js").AnswerResult;
export type Participant = import("./api.js").Participant;
export type Room = import("./api.js").Room;
export type RoomPreview = import("./api.js").RoomPreview;
export type RoomWithYou = import("./api.js").RoomWithYou;
export type Seat = import("./api.js").Seat;
export type Standing = import("./api.js").Standing;
export type StreamMessage = import("./api.js").StreamMessage;
export type EndReason = import("./events.js").EndReason;
export type PartyEvents = import("./events.js").PartyEvents;
export type PartyListener<Type extends keyof PartyEvents> = import("./events.js").PartyListener<Type>;
export type PeerState = import("./peer.js").PeerState;
export type SignalPayload = import("./peer.js").SignalPayload;
export type TraceRecord = import("./trace.js").TraceRecord;
export type Signal = {
    type: "offer" | "answer" | "ice";
    fromId: string;
    payload: SignalPayload;
};
export type Member = Participant & {
    isYou: boolean;
    state: PeerState | null;
};
/**
 * what a page decides for itself
 */
export type PageOptions = {
    /**
     * where the service is, unless this module came from it; may be relative
     * to the page
     */
    baseUrl?: string | URL;
    /**
     * everybody with everybody (the default), or only with the host;
     * the same for all pages of a room
     */
    topology?: "mesh" | "star";
    /**
     * where `resume` finds the seat after a reload: sessionStorage, unless
     * given; null to keep it nowhere
     */
    storage?: Storage | null;
    /**
     * leave the room when the page is closed, left or reloaded, rather than
     * come back with `resume`
     */
    leaveOnClose?: boolean;
    /**
     * what is sent to this page in one piece and is larger is dropped, with an
     * event: 256 MiB, unless given
     */
    maxMessageBytes?: number;
    /**
     * gives up entering; it has no effect afterwards. A seat that may have been
     * taken by then is left
     */
    signal?: AbortSignal;
};
export type CreateFields = {
    /**
     * 1 to 50 characters
     */
    name: string;
    /**
     * one's own id, if the app has one
     */
    participantId?: string;
    /**
     * that others will need
     */
    password?: string;
    /**
     * the host included
     */
    maxParticipants?: number;
    quizData?: Record<string, any>;
    secondsPerQuestion?: number;
};
export type CreateOptions = CreateFields & PageOptions;
export type JoinFields = {
    /**
     * 1 to 50 characters
     */
    name: string;
    /**
     * one's own id, if the app has one
     */
    participantId?: string;
    password?: string;
};
export type JoinOptions = JoinFields & PageOptions;
import { ApiError } from "./api.js";
import { Api } from "./api.js";
import { SeatKeeper } from "./seat.js";
import { MemberApi } from "./api.js";
import { Trace } from "./trace.js";
