/** What the browser does with the page: hides it, shows it again, takes it away. */

import { WakeLock } from "./wake-lock.js";

export class PageLife {
  #onHidden;
  #onGone;
  #wakeLock = new WakeLock();

  /**
   * @param {object} options
   * @param {() => void} options.onHidden
   * @param {() => void} options.onGone  the page's last moment, or the last until it is shown again
   * @param {boolean} options.keepAwake  keep the screen on, where the browser can
   */
  constructor({ onHidden, onGone, keepAwake }) {
    this.#onHidden = onHidden;
    this.#onGone = onGone;
    globalThis.addEventListener?.("pagehide", this.#onPageHide);
    globalThis.document?.addEventListener("visibilitychange", this.#onVisibility);
    if (keepAwake) this.#wakeLock.hold();
  }

  end() {
    globalThis.removeEventListener?.("pagehide", this.#onPageHide);
    globalThis.document?.removeEventListener("visibilitychange", this.#onVisibility);
    this.#wakeLock.release();
  }

  #onPageHide = () => this.#onGone();

  #onVisibility = () => {
    if (globalThis.document?.visibilityState === "hidden") this.#onHidden();
    else this.#wakeLock.renew();
  };
}
