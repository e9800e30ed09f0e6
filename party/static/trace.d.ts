export class Trace {
    /** @type {(record: TraceRecord) => void} told of every record */
    onRecord: (record: TraceRecord) => void;
    get records(): TraceRecord[];
    /** @param {TraceEntry} entry */
    add(entry: TraceEntry): void;
    #private;
}
export type RequestRecord = import("./api.js").RequestRecord;
export type StreamMessage = import("./api.js").StreamMessage;
export type PeerState = import("./peer.js").PeerState;
export type TraceEntry = ({
    kind: "request";
} & RequestRecord) | {
    kind: "sent";
    type: string;
    peerId: string;
    payload: object;
} | {
    kind: "received";
    message: StreamMessage;
} | {
    kind: "state";
    peerId: string;
    state: PeerState;
};
/**
 * `at` in ms, as `performance.now()` counts
 */
export type TraceRecord = TraceEntry & {
    at: number;
};
