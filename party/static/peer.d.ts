/**
 * @typedef {object} PeerOptions
 * @property {string} id
 * @property {boolean} polite  whether our own offers give way
 * @property {IceServers} iceServers
 * @property {Map<MediaStreamTrack, MediaStream>} tracks  what to send, now and in later connections
 * @property {(type: "offer"|"answer"|"ice", payload: SignalPayload) => string} post  gives its `clientMsgId`
 * @property {(state: PeerState) => void} onState
 * @property {() => void} onFailed  the connection is lost and will be begun anew after a while
 * @property {(data: Data) => void} onData
 * @property {number} [maxMessageBytes]  more in one piece is not taken
 * @property {(bytes: number) => void} [onTooLarge]  so many were sent in one piece, and are dropped
 * @property {(event: RTCTrackEvent) => void} onTrack
 */
export class Peer {
    /** @param {PeerOptions} options */
    constructor(options: PeerOptions);
    get state(): PeerState;
    /** Whether its connection is about to open, as far as one can tell. */
    get isExpected(): boolean;
    /** Begin a new connection, in place of the one there may be. */
    start(): void;
    /** Begin a new connection unless one is open or on its way. */
    startIfIdle(): void;
    /** Give up a connection that is not open: a signal for it may have been lost. */
    abandonAttempt(): void;
    /**
     * The other side has not fetched a signal in time. It may have been asleep, and may not have seen our
     * offer: begin again, unless we have since.
     *
     * @param {string} clientMsgId
     */
    onExpired(clientMsgId: string): void;
    /**
     * The service has refused a signal: it never reaches the other side.
     *
     * @param {string} clientMsgId
     */
    onRefused(clientMsgId: string): void;
    /**
     * @param {"offer"|"answer"|"ice"} type
     * @param {SignalPayload} payload
     */
    receive(type: "offer" | "answer" | "ice", payload: SignalPayload): void;
    /**
     * @param {Packed} packed
     * @returns {boolean} false: there is no open channel
     */
    send(packed: Packed): boolean;
    /**
     * @param {MediaStreamTrack} track  is in `tracks` already, for later connections
     * @param {MediaStream} stream
     */
    addTrack(track: MediaStreamTrack, stream: MediaStream): void;
    /** @param {MediaStreamTrack} track */
    removeTrack(track: MediaStreamTrack): void;
    /** Close the connection; a new one may be begun by either side at any time. */
    close(): void;
    #private;
}
export type SignalPayload = import("./connection.js").SignalPayload;
export type IceServers = import("./connection.js").IceServers;
export type Data = import("./pipe.js").Data;
export type Packed = import("./pipe.js").Packed;
/**
 * `interrupted`: packets do not get through at the moment; it may mend itself.
 */
export type PeerState = "connecting" | "open" | "interrupted";
export type PeerOptions = {
    id: string;
    /**
     * whether our own offers give way
     */
    polite: boolean;
    iceServers: IceServers;
    /**
     * what to send, now and in later connections
     */
    tracks: Map<MediaStreamTrack, MediaStream>;
    /**
     * gives its `clientMsgId`
     */
    post: (type: "offer" | "answer" | "ice", payload: SignalPayload) => string;
    onState: (state: PeerState) => void;
    /**
     * the connection is lost and will be begun anew after a while
     */
    onFailed: () => void;
    onData: (data: Data) => void;
    /**
     * more in one piece is not taken
     */
    maxMessageBytes?: number;
    /**
     * so many were sent in one piece, and are dropped
     */
    onTooLarge?: (bytes: number) => void;
    onTrack: (event: RTCTrackEvent) => void;
};
