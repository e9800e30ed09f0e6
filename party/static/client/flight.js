/** The one request in flight, and how it is given up for another one. */

/**
 * A request that is out for longer than the quickest answer by so much is being held by the service, and given
 * up when there is something to send; so is one that is out for longer than any good answer takes.
 */
const HELD_AFTER = { factor: 1.5, extraMs: 20, longestMs: 150 };

/** What a request that was given up ends with, whatever the browser makes of it: not a failure. */
export const GIVEN_UP = Symbol("given up for another request");

export class Flight {
  /** @type {{aborter: AbortController, sentAt: number, isPoll: boolean}|null} */
  #current = null;
  #quickestAnswerMs = Infinity;

  /** Whether the request in flight, if there is one, is nothing but a poll. */
  get isPoll() {
    return this.#current?.isPoll ?? false;
  }

  /**
   * @template T
   * @param {boolean} isPoll
   * @param {(signal: AbortSignal) => Promise<T>} request
   * @returns {Promise<T>} rejects with `GIVEN_UP` where it was
   */
  async make(isPoll, request) {
    const aborter = new AbortController();
    const sentAt = performance.now();
    this.#current = { aborter, sentAt, isPoll };
    try {
      const answer = await request(aborter.signal);
      this.#quickestAnswerMs = Math.min(this.#quickestAnswerMs, performance.now() - sentAt);
      return answer;
    } catch (error) {
      throw aborter.signal.aborted ? GIVEN_UP : error;
    } finally {
      this.#current = null;
    }
  }

  giveUp() {
    this.#current?.aborter.abort();
  }

  /** Give up the request in flight when it is out for longer than answers take. */
  giveUpIfHeld() {
    const request = this.#current;
    if (!request) return;
    const answerMs = this.#quickestAnswerMs * HELD_AFTER.factor + HELD_AFTER.extraMs;
    const heldInMs = request.sentAt + Math.min(answerMs, HELD_AFTER.longestMs) - performance.now();
    const giveUp = () => this.#current === request && request.aborter.abort();
    setTimeout(giveUp, Math.max(0, heldInMs));
  }
}
