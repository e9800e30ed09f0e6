/**
 * @typedef {object} PollLoopOptions
 * @property {Pick<import("./api.js").MemberApi, "poll"|"send">} api
 * @property {number} cursor  the `seq` of the room as it was entered
 * @property {() => import("./outbox.js").GatherTimes} gatherTimes
 * @property {() => boolean} mayRest  whether no connection is being made or waited for
 * @property {(answer: PollAnswer) => void} onAnswer  gets each message once, in order; must not throw
 * @property {(error: ApiError) => void} onError  a failed request; temporary ones are tried again
 * @property {(signals: OutgoingSignal[]) => void} [onRefused]  signals that the service will never
 *   take, and that are not sent again
 * @property {(error: ApiError) => void} onStop  the service will not answer this participant any more
 */
export class PollLoop {
    /** @param {PollLoopOptions} options */
    constructor({ api, cursor, gatherTimes, mayRest, onAnswer, onError, onRefused, onStop }: PollLoopOptions);
    /** Poll until `stop`, or until the service has given its last answer. */
    run(): Promise<void>;
    /** Stop at once; a request in flight is abandoned. */
    stop(): void;
    /** Take the next turn now, unless the service is to be left alone for a while. */
    wake(): void;
    /**
     * Send a signal with those that follow within a moment.
     *
     * @param {string} toId
     * @param {"offer"|"answer"|"ice"} type
     * @param {Record<string, any>} payload  throws a `TypeError` if JSON cannot express it
     * @returns {string} the `clientMsgId` under which it is sent
     */
    post(toId: string, type: "offer" | "answer" | "ice", payload: Record<string, any>): string;
    /**
     * Forget what was posted for a peer and has not been sent.
     *
     * @param {string} toId
     */
    discard(toId: string): void;
    /** @returns {OutgoingSignal[]} what is not known to be stored, as far as one request takes it */
    unsent(): OutgoingSignal[];
    #private;
}
export type PollAnswer = import("./api.js").PollAnswer;
export type OutgoingSignal = import("./api.js").OutgoingSignal;
export type PollLoopOptions = {
    api: Pick<import("./api.js").MemberApi, "poll" | "send">;
    /**
     * the `seq` of the room as it was entered
     */
    cursor: number;
    gatherTimes: () => import("./outbox.js").GatherTimes;
    /**
     * whether no connection is being made or waited for
     */
    mayRest: () => boolean;
    /**
     * gets each message once, in order; must not throw
     */
    onAnswer: (answer: PollAnswer) => void;
    /**
     * a failed request; temporary ones are tried again
     */
    onError: (error: ApiError) => void;
    /**
     * signals that the service will never
     * take, and that are not sent again
     */
    onRefused?: (signals: OutgoingSignal[]) => void;
    /**
     * the service will not answer this participant any more
     */
    onStop: (error: ApiError) => void;
};
import { ApiError } from "./api.js";
