export class Connection {
    /** @param {ConnectionOptions} options */
    constructor({ id, polite, iceServers, tracks, post, onState, onData, maxMessageBytes, onTooLarge, onTrack }: ConnectionOptions);
    /**
     * Whether this side has begun the connection and the other side has not answered yet. It means that
     * the other side may have begun one at the same time.
     */
    awaitsFirstAnswer: boolean;
    id: string;
    /** Whether data can be sent. */
    get isOpen(): boolean;
    /** @param {string} clientMsgId  of a signal: whether it was sent for this connection */
    hasPosted(clientMsgId: string): boolean;
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
     * @param {Packed} packed
     * @returns {boolean} false: the channel is not open
     */
    send(packed: Packed): boolean;
    /**
     * Send a track. A transceiver that sends nothing any more is taken again where there is one: an offer tells
     * of all that there ever were, and would grow with each camera that is turned on.
     *
     * @param {MediaStreamTrack} track
     * @param {MediaStream} stream  groups tracks that belong together
     */
    addTrack(track: MediaStreamTrack, stream: MediaStream): void;
    /** @param {MediaStreamTrack} track */
    removeTrack(track: MediaStreamTrack): void;
    /**
     * A signal was refused by the service, or has expired before the other side fetched it.
     *
     * @param {string} clientMsgId
     */
    onLost(clientMsgId: string): void;
    /** Close for good. Nothing is reported from here on. */
    close(): void;
    #private;
}
export type Data = import("./pipe.js").Data;
export type Packed = import("./pipe.js").Packed;
export type IceServers = Pick<import("./ice.js").IceServers, "current" | "fresh">;
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
    iceServers: IceServers;
    /**
     * what to send
     */
    tracks: Map<MediaStreamTrack, MediaStream>;
    /**
     * sends a signal soon,
     * under the `clientMsgId` that it gives
     */
    post: (type: "offer" | "answer" | "ice", payload: SignalPayload) => string;
    onState: (state: "open" | "interrupted" | "failed") => void;
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
