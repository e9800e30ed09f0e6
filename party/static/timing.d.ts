/**
 * How long to wait after the n-th failure in a row: twice as long each time up to a bound, and never
 * the same for two clients, so that those who failed together do not come back together.
 *
 * @param {number} failures  1 or more
 * @param {number} [longestMs]
 * @returns {number} milliseconds
 */
export function backoffMs(failures: number, longestMs?: number): number;
/**
 * Make a call that may safely be repeated, again during a short outage.
 *
 * @template T
 * @param {() => Promise<T>} call
 * @param {number} [attempts]
 * @returns {Promise<T>} rejects with the last error
 */
export function retrying<T>(call: () => Promise<T>, attempts?: number): Promise<T>;
/**
 * Make a call again and again until the service has answered it, whatever it answers, as soon as there may be a
 * network again.
 *
 * @param {() => Promise<unknown>} call  has failed once
 */
export function untilAnswered(call: () => Promise<unknown>): Promise<void>;
/**
 * Stop waiting for something when a signal says so. It goes on all the same: what is to become of it is for the
 * caller to say.
 *
 * @template T
 * @param {AbortSignal|undefined} signal
 * @param {() => Promise<T>} begin  not called where the signal has been given before
 * @returns {Promise<T>} rejects with the signal's reason
 */
export function unlessAborted<T>(signal: AbortSignal | undefined, begin: () => Promise<T>): Promise<T>;
/**
 * Why a signal was given. (Older browsers do not know.)
 *
 * @param {AbortSignal} signal
 */
export function reasonOf(signal: AbortSignal): any;
/**
 * Make a call that changes something, again when no answer came. If only the answer was lost, the
 * repeated call is refused, and what was wanted has been done.
 *
 * @template T
 * @param {() => Promise<T>} call
 * @param {...string} codesWhenDone  how it may be refused then
 * @returns {Promise<T|undefined>} the answer, unless it was lost
 */
export function retryingChange<T>(call: () => Promise<T>, ...codesWhenDone: string[]): Promise<T | undefined>;
