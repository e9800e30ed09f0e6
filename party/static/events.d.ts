export type ApiError = import("./api.js").ApiError;
export type Room = import("./api.js").Room;
export type Standing = import("./api.js").Standing;
export type Member = import("./party.js").Member;
export type PeerState = import("./peer.js").PeerState;
export type TraceRecord = import("./trace.js").TraceRecord;
/**
 * The first three as the service tells; "left" after `leave`; "removed" when the host has removed this
 * participant or its seat was taken by another page; "finished" after the last question of a quiz
 */
export type EndReason = "ended" | "host-left" | "expired" | "left" | "removed" | "finished";
/**
 * what each event tells in its `detail`
 */
export type PartyEvents = {
    /**
     * somebody came, came back or went
     */
    participants: {
        participants: Member[];
    };
    /**
     * something else of the room has changed: its status, its quiz
     */
    room: {
        room: Room;
    };
    /**
     * another question is open;
     * `correct` is the right answer to the one before it
     */
    "question-advanced": {
        currentQuestion: number;
        correct: number;
    };
    /**
     * a participant has won points
     */
    "score-changed": {
        participantId: string;
        score: number;
    };
    /**
     * the connection to a participant has changed. When an
     * open one is closed, as its participant goes or a new page takes its seat, it is "connecting" until
     * `participants` tells more
     */
    peer: {
        peerId: string;
        state: PeerState;
    };
    /**
     * a participant has sent something over its
     * data channel
     */
    message: {
        peerId: string;
        data: string | ArrayBuffer;
    };
    /**
     * a participant has sent more in one piece than this
     * page takes
     */
    "message-dropped": {
        peerId: string;
        bytes: number;
    };
    /**
     * a participant
     * has begun to send a media track
     */
    track: {
        peerId: string;
        track: MediaStreamTrack;
        streams: readonly MediaStream[];
    };
    /**
     * a request that this page made of its own accord has failed. It goes on
     * of its own accord, too
     */
    error: {
        error: ApiError;
    };
    /**
     * the service has answered a poll or a send, after one `error` or several
     */
    recovered: {};
    /**
     * it is over. `correct` and
     * `standings`, the winner first, come with "finished"
     */
    ended: {
        reason: EndReason;
        correct?: number;
        standings?: Standing[];
    };
    /**
     * see trace.js; for diagnosis
     */
    trace: TraceRecord;
};
export type PartyListener<Type extends keyof PartyEvents> = ((event: CustomEvent<PartyEvents[Type]>) => void) | {
    handleEvent(event: CustomEvent<PartyEvents[Type]>): void;
};
