/** @typedef {string|ArrayBuffer} Data */
export class Pipe {
    /**
     * @param {RTCDataChannel} channel
     * @param {(data: Data) => void} onData
     */
    constructor(channel: RTCDataChannel, onData: (data: Data) => void);
    /** @param {string|ArrayBuffer|ArrayBufferView} data  may be changed afterwards */
    send(data: string | ArrayBuffer | ArrayBufferView): void;
    #private;
}
export type Data = string | ArrayBuffer;
