/**
 * Texts and binary data, large ones too, over one ordered, reliable data channel, as fast as it takes them.
 *
 * A short text is one frame. Anything else is announced by a frame with its kind and size, followed by
 * its bytes in chunks that every browser can receive. Before either stands its number (delivery.js):
 *
 *     "7=hello"                              a text
 *     "L1+text 3000000", chunk, chunk, …     a long text, in UTF-8
 *     "8+binary 5", chunk                    binary data
 *     "!{…}"                                 what pages have to say to each other; comes between chunks, too
 */

/** Browsers differ in the longest frame that they take; this one they all do. */
const CHUNK_BYTES = 16 * 1024;
/** So much waits in the browser at the most; beyond it memory would grow with what we are asked to send. */
const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 256 * 1024;
/** More than this in one piece is neither sent nor taken: a receiver holds the whole of it in memory. */
export const LARGEST_BYTES = 256 * 1024 * 1024;

/** @typedef {string|ArrayBuffer} Data  as it is received */

/** @typedef {Iterable<string|Uint8Array<ArrayBuffer>>} Frames */
/**
 * @typedef {Frames & {kind: "text"|"binary", size: number, bytes: Uint8Array<ArrayBuffer>}} Packed  data as it is sent
 * and its frames; `size` is in bytes, of a text those of its UTF-8
 */

export class Pipe {
  #channel;
  #onData;
  #onWord;
  /** @type {Iterator<string|Uint8Array<ArrayBuffer>>[]} the frames of what is to be sent */
  #outgoing = [];
  /** @type {{tag: string, isText: boolean, size: number, filled: number, bytes: Uint8Array<ArrayBuffer>}|null} */
  #incoming = null;
  #maxBytes;
  #onTooLarge;

  /**
   * @param {RTCDataChannel} channel
   * @param {object} options
   * @param {(data: Data, tag: string) => void} options.onData
   * @param {(text: string) => void} [options.onWord]  what the other page has told
   * @param {number} [options.maxBytes]  more in one piece is not taken
   * @param {(bytes: number, tag: string) => void} [options.onTooLarge]  so many have been announced, and are dropped
   *   as they come
   */
  constructor(channel, { onData, onWord = () => {}, maxBytes = LARGEST_BYTES, onTooLarge = () => {} }) {
    this.#channel = channel;
    this.#onData = onData;
    this.#onWord = onWord;
    this.#maxBytes = maxBytes;
    this.#onTooLarge = onTooLarge;
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    channel.onbufferedamountlow = () => this.#pump();
    channel.onmessage = ({ data }) => this.#receive(data);
  }

  /**
   * @param {Frames} packed
   * @param {string} [tag]  its number
   */
  send(packed, tag = "") {
    this.#outgoing.push(tagged(packed, tag));
    this.#pump();
  }

  /** @param {string} text  for the other page; what waits to be sent does not hold it up */
  tell(text) {
    if (this.#channel.readyState === "open") this.#channel.send(`!${text}`);
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
    if (typeof frame !== "string") return this.#fill(frame);
    if (frame.startsWith("!")) return this.#onWord(frame.slice(1));
    const [tag] = /^L?\d{0,15}/.exec(frame) ?? [""];
    if (frame[tag.length] === "=") this.#takeShort(frame.slice(tag.length + 1), tag);
    else this.#begin(frame.slice(tag.length), tag);
  }

  /**
   * @param {string} text  in one frame, which may be longer than ours: the other side may be other code
   * @param {string} tag
   */
  #takeShort(text, tag) {
    // No character has less than a byte, or more than three, so that most need not be counted.
    const isSmall = text.length * 3 <= this.#maxBytes;
    const bytes = isSmall || text.length > this.#maxBytes ? text.length : new TextEncoder().encode(text).length;
    if (bytes <= this.#maxBytes) this.#onData(text, tag);
    else this.#onTooLarge(bytes, tag);
  }

  /**
   * @param {string} announcement
   * @param {string} tag
   */
  #begin(announcement, tag) {
    // What is not announced properly is dropped with its chunks: the other side is not our own code.
    this.#incoming = null;
    const [, kind, digits] = /^\+(text|binary) (\d{1,15})$/.exec(announcement) ?? [];
    if (!kind) return;
    const size = Number(digits);
    if (size > this.#maxBytes) return this.#onTooLarge(size, tag);
    this.#incoming = { tag, isText: kind === "text", size, filled: 0, bytes: new Uint8Array(0) };
    this.#finish();
  }

  /** @param {ArrayBuffer} chunk */
  #fill(chunk) {
    const incoming = this.#incoming;
    if (!incoming || incoming.filled + chunk.byteLength > incoming.size) return;
    // What is announced costs nothing, nor does the number of chunks: memory is used for the bytes that came.
    const filled = incoming.filled + chunk.byteLength;
    if (filled > incoming.bytes.length) {
      const larger = new Uint8Array(Math.min(incoming.size, Math.max(2 * filled, CHUNK_BYTES)));
      larger.set(incoming.bytes);
      incoming.bytes = larger;
    }
    incoming.bytes.set(new Uint8Array(chunk), incoming.filled);
    incoming.filled = filled;
    this.#finish();
  }

  #finish() {
    if (!this.#incoming || this.#incoming.filled < this.#incoming.size) return;
    const { tag, isText, bytes } = this.#incoming;
    this.#incoming = null;
    this.#onData(isText ? asText(bytes) : bytes.buffer, tag);
  }
}

/**
 * Data as it is sent: looked at and copied once, for however many receivers. It may be changed afterwards.
 *
 * @param {string|ArrayBuffer|ArrayBufferView} data
 * @returns {Packed}
 * @throws {TypeError} for anything else
 * @throws {RangeError} for more than `LARGEST_BYTES`
 */
export function pack(data) {
  const isText = typeof data === "string";
  if (!isText && !(data instanceof ArrayBuffer) && !ArrayBuffer.isView(data)) {
    throw new TypeError("What is sent is a text, an ArrayBuffer or a view of one.");
  }
  const bytes = isText ? new TextEncoder().encode(data) : new Uint8Array(bytesOf(data));
  if (bytes.length > LARGEST_BYTES) throw new RangeError(`At most ${LARGEST_BYTES} bytes are sent in one piece.`);
  const kind = isText ? "text" : "binary";
  const frames = isText && bytes.length < CHUNK_BYTES ? () => ["=" + data].values() : () => chunks(kind, bytes);
  return { kind, size: bytes.length, bytes, [Symbol.iterator]: frames };
}

/**
 * @param {Frames} packed
 * @param {string} tag
 */
function* tagged(packed, tag) {
  let isFirst = true;
  for (const frame of packed) {
    yield isFirst ? tag + frame : frame;
    isFirst = false;
  }
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
function bytesOf(data) {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/** @param {Uint8Array} bytes  of UTF-8; a mark of its order at the beginning is a character as any other */
export function asText(bytes) {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
