/**
 * The way to one peer through the service: what is said goes in the payloads of packets.js.
 *
 * Before anything is sent, the other page is asked how far it has come (`ask: true`), and answers: falling back is a
 * barrier. What gets lost on the way is noticed as nothing is confirmed, and after a while it is asked again.
 */

import { Packer, Unpacker, open, seal } from "./packets.js";

/** How soon the other page is told how far this one has come, where there is nothing else to tell it. */
const CONFIRM_MS = 1_000;
/** Or as soon as so much has come. */
const CONFIRM_BYTES = 64 * 1024;
/** So much waits in the service to be confirmed. */
const WINDOW_BYTES = 256 * 1024;
/** How long nothing is confirmed before it is asked again, twice as long each time. */
const ASK_AGAIN_MS = 10_000;
const LONGEST_ASK_AGAIN_MS = 60_000;

/** @typedef {import("./packets.js").Packet} Packet */
/** @typedef {import("./talk.js").Talk} Talk */

/**
 * @typedef {object} LinkEvents
 * @property {() => void} onReady  the service takes what is said
 * @property {() => void} onOff  the service does not take it
 * @property {(connects: boolean) => void} onHeard  the other page has spoken; whether it has WebRTC
 */

export class Link {
  #post;
  #talk;
  #events;
  #packer;
  #unpacker;
  /** Whether this is the way to go. */
  #isActive = false;
  /** Whether the other page has answered since. */
  #isHeard = false;
  #asks = false;
  /** When the other page is to be told how far this one has come, at the latest. */
  confirmAt = Infinity;
  #comeBytes = 0;
  /** @type {{upTo: number, bytes: number}[]} the packets that are not confirmed */
  #underWay = [];
  #theyInflate = false;
  #connects = true;
  #unheard = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #askTimer;
  /** What comes is unpacked in its order. */
  #queue = Promise.resolve();

  /**
   * @param {Pick<import("./relay.js").RelayPost, "end"|"isOn"|"noteTalk"|"schedule">} post
   * @param {string} peerId
   * @param {Talk} talk
   * @param {LinkEvents} events
   */
  constructor(post, peerId, talk, events) {
    this.#post = post;
    this.peerId = peerId;
    this.#talk = talk;
    this.#events = events;
    this.#packer = new Packer(talk.delivery);
    this.#unpacker = new Unpacker(talk.delivery, talk);
  }

  /**
   * There is no channel.
   *
   * @param {boolean} connects  whether this page has WebRTC
   */
  start(connects) {
    if (!this.#post.isOn || this.#isActive) return;
    this.#connects = connects;
    this.#isActive = true;
    this.#ask();
  }

  /** There is a channel again. */
  stop() {
    this.#isActive = this.#isHeard = this.#asks = false;
    clearTimeout(this.#askTimer);
  }

  end() {
    this.stop();
    this.confirmAt = Infinity;
    this.#post.end(this);
  }

  turnOff() {
    this.end();
    this.#events.onOff();
  }

  /** There is something to say. */
  pump() {
    if (this.#isActive && this.#isHeard) this.#post.schedule(0);
  }

  /** @param {Packet & {ask?: boolean, connects?: boolean}} packet */
  receive(packet) {
    this.#post.noteTalk();
    const { delivery } = this.#talk;
    const isForUs = delivery.hear(packet);
    if (packet.from !== delivery.header.to) return; // an earlier page
    this.#theyInflate = packet.inflates === true;
    this.#events.onHeard(packet.connects !== false);
    if (packet.ask === true || packet.to !== delivery.header.from) this.#confirm(0);
    if (!isForUs) return;
    this.#onHeard();
    if (packet.items || packet.deflated) this.#queue = this.#queue.then(() => this.#take(packet)).catch(() => {});
  }

  /**
   * @param {number} mostBytes
   * @returns {Promise<Packet|undefined>} the next payload
   */
  async pack(mostBytes) {
    const room = this.#underWay.reduce((sum, { bytes }) => sum - bytes, WINDOW_BYTES);
    const mayTalk = this.#isActive && this.#isHeard && (room > 0 || this.#packer.isAmid);
    const items = mayTalk ? this.#packer.items(mostBytes) : [];
    if (items.length === 0 && performance.now() < this.confirmAt) return undefined;
    this.confirmAt = Infinity;
    this.#comeBytes = 0;
    const extra = { ...(this.#asks && { ask: true }), ...(!this.#connects && { connects: false }) };
    this.#asks = false;
    const payload = await seal({ ...this.#talk.delivery.header, ...extra }, items, this.#theyInflate);
    if (items.length > 0) {
      const [last] = items[items.length - 1];
      this.#underWay.push({ upTo: Number(last), bytes: JSON.stringify(payload).length });
      this.#expect();
    }
    return payload;
  }

  onSent() {
    if (this.#isActive) this.#events.onReady();
  }

  onExpired() {
    if (this.#isActive) this.#ask();
  }

  /** @param {number} ms */
  askLater(ms) {
    this.packAgain();
    clearTimeout(this.#askTimer);
    if (this.#isActive) this.#askTimer = setTimeout(() => this.#ask(), ms);
  }

  packAgain() {
    this.#packer.rewind();
    this.#underWay = [];
  }

  /** @param {Packet} packet */
  async #take(packet) {
    const items = await open(packet);
    this.#unpacker.take(items);
    this.#confirm(JSON.stringify(items).length);
  }

  /** How far has the other page come? From there on it goes on. */
  #ask() {
    this.#isHeard = false;
    this.#asks = true;
    this.#confirm(Infinity);
    this.packAgain();
    this.#expect();
  }

  #onHeard() {
    const { confirmed } = this.#talk.delivery;
    this.#underWay = this.#underWay.filter(({ upTo }) => upTo > confirmed);
    this.#unheard = 0;
    this.#isHeard = true;
    clearTimeout(this.#askTimer);
    if (this.#underWay.length > 0) this.#expect();
    this.pump();
  }

  /** Something is to be heard. */
  #expect() {
    clearTimeout(this.#askTimer);
    const ms = Math.min(LONGEST_ASK_AGAIN_MS, ASK_AGAIN_MS * 2 ** this.#unheard);
    this.#askTimer = setTimeout(() => {
      this.#unheard += 1;
      if (this.#isActive) this.#ask();
    }, ms);
  }

  /** @param {number} bytes  that have come; none or endless ones: the other page waits for it */
  #confirm(bytes) {
    this.#comeBytes += bytes;
    const isUrgent = bytes === 0 || this.#comeBytes >= CONFIRM_BYTES;
    const delayMs = isUrgent ? 0 : CONFIRM_MS;
    this.confirmAt = Math.min(this.confirmAt, performance.now() + delayMs);
    this.#post.schedule(delayMs);
  }
}
