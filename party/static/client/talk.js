/** What this page and another one say to each other, over the channel that there is or through the service. */

import { Delivery } from "./delivery.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./delivery.js").Header} Header */
/** @typedef {import("./delivery.js").Way} Way */
/** @typedef {import("./pipe.js").Data} Data */
/** @typedef {import("./pipe.js").Packed} Packed */

/** How soon the other page is told how far this one has come. */
const CONFIRM_MS = 25;
/** Or as soon as so much has come. */
const CONFIRM_BYTES = 64 * 1024;

/**
 * @typedef {object} TalkOptions
 * @property {(data: Data) => void} onData
 * @property {number} [maxMessageBytes]  more in one piece is not taken
 * @property {(bytes: number) => void} [onTooLarge]  so many were sent in one piece, and are dropped
 * @property {(count: number) => void} [onGap]  as in delivery.js, and where it is over with the other page
 */

let lives = 0;

export class Talk {
  #options;
  #life;
  /** @type {{connection: Connection, way: Way, isHeard: boolean}|null} the channel that there is */
  #channel = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} runs while what has come is to be confirmed */
  #confirmTimer;
  #unconfirmedBytes = 0;

  /**
   * @param {number} page  when this page came: of a participant's pages a later one has a higher number
   * @param {TalkOptions} options
   */
  constructor(page, options) {
    this.#options = options;
    this.#life = page * 1_000_000 + ++lives;
    this.delivery = new Delivery(this.#life, (count) => options.onGap?.(count));
  }

  get maxBytes() {
    return this.#options.maxMessageBytes ?? Infinity;
  }

  /**
   * @param {Packed} packed
   * @param {boolean} isOpen
   * @returns {boolean} false: too much is under way
   */
  send(packed, isOpen) {
    const isTaken = this.delivery.accept(packed, isOpen);
    this.#pump();
    return isTaken;
  }

  /** @param {Connection} connection  its channel is open */
  open(connection) {
    if (this.#channel?.connection === connection) return;
    this.#channel = { connection, way: this.delivery.way(), isHeard: false };
    this.#tellHeader();
  }

  /** The channel is no way any more. */
  close() {
    clearTimeout(this.#confirmTimer);
    this.#confirmTimer = undefined;
    this.#channel = null;
  }

  /** It is over with the other page. */
  end() {
    this.close();
    const { unconfirmed } = this.delivery;
    if (unconfirmed > 0) this.#options.onGap?.(unconfirmed);
  }

  /**
   * The other page has told how far it has come.
   *
   * @param {Connection} connection
   * @param {string} text
   */
  onWord(connection, text) {
    this.open(connection);
    const header = /** @type {Header} */ (headerIn(text));
    if (this.delivery.hear(header) && this.#channel) this.#channel.isHeard = true;
    if (header.to !== this.#life) this.#tellHeader();
    this.#pump();
  }

  /**
   * @param {string} tag
   * @param {Data} data
   */
  onData(tag, data) {
    if (this.delivery.take(tag)) this.take(data);
    if (tag !== "") this.#confirm(data instanceof ArrayBuffer ? data.byteLength : data.length);
  }

  /**
   * @param {string} tag
   * @param {number} bytes
   */
  onTooLarge(tag, bytes) {
    if (this.delivery.take(tag)) this.drop(bytes);
    if (tag !== "") this.#confirm(0);
  }

  /** @param {Data} data  the next message */
  take(data) {
    this.#options.onData(data);
  }

  /** @param {number} bytes  of the next message, which is more than the page takes */
  drop(bytes) {
    this.#options.onTooLarge?.(bytes);
  }

  /** What waits goes into the channel. */
  #pump() {
    if (!this.#channel?.isHeard) return;
    const { connection, way } = this.#channel;
    for (let next; connection.isOpen && (next = this.delivery.next(way)); this.delivery.sent(way, next.tag)) {
      connection.send(next.packed, next.tag);
    }
  }

  /** @param {number} bytes */
  #confirm(bytes) {
    this.#unconfirmedBytes += bytes;
    if (this.#unconfirmedBytes >= CONFIRM_BYTES) return this.#tellHeader();
    this.#confirmTimer ??= setTimeout(() => this.#tellHeader(), CONFIRM_MS);
  }

  #tellHeader() {
    clearTimeout(this.#confirmTimer);
    this.#confirmTimer = undefined;
    this.#unconfirmedBytes = 0;
    this.#channel?.connection.tell(JSON.stringify(this.delivery.header));
  }
}

/**
 * @param {string} text  of a peer, which may be anything
 * @returns {Partial<Header>}
 */
function headerIn(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
