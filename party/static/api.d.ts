export { ApiError };
/** An answer that comes faster was not held, or not for long: a busy service takes some time, too. */
export const AT_ONCE_MS: 1000;
/** What anyone may call. */
export class Api {
    /** @param {URL} baseUrl  where the service is mounted, with a slash at its end */
    constructor(baseUrl: URL);
    /** @type {(record: RequestRecord) => void} told of every request when it is over */
    onRequest: (record: RequestRecord) => void;
    baseUrl: URL;
    /**
     * @param {{hostName: string, password?: string, retryKey?: string, [option: string]: unknown}} body
     * @returns {Promise<RoomWithYou>}
     */
    createRoom(body: {
        hostName: string;
        password?: string;
        retryKey?: string;
        [option: string]: unknown;
    }): Promise<RoomWithYou>;
    /**
     * @param {string} code
     * @param {{name: string, participantId?: string, password?: string, retryKey?: string}} body
     * @returns {Promise<RoomWithYou>}
     */
    joinRoom(code: string, body: {
        name: string;
        participantId?: string;
        password?: string;
        retryKey?: string;
    }): Promise<RoomWithYou>;
    /**
     * @param {string} code
     * @returns {Promise<RoomPreview>}
     */
    preview(code: string): Promise<RoomPreview>;
    /**
     * @param {string} method
     * @param {string} path  relative to the mount point
     * @param {CallOptions & {body?: object}} [options]
     * @returns {Promise<any>} the answer's `data`; rejects with an `ApiError`, or a `TypeError` where the body
     *   is nothing that JSON can express
     */
    call(method: string, path: string, { body, ...options }?: CallOptions & {
        body?: object;
    }): Promise<any>;
    #private;
}
/** @typedef {{code: string, id: string, token: string}} Seat  what a page must know to act for a participant */
/** What a participant may call, for its own room. */
export class MemberApi {
    /**
     * @param {Api} api
     * @param {Seat} seat
     */
    constructor(api: Api, { code, id, token }: Seat);
    /**
     * @param {number|null} after  everything up to here has been processed; null: start over
     * @param {object} options
     * @param {boolean} options.mayBeHeld  until something comes, if the service does so
     * @param {AbortSignal} [options.signal]
     * @returns {Promise<PollAnswer>}
     */
    poll(after: number | null, { mayBeHeld, signal }: {
        mayBeHeld: boolean;
        signal?: AbortSignal;
    }): Promise<PollAnswer>;
    /**
     * Send signals, all or none, and poll in the same request.
     *
     * @param {OutgoingSignal[]} messages  1 to 100
     * @param {number} after  as in `poll`
     * @param {AbortSignal} [signal]
     * @returns {Promise<PollAnswer>}
     */
    send(messages: OutgoingSignal[], after: number, signal?: AbortSignal): Promise<PollAnswer>;
    /**
     * Send signals while the page is going away. Nobody will see the answer.
     *
     * @param {OutgoingSignal[]} messages
     */
    sendLast(messages: OutgoingSignal[]): Promise<any>;
    /** @returns {Promise<RoomWithYou>} the same seat with a new token, for a new page */
    rejoin(): Promise<RoomWithYou>;
    /** @returns {Promise<RoomWithYou>} */
    room(): Promise<RoomWithYou>;
    /** @returns {Promise<Room>} */
    start(): Promise<Room>;
    /**
     * @param {Record<string, any>} quizData
     * @returns {Promise<Room>}
     */
    setQuiz(quizData: Record<string, any>): Promise<Room>;
    /**
     * @param {number} fromQuestion
     * @returns {Promise<Room>}
     */
    next(fromQuestion: number): Promise<Room>;
    /**
     * @param {GivenAnswer} given
     * @returns {Promise<AnswerResult>}
     */
    answer(given: GivenAnswer): Promise<AnswerResult>;
    /**
     * @param {string} participantId
     * @returns {Promise<Room>}
     */
    remove(participantId: string): Promise<Room>;
    /** @returns {Promise<{iceServers: RTCIceServer[], ttlSeconds: number}>} */
    iceServers(): Promise<{
        iceServers: RTCIceServer[];
        ttlSeconds: number;
    }>;
    /**
     * @param {{keepalive?: boolean}} [options]
     * @returns {Promise<void>}
     */
    leave(options?: {
        keepalive?: boolean;
    }): Promise<void>;
    /** @returns {Promise<void>} */
    end(): Promise<void>;
    #private;
}
export type Participant = {
    id: string;
    name: string;
    isHost: boolean;
    role: "host" | "guest";
    /**
     * whether the service heard of it recently
     */
    online: boolean;
    score: number;
    /**
     * ISO 8601, UTC
     */
    joinedAt: string;
};
export type Room = {
    code: string;
    status: "waiting" | "playing" | "ended";
    hostId: string;
    hostName: string;
    maxParticipants: number;
    secondsPerQuestion: number;
    /**
     * an index, from 0
     */
    currentQuestion: number;
    quizData: Record<string, any> | null;
    /**
     * ISO 8601, UTC, as the other times
     */
    createdAt: string;
    startedAt: string | null;
    endedAt: string | null;
    /**
     * where the stream of this room stands
     */
    seq: number;
    /**
     * in order of joining
     */
    participants: Participant[];
};
/**
 * what anyone may know who has the code
 */
export type RoomPreview = {
    code: string;
    status: "waiting" | "playing" | "ended";
    hostName: string;
    participantCount: number;
    maxParticipants: number;
    needsPassword: boolean;
};
export type RoomWithYou = Room & {
    you: {
        id: string;
        role: "host" | "guest";
        token?: string;
    };
};
/**
 * a signal to this participant, or an event in the room
 */
export type StreamMessage = {
    seq: number;
    /**
     * "offer", "answer", "ice", or an event such as "participant-joined"
     */
    type: string;
    fromId: string | null;
    toId: string | null;
    payload: Record<string, any>;
    /**
     * ISO 8601, UTC
     */
    createdAt: string;
};
export type GivenAnswer = {
    questionIndex: number;
    /**
     * -1: no answer
     */
    answerIndex: number;
    /**
     * how long it took; a whole number
     */
    timeMs: number;
};
export type AnswerResult = {
    questionIndex: number;
    isCorrect: boolean;
    /**
     * 10 for a correct answer, and up to 5 for speed
     */
    points: number;
    /**
     * with these points
     */
    score: number;
    /**
     * the question had been answered before: this is the first result
     */
    repeated?: true;
};
export type Standing = {
    participantId: string;
    name: string;
    score: number;
};
export type PollAnswer = {
    /**
     * in ascending order of `seq`
     */
    messages: StreamMessage[];
    /**
     * the next cursor
     */
    seq: number;
    /**
     * the answer was full, there is more at once
     */
    more: boolean;
    /**
     * a signal has expired unseen
     */
    gap: boolean;
    room?: RoomWithYou;
    pollAfterMs: number;
};
export type OutgoingSignal = {
    toId: string;
    type: "offer" | "answer" | "ice";
    payload: Record<string, any>;
    /**
     * makes a repeated send harmless
     */
    clientMsgId: string;
};
/**
 * how a request went
 */
export type RequestRecord = {
    method: string;
    path: string;
    /**
     * 0 where no answer came
     */
    status: number;
    durationMs: number;
};
export type CallOptions = {
    headers?: Record<string, string>;
    /**
     * gives the call up; it then rejects with the signal's reason
     */
    signal?: AbortSignal;
    timeoutMs?: number;
    /**
     * let the request outlive the page
     */
    keepalive?: boolean;
};
/**
 * what a page must know to act for a participant
 */
export type Seat = {
    code: string;
    id: string;
    token: string;
};
import { ApiError } from "./errors.js";
