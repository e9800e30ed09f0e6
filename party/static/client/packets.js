/**
 * Numbered messages as the payloads of `data` signals, and back:
 *
 *     {from, to, have, inflates, items: [item, …]}        as delivery.js has the first three
 *     {from, to, have, inflates, deflated: "…"}           the items as JSON, deflated, in base64
 *
 *     ["7", "hello"]                                     a text
 *     ["8", "binary", 30000, 0, "…"]                     a piece: kind, size of the whole, where it begins, base64
 *
 * `inflates` says whether the page can read what is deflated.
 */

import { fromBase64, toBase64 } from "./base64.js";
import { LARGE_BYTES } from "./delivery.js";
import { asText } from "./pipe.js";

/** The service's limit for a payload is 16 KiB. */
export const MOST_PAYLOAD_BYTES = 16 * 1024;
const HEADER_BYTES = 160;
const PIECE_BYTES = 60;
/** A smaller piece is not worth its own item. */
const LEAST_PIECE_BYTES = 512;
/** Less is hardly made smaller. */
const LEAST_DEFLATED_BYTES = 300;
/** No page packs more into one. */
const MOST_INFLATED_BYTES = 2 * MOST_PAYLOAD_BYTES;

const canInflate = typeof DecompressionStream === "function";

/** @typedef {import("./delivery.js").Delivery} Delivery */
/** @typedef {import("./delivery.js").Header} Header */
/** @typedef {[tag: string, text: string]|[tag: string, kind: "text"|"binary", size: number, start: number,
 *   base64: string]} Item */
/** @typedef {Header & {inflates?: boolean, items?: Item[], deflated?: string}} Packet */

/** Takes from a delivery what goes through the service. */
export class Packer {
  #delivery;
  #way;
  /** How much of a message has been packed, which is one of several pieces. */
  #begun = { tag: "", bytes: 0 };

  /** @param {Delivery} delivery */
  constructor(delivery) {
    this.#delivery = delivery;
    this.#way = delivery.way();
  }

  /** Whether a message has been packed in part: only the whole of it can be confirmed. */
  get isAmid() {
    return this.#begun.tag !== "";
  }

  /** Pack again what has been packed and is not confirmed. */
  rewind() {
    this.#delivery.rewind(this.#way);
    this.#begun = { tag: "", bytes: 0 };
  }

  /**
   * @param {number} mostBytes  of the payload
   * @returns {Item[]} what goes into the next payload; none where nothing is left
   */
  items(mostBytes) {
    /** @type {Item[]} */
    const items = [];
    let left = mostBytes - HEADER_BYTES;
    for (;;) {
      const numbered = this.#delivery.next(this.#way, { small: true });
      /** @type {Item|undefined} */
      const item = numbered && this.#item(numbered, left, items.length === 0);
      if (!item) return items;
      items.push(item);
      left -= bytesOf(item);
    }
  }

  /**
   * @param {import("./delivery.js").Numbered} numbered
   * @param {number} left
   * @param {boolean} isFirst  there must be one
   * @returns {Item|undefined}
   */
  #item({ tag, packed: { kind, size, bytes } }, left, isFirst) {
    const start = this.#begun.tag === tag ? this.#begun.bytes : 0;
    if (kind === "text" && start === 0 && size < left) {
      /** @type {Item} */
      const whole = [tag, asText(bytes)];
      if (bytesOf(whole) <= left) {
        this.#delivery.sent(this.#way, tag);
        return whole;
      }
    }
    const most = Math.floor(((left - PIECE_BYTES) * 3) / 4);
    if (!isFirst && most < Math.min(LEAST_PIECE_BYTES, size - start)) return undefined;
    const end = Math.min(size, start + Math.max(most, 1));
    this.#begun = end < size ? { tag, bytes: end } : { tag: "", bytes: 0 };
    if (end === size) this.#delivery.sent(this.#way, tag);
    return [tag, kind, size, start, toBase64(bytes.subarray(start, end))];
  }
}

/** Gives to a delivery what has come through the service. */
export class Unpacker {
  #delivery;
  #receiver;
  /** The message of which pieces have come. */
  #begun = { tag: "", filled: 0, bytes: new Uint8Array(0) };

  /**
   * @param {Delivery} delivery
   * @param {object} receiver
   * @param {number} receiver.maxBytes  more in one piece is not taken
   * @param {(data: string|ArrayBuffer) => void} receiver.take
   * @param {(bytes: number) => void} receiver.drop  so many were sent in one piece
   */
  constructor(delivery, receiver) {
    this.#delivery = delivery;
    this.#receiver = receiver;
  }

  /** @param {Item[]} items  of a peer, which may be anything */
  take(items) {
    for (const item of items) {
      if (!Array.isArray(item) || typeof item[0] !== "string" || !/^\d{1,15}$/.test(item[0])) continue;
      // What is not the next has come another way, or comes again after what was lost.
      if (!this.#delivery.isNext(item[0])) continue;
      if (item.length === 2) this.#takeText(...item);
      else this.#takePiece(item);
    }
  }

  /**
   * @param {string} tag
   * @param {string} text
   */
  #takeText(tag, text) {
    if (typeof text === "string") this.#finish(tag, new TextEncoder().encode(text).length, () => text);
  }

  /** @param {Exclude<Item, [string, string]>} piece */
  #takePiece([tag, kind, size, start, base64]) {
    if (!(size >= 0 && size <= LARGE_BYTES) || typeof base64 !== "string") return;
    if (start === 0) this.#begun = { tag, filled: 0, bytes: new Uint8Array(size) };
    const { filled, bytes } = this.#begun;
    const part = fromBase64(base64);
    if (this.#begun.tag !== tag || filled !== start || start + part.length > bytes.length) return;
    bytes.set(part, start);
    this.#begun.filled += part.length;
    if (this.#begun.filled < bytes.length) return;
    this.#begun = { tag: "", filled: 0, bytes: new Uint8Array(0) };
    this.#finish(tag, bytes.length, () => (kind === "text" ? asText(bytes) : bytes.buffer));
  }

  /**
   * @param {string} tag
   * @param {number} bytes
   * @param {() => string|ArrayBuffer} data
   */
  #finish(tag, bytes, data) {
    this.#delivery.take(tag);
    if (bytes > this.#receiver.maxBytes) this.#receiver.drop(bytes);
    else this.#receiver.take(data());
  }
}

/**
 * @param {Header} header
 * @param {Item[]} items
 * @param {boolean} mayDeflate  whether the other page can read it
 * @returns {Promise<Packet>}
 */
export async function seal(header, items, mayDeflate) {
  const whole = { ...header, inflates: canInflate };
  if (items.length === 0) return whole;
  const json = new TextEncoder().encode(JSON.stringify(items));
  if (mayDeflate && json.length >= LEAST_DEFLATED_BYTES && typeof CompressionStream === "function") {
    const deflated = toBase64(await through(new CompressionStream("deflate"), json));
    if (deflated.length < json.length) return { ...whole, deflated };
  }
  return { ...whole, items };
}

/**
 * @param {Packet} packet  of a peer, which may be anything
 * @returns {Promise<Item[]>} none where it has none, or cannot be read
 */
export async function open({ items, deflated }) {
  if (Array.isArray(items)) return items;
  if (typeof deflated !== "string" || !canInflate) return [];
  try {
    const json = await through(new DecompressionStream("deflate"), fromBase64(deflated));
    const found = JSON.parse(new TextDecoder().decode(json));
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

/**
 * @param {CompressionStream|DecompressionStream} stream
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>} rejects where it grows beyond what any page packs
 */
async function through(stream, bytes) {
  const writer = stream.writable.getWriter();
  writer.write(bytes).catch(() => {});
  writer.close().catch(() => {});
  const reader = stream.readable.getReader();
  const whole = new Uint8Array(MOST_INFLATED_BYTES);
  let filled = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return whole.slice(0, filled);
    if (filled + value.length > whole.length) {
      await reader.cancel().catch(() => {});
      throw new RangeError("That is more than a page packs.");
    }
    whole.set(value, filled);
    filled += value.length;
  }
}

/** @param {unknown} value  how much it is as JSON, with a comma */
function bytesOf(value) {
  return new TextEncoder().encode(JSON.stringify(value)).length + 1;
}
