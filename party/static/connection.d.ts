export class Connection {
    /** @param {ConnectionOptions} options */
    constructor({ id, polite, iceServers, tracks, post, onState, onData, onTrack }: ConnectionOptions);
    /**
     * Whether this side has begun the connection and the other side has not answered yet. It means that
     * the other side may have begun one at the same time.
     */
    awaitsFirstAnswer: boolean;
    id: string;
    /** Whether data can be sent. */
    get isOpen(): boolean;
    /** Begin: make the first offer. */
    start(): void;
    /**
     * Handle a signal that names this connection.
     *
     * @param {"offer"|"answer"|"ice"} type
     * @param {SignalPayload} payload
     */
    receive(type: "offer" | "answer" | "ice", payload: SignalPayload): void;
    /**
     * @param {string|ArrayBuffer|ArrayBufferView} data
     * @returns {boolean} false: the channel is not open
     */
    send(data: string | ArrayBuffer | ArrayBufferView): boolean;
    /**
     * @param {MediaStreamTrack} track
     * @param {MediaStream} stream  groups tracks that belong together
     */
    addTrack(track: MediaStreamTrack, stream: MediaStream): void;
    /** @param {MediaStreamTrack} track */
    removeTrack(track: MediaStreamTrack): void;
    /** @param {RTCIceServer[]} iceServers  with fresh credentials; used from the next gathering on */
    setIceServers(iceServers: RTCIceServer[]): void;
    /** Close for good. Nothing is reported from here on. */
    close(): void;
    #private;
}
export type Data = import("./pipe.js").Data;
export type SignalPayload = {
    /**
     * chosen at random by the side that began it
     */
    connection: string;
    /**
     * counts the offers of one connection, from 1
     */
    negotiation: number;
    description?: RTCSessionDescriptionInit;
    candidates?: RTCIceCandidateInit[];
};
export type ConnectionOptions = {
    id: string;
    polite: boolean;
    iceServers: RTCIceServer[];
    /**
     * what to send
     */
    tracks: Map<MediaStreamTrack, MediaStream>;
    /**
     * sends a signal soon
     */
    post: (type: "offer" | "answer" | "ice", payload: SignalPayload) => void;
    onState: (state: "open" | "interrupted" | "failed") => void;
    onData: (data: Data) => void;
    onTrack: (event: RTCTrackEvent) => void;
};
