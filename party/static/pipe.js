/**
 * Texts and binary data of any size over one ordered, reliable data channel, as fast as it takes them.
 *
 * A short text is one frame. Anything else is announced by a frame with its kind and size, followed by
 * its bytes in chunks that every browser can receive:
 *
 *     "=hello"                             a text
 *     "+text 3000000", chunk, chunk, …     a long text, in UTF-8
 *     "+binary 5", chunk                   binary data
 */

/** Browsers differ in the longest frame that they take; this one they all do. */
const CHUNK_BYTES = 16 * 1024;
/** So much waits in the browser at the most; beyond it memory would grow with what we are asked to send. */
const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 256 * 1024;
/** More than this in one piece is not taken: a receiver holds the whole of it in memory. */
const LARGEST_BYTES = 1024 * 1024 * 1024;

/** @typedef {string|ArrayBuffer} Data */

export class Pipe {
  #channel;
  #onData;
  /** @type {Iterator<string|Uint8Array<ArrayBuffer>>[]} the frames of what is to be sent */
  #outgoing = [];
  /** @type {{isText: boolean, bytes: Uint8Array, filled: number}|null} what is just being received */
  #incoming = null;

  /**
   * @param {RTCDataChannel} channel
   * @param {(data: Data) => void} onData
   */
  constructor(channel, onData) {
    this.#channel = channel;
    this.#onData = onData;
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    channel.onbufferedamountlow = () => this.#pump();
    channel.onmessage = ({ data }) => this.#receive(data);
  }

  /** @param {string|ArrayBuffer|ArrayBufferView} data  may be changed afterwards */
  send(data) {
    this.#outgoing.push(frames(data));
    this.#pump();
  }

  #pump() {
    while (this.#outgoing.length > 0 && this.#channel.readyState === "open") {
      if (this.#channel.bufferedAmount > HIGH_WATER_BYTES) return;
      const { value, done } = this.#outgoing[0].next();
      if (done) this.#outgoing.shift();
      // The types of `send` are told apart by overloads.
      else this.#channel.send(/** @type {string} */ (value));
    }
  }

  /** @param {Data} frame */
  #receive(frame) {
    if (typeof frame !== "string") this.#fill(frame);
    else if (frame.startsWith("=")) this.#onData(frame.slice(1));
    else this.#begin(frame);
  }

  /** @param {string} announcement */
  #begin(announcement) {
    const [kind, size] = announcement.slice(1).split(" ");
    // What is not announced properly is dropped with its chunks: the other side is not our own code.
    this.#incoming = /^\d+$/.test(size) && Number(size) <= LARGEST_BYTES
      ? { isText: kind === "text", bytes: new Uint8Array(Number(size)), filled: 0 }
      : null;
    this.#finish();
  }

  /** @param {ArrayBuffer} chunk */
  #fill(chunk) {
    const missing = this.#incoming ? this.#incoming.bytes.length - this.#incoming.filled : 0;
    if (!this.#incoming || chunk.byteLength > missing) return;
    this.#incoming.bytes.set(new Uint8Array(chunk), this.#incoming.filled);
    this.#incoming.filled += chunk.byteLength;
    this.#finish();
  }

  #finish() {
    if (!this.#incoming || this.#incoming.filled < this.#incoming.bytes.length) return;
    const { isText, bytes } = this.#incoming;
    this.#incoming = null;
    this.#onData(isText ? new TextDecoder().decode(bytes) : /** @type {ArrayBuffer} */ (bytes.buffer));
  }
}

/**
 * @param {string|ArrayBuffer|ArrayBufferView} data
 * @returns {Iterator<string|Uint8Array<ArrayBuffer>>}
 */
function frames(data) {
  // Before the first frame is asked for, so that the caller may change its data.
  const whole = typeof data === "string" ? new TextEncoder().encode(data) : copyOf(data);
  if (typeof data === "string" && whole.length < CHUNK_BYTES) return ["=" + data].values();
  return chunks(typeof data === "string" ? "text" : "binary", whole);
}

/**
 * @param {"text"|"binary"} kind
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function* chunks(kind, bytes) {
  yield `+${kind} ${bytes.length}`;
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    yield bytes.subarray(start, start + CHUNK_BYTES);
  }
}

/** @param {ArrayBuffer|ArrayBufferView} data */
function copyOf(data) {
  const view = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
  return new Uint8Array(view);
}
