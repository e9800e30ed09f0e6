/** The seat that a tab has in a room, kept through reloads. */

/** @typedef {import("./api.js").Seat} Seat */

export class SeatKeeper {
  #storage;
  #key;

  /**
   * @param {URL} baseUrl  one tab may have a seat at each of several services
   * @param {Storage|null} [storage]  sessionStorage unless given: it lives as long as the tab
   */
  constructor(baseUrl, storage = sessionStorageIfAllowed()) {
    this.#storage = storage;
    this.#key = `party ${baseUrl}`;
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
