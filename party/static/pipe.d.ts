/**
 * Data as it is sent: looked at and copied once, for however many receivers. It may be changed afterwards.
 *
 * @param {string|ArrayBuffer|ArrayBufferView} data
 * @returns {Packed}
 * @throws {TypeError} for anything else
 * @throws {RangeError} for more than `LARGEST_BYTES`
 */
export function pack(data: string | ArrayBuffer | ArrayBufferView): Packed;
/** More than this in one piece is neither sent nor taken: a receiver holds the whole of it in memory. */
export const LARGEST_BYTES: number;
/** @typedef {string|ArrayBuffer} Data  as it is received */
/** @typedef {Iterable<string|Uint8Array<ArrayBuffer>>} Packed  data as frames */
export class Pipe {
    /**
     * @param {RTCDataChannel} channel
     * @param {object} options
     * @param {(data: Data) => void} options.onData
     * @param {number} [options.maxBytes]  more in one piece is not taken
     * @param {(bytes: number) => void} [options.onTooLarge]  so many have been announced, and are dropped as they
     *   come
     */
    constructor(channel: RTCDataChannel, { onData, maxBytes, onTooLarge }: {
        onData: (data: Data) => void;
        maxBytes?: number;
        onTooLarge?: (bytes: number) => void;
    });
    /** @param {Packed} packed */
    send(packed: Packed): void;
    #private;
}
/**
 * as it is received
 */
export type Data = string | ArrayBuffer;
/**
 * data as frames
 */
export type Packed = Iterable<string | Uint8Array<ArrayBuffer>>;
