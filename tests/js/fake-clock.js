/** A clock that moves only when a test moves it, in place of the browser's timers. */

const realSetImmediate = setImmediate;

export class FakeClock {
  now = 1_000;
  /** @type {Map<number, {at: number, run: () => void}>} */
  #timers = new Map();
  #lastId = 0;

  /** Replace the global timers, `performance.now` and `Date.now` from here on. */
  install() {
    globalThis.setTimeout = /** @type {any} */ (
      (/** @type {() => void} */ run, ms = 0) => {
        this.#timers.set(++this.#lastId, { at: this.now + ms, run });
        return this.#lastId;
      }
    );
    globalThis.clearTimeout = /** @type {any} */ ((/** @type {number} */ id) => this.#timers.delete(id));
    performance.now = Date.now = () => this.now;
  }

  /**
   * Let time pass: timers run in their order, and whatever they set off.
   *
   * @param {number} ms
   */
  async advance(ms) {
    const end = this.now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      const [id, { at, run }] = due;
      this.#timers.delete(id);
      this.now = Math.max(this.now, at);
      run();
      await settle();
    }
    this.now = end;
  }

  /**
   * Time passes, but nothing runs until its end, as when a computer sleeps.
   *
   * @param {number} ms
   */
  async sleep(ms) {
    this.now += ms;
    await this.advance(0);
  }
}

/** Let all promises that can settle do so. */
export async function settle() {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => realSetImmediate(resolve));
}
