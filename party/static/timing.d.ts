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
 * Make a call that changes something, again when no answer came. If only the answer was lost, the
 * repeated call is refused, and what was wanted has been done.
 *
 * @template T
 * @param {() => Promise<T>} call
 * @param {...string} codesWhenDone  how it may be refused then
 * @returns {Promise<T|undefined>} the answer, unless it was lost
 */
export function retryingChange<T>(call: () => Promise<T>, ...codesWhenDone: string[]): Promise<T | undefined>;
