/**
 * @typedef {object} PeerOptions
 * @property {string} id
 * @property {boolean} polite  whether our own offers give way
 * @property {() => RTCIceServer[]} iceServers  as they are at the moment
 * @property {Map<MediaStreamTrack, MediaStream>} tracks  what to send, now and in later connections
 * @property {(type: "offer"|"answer"|"ice", payload: SignalPayload) => void} post
 * @property {(state: PeerState) => void} onState
 * @property {() => void} onFailed  the connection is lost and will be begun anew after a while
 * @property {(data: Data) => void} onData
 * @property {(event: RTCTrackEvent) => void} onTrack
 */
export class Peer {
    /** @param {PeerOptions} options */
    constructor(options: PeerOptions);
    get state(): PeerState;
    /** Begin a new connection, in place of the one there may be. */
    start(): void;
    /** Begin a new connection unless one is open or on its way. */
    startIfIdle(): void;
    /** Give up a connection that is not open: a signal for it may have been lost. */
    abandonAttempt(): void;
    /**
     * @param {"offer"|"answer"|"ice"} type
     * @param {SignalPayload} payload
     */
    receive(type: "offer" | "answer" | "ice", payload: SignalPayload): void;
    /**
     * @param {string|ArrayBuffer|ArrayBufferView} data
     * @returns {boolean} false: there is no open channel
     */
    send(data: string | ArrayBuffer | ArrayBufferView): boolean;
    /**
     * @param {MediaStreamTrack} track  is in `tracks` already, for later connections
     * @param {MediaStream} stream
     */
    addTrack(track: MediaStreamTrack, stream: MediaStream): void;
    /** @param {MediaStreamTrack} track */
    removeTrack(track: MediaStreamTrack): void;
    /** Let the connection use what `iceServers` gives now. */
    refreshIceServers(): void;
    /** Close the connection; a new one may be begun by either side at any time. */
    close(): void;
    #private;
}
export type SignalPayload = import("./connection.js").SignalPayload;
export type Data = import("./pipe.js").Data;
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
    /**
     * as they are at the moment
     */
    iceServers: () => RTCIceServer[];
    /**
     * what to send, now and in later connections
     */
    tracks: Map<MediaStreamTrack, MediaStream>;
    post: (type: "offer" | "answer" | "ice", payload: SignalPayload) => void;
    onState: (state: PeerState) => void;
    /**
     * the connection is lost and will be begun anew after a while
     */
    onFailed: () => void;
    onData: (data: Data) => void;
    onTrack: (event: RTCTrackEvent) => void;
};
