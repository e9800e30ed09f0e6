/** @typedef {{iceServers: RTCIceServer[], ttlSeconds: number}} NamedServers  as the service answers */
export class IceServers {
    /**
     * @param {NamedServers} named
     * @param {() => Promise<NamedServers>} fetch  asks the service again
     * @param {(error: ApiError) => void} onError  they could not be renewed for now
     */
    constructor(named: NamedServers, fetch: () => Promise<NamedServers>, onError: (error: ApiError) => void);
    /** As they are known. */
    current: RTCIceServer[];
    /** @returns {Promise<RTCIceServer[]>} renewed before if it is time; never rejects */
    fresh(): Promise<RTCIceServer[]>;
    #private;
}
/**
 * as the service answers
 */
export type NamedServers = {
    iceServers: RTCIceServer[];
    ttlSeconds: number;
};
import { ApiError } from "./api.js";
