/** A sleep that can be ended, or done without, by whoever has something to do. */

export class Sleep {
  #isUnwanted = false;
  #end = () => {};

  /** End this sleep, or go without the next one. */
  end() {
    this.#isUnwanted = true;
    this.#end();
  }

  /** Whatever the last sleep was ended for is being done now. */
  allow() {
    this.#isUnwanted = false;
  }

  /** @param {number} delayMs */
  for(delayMs) {
    if (this.#isUnwanted) return Promise.resolve();
    return /** @type {Promise<void>} */ (
      new Promise((resolve) => {
        const timer = setTimeout(resolve, delayMs);
        this.#end = () => {
          clearTimeout(timer);
          resolve();
        };
      })
    );
  }
}
