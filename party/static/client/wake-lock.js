/** Keeps the screen on while a party lasts, where the browser can. */

export class WakeLock {
  #isWanted = false;
  /** @type {WakeLockSentinel|undefined} */
  #lock;

  async hold() {
    this.#isWanted = true;
    await this.renew();
  }

  /** The browser gives it up whenever the page is hidden. */
  async renew() {
    if (!this.#isWanted || (this.#lock && !this.#lock.released)) return;
    try {
      // Safari knows it since 16.4, Firefox since 126; a low battery is a reason to refuse.
      this.#lock = await globalThis.navigator?.wakeLock?.request("screen");
      if (!this.#isWanted) await this.#lock?.release();
    } catch {
      // The screen goes off as it always does.
    }
  }

  release() {
    this.#isWanted = false;
    this.#lock?.release().catch(() => {});
  }
}
