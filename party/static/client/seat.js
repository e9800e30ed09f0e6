/**
 * The seat that a page has in a room: kept through reloads, and claimed, so that no other page of the browser
 * takes it. A tab's sessionStorage is shared by frames of one origin, and copied by `window.open` and when a
 * tab is duplicated.
 */

/** A page that is being reloaded or left keeps its claim for a moment. */
const CLAIM_PATIENCE_MS = 1_000;

/** @typedef {import("./contract.js").Seat} Seat */

export class SeatKeeper {
  #storage;
  #baseUrl;
  #key;
  #release = () => {};

  /**
   * @param {URL} baseUrl  one tab may have a seat at each of several services
   * @param {Storage|null} [storage]  sessionStorage unless given: it lives as long as the tab
   */
  constructor(baseUrl, storage = sessionStorageIfAllowed()) {
    this.#storage = storage;
    this.#baseUrl = baseUrl.href;
    const position = framePosition();
    this.#key = `party ${baseUrl}${position && ` in frame ${position}`}`;
  }

  /**
   * Claim a seat for this page, until it is released or the page is gone.
   *
   * @param {Pick<Seat, "code"|"id">} seat
   * @returns {Promise<boolean>} false: another page of this browser has it. Where browsers know no locks
   *   (Safari before 15.4, pages without HTTPS), every claim is good
   */
  claim({ code, id }) {
    const locks = globalThis.isSecureContext ? globalThis.navigator?.locks : undefined;
    if (!locks) return Promise.resolve(true);
    return new Promise((resolve) => {
      const aborter = new AbortController();
      const timer = setTimeout(() => aborter.abort(), CLAIM_PATIENCE_MS);
      const hold = () => {
        clearTimeout(timer);
        resolve(true);
        return /** @type {Promise<void>} */ (new Promise((release) => (this.#release = release)));
      };
      locks
        .request(`party: ${this.#baseUrl} ${code} ${id}`, { signal: aborter.signal }, hold)
        // A page that may store nothing is refused locks, too.
        .catch(() => resolve(!aborter.signal.aborted));
    });
  }

  /** Give the claim up, if there is one. */
  release() {
    this.#release();
  }

  /** @param {Seat} seat */
  save(seat) {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(seat));
    } catch {
      // A full storage costs the way back after a reload, not the party.
    }
  }

  /** @returns {Seat|null} */
  load() {
    try {
      return JSON.parse(this.#storage?.getItem(this.#key) ?? "null");
    } catch {
      return null;
    }
  }

  /**
   * A seat is given up. If another one has been taken meanwhile, that one stays.
   *
   * @param {Seat} seat
   */
  forget(seat) {
    try {
      if (this.load()?.token === seat.token) this.#storage?.removeItem(this.#key);
    } catch {
      // What cannot be removed is refused when it is used.
    }
  }
}

/** Even looking at sessionStorage throws where a browser's settings forbid it. */
function sessionStorageIfAllowed() {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null;
  }
}

/** Where this page is among the frames of its tab: "" at the top, else the numbers of the frames around it. */
function framePosition() {
  const numbers = [];
  /** @type {Window|undefined} */
  let frame = globalThis.window;
  for (; frame && frame !== frame.parent; frame = frame.parent) {
    // Which is which, one may know of pages of other origins, too.
    const { parent } = frame;
    numbers.unshift(Array.from({ length: parent.length }, (_, n) => parent[n]).indexOf(frame));
  }
  return numbers.join(".");
}
