/**
 * What two pages say to each other, numbered from end to end, whichever way it goes: over one channel, the next one,
 * or through the service (relay.js). Whoever sends keeps each message until the other page has said how far it has
 * come. So ways may change at any moment: on a new one everything from there on is sent again, and whoever receives
 * takes only the next number. Each message arrives once, and in order.
 *
 * Large messages are numbered by themselves (`L1`, `L2`, …): through the service only the others go, and those
 * need not wait.
 *
 * Each way begins with a header: who speaks to whom, and how far it has come.
 *
 *     {from: 41000001, to: 17000003, have: [12, 0]}   `to`: null as long as nothing has been heard
 *
 * Both are lives: a page that comes back, or forgets the other, begins another one, which has a higher number.
 */

/** Longer messages wait for a channel. */
export const LARGE_BYTES = 256 * 1024;
/** So much may be under way to one peer. */
export const MOST_UNCONFIRMED_BYTES = 4 * 1024 * 1024;
const [SMALL, LARGE] = [0, 1];

/** @typedef {import("./pipe.js").Packed} Packed */
/** @typedef {{from: number, to: number|null, have: number[]}} Header  `have`: the last small and large message */
/** @typedef {{tag: string, packed: Packed}} Numbered */

/** @typedef {object} Way  one way to the other page
 * @property {number[]} next  what is sent on it next, of the small ones and of the large ones
 * @property {number|null} to  the other page's life for which these are counted
 */

class Lane {
  /** How far the other page has come. */
  confirmed = 0;
  /** How far this page has come with what the other one sends. */
  had = 0;
  /**
   * @type {{packed: Packed, place: number, bytes: number}[]} from `confirmed` + 1 on. `place` counts over both lanes;
   *   `bytes` are those that count as under way
   */
  queue = [];

  /** @param {number} number */
  at(number) {
    return this.queue[number - this.confirmed - 1];
  }
}

export class Delivery {
  #life;
  #onGap;
  /** @type {number|null} */
  #theirs = null;
  #lanes = [new Lane(), new Lane()];
  #places = 0;
  #unconfirmedBytes = 0;

  /**
   * @param {number} life
   * @param {(count: number) => void} onGap  another page has taken the other's place; so many messages to the one
   *   before are not known to have arrived, and are not sent any more
   */
  constructor(life, onGap) {
    this.#life = life;
    this.#onGap = onGap;
  }

  /** Whether the other page has been heard. */
  get isHeard() {
    return this.#theirs !== null;
  }

  /** How many messages are not known to have arrived. */
  get unconfirmed() {
    return this.#lanes[SMALL].queue.length + this.#lanes[LARGE].queue.length;
  }

  /** The last of the small ones that is known to have arrived. */
  get confirmed() {
    return this.#lanes[SMALL].confirmed;
  }

  /** @returns {Header} */
  get header() {
    return { from: this.#life, to: this.#theirs, have: this.#lanes.map(({ had }) => had) };
  }

  /**
   * The other page speaks.
   *
   * @param {Header} header
   * @returns {boolean} false: an earlier page, or one that means an earlier one; the rest is not for us
   */
  hear({ from, to, have }) {
    if (!Number.isInteger(from) || !Array.isArray(have) || (this.#theirs !== null && from < this.#theirs)) return false;
    if (this.#theirs !== null && from > this.#theirs) this.#beginAnew();
    this.#theirs = from;
    if (to !== this.#life) return to === null;
    this.#lanes.forEach((lane, i) => this.#confirm(lane, have[i]));
    return true;
  }

  /**
   * Take a message over from the app.
   *
   * @param {Packed} packed
   * @param {boolean} isOpen  whether there is a channel, which takes large messages without end
   * @returns {boolean} false: too much is under way
   */
  accept(packed, isOpen) {
    const isLarge = packed.size > LARGE_BYTES;
    const bytes = isLarge && isOpen ? 0 : packed.size;
    if (bytes > 0 && this.#unconfirmedBytes + bytes > MOST_UNCONFIRMED_BYTES) return false;
    this.#unconfirmedBytes += bytes;
    this.#lanes[isLarge ? LARGE : SMALL].queue.push({ packed, place: this.#places++, bytes });
    return true;
  }

  /** @returns {Way} a new way, on which nothing has been sent */
  way() {
    return { next: [1, 1], to: null };
  }

  /**
   * @param {Way} way
   * @param {{small?: boolean}} [only]  `small`: no large ones
   * @returns {Numbered|undefined} what is to be sent next on a way, once the other page has been heard
   */
  next(way, only = {}) {
    if (this.#theirs === null) return undefined;
    this.#follow(way);
    const [small, large] = this.#lanes.map((lane, i) => lane.at(way.next[i]));
    if (large && !only.small && !(small && small.place < large.place)) {
      return { tag: `L${way.next[LARGE]}`, packed: large.packed };
    }
    return small && { tag: `${way.next[SMALL]}`, packed: small.packed };
  }

  /**
   * @param {Way} way
   * @param {string} tag  of what has been sent on it
   */
  sent(way, tag) {
    way.next[laneOf(tag)] += 1;
  }

  /**
   * What has been sent on a way and is not confirmed is sent again.
   *
   * @param {Way} way
   */
  rewind(way) {
    way.next = [1, 1];
  }

  /**
   * @param {string} tag  of a message that has come; "" of one without, which is taken as it is
   * @returns {boolean} whether it is the next, and has been had by now
   */
  take(tag) {
    if (tag === "") return true;
    if (!this.isNext(tag)) return false;
    this.#lanes[laneOf(tag)].had += 1;
    return true;
  }

  /** @param {string} tag */
  isNext(tag) {
    return numberOf(tag) === this.#lanes[laneOf(tag)].had + 1;
  }

  /**
   * What is confirmed need not be sent, and what was sent to an earlier page was not sent to this one.
   *
   * @param {Way} way
   */
  #follow(way) {
    if (way.to !== this.#theirs) Object.assign(way, { next: [1, 1], to: this.#theirs });
    way.next = way.next.map((number, i) => Math.max(number, this.#lanes[i].confirmed + 1));
  }

  /**
   * @param {Lane} lane
   * @param {number} upTo
   */
  #confirm(lane, upTo) {
    const count = Math.min(upTo - lane.confirmed, lane.queue.length);
    if (!(count > 0)) return;
    for (const { bytes } of lane.queue.splice(0, count)) this.#unconfirmedBytes -= bytes;
    lane.confirmed += count;
  }

  #beginAnew() {
    const lost = this.unconfirmed;
    this.#lanes = [new Lane(), new Lane()];
    this.#unconfirmedBytes = 0;
    if (lost > 0) this.#onGap(lost);
  }
}

/** @param {string} tag */
function laneOf(tag) {
  return tag.startsWith("L") ? LARGE : SMALL;
}

/** @param {string} tag */
function numberOf(tag) {
  return Number(tag.replace("L", ""));
}
