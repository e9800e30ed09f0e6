/** Waiting and trying again. */

import { ApiError } from "./api.js";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;

/**
 * How long to wait after the n-th failure in a row: twice as long each time up to a bound, and never
 * the same for two clients, so that those who failed together do not come back together.
 *
 * @param {number} failures  1 or more
 * @param {number} [longestMs]
 * @returns {number} milliseconds
 */
export function backoffMs(failures, longestMs = LONGEST_DELAY_MS) {
  const fullMs = Math.min(longestMs, FIRST_DELAY_MS * 2 ** (failures - 1));
  return Math.round(fullMs * (0.5 + Math.random() / 2));
}

/**
 * Make a call that may safely be repeated, again during a short outage.
 *
 * @template T
 * @param {() => Promise<T>} call
 * @param {number} [attempts]
 * @returns {Promise<T>} rejects with the last error
 */
export async function retrying(call, attempts = 5) {
  for (let failures = 1; ; failures++) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ApiError && error.isOutage) || failures === attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.max(backoffMs(failures), error.retryAfterMs)));
    }
  }
}

/**
 * Make a call that changes something, again when no answer came. If only the answer was lost, the
 * repeated call is refused, and what was wanted has been done.
 *
 * @template T
 * @param {() => Promise<T>} call
 * @param {...string} codesWhenDone  how it may be refused then
 * @returns {Promise<T|undefined>} the answer, unless it was lost
 */
export async function retryingChange(call, ...codesWhenDone) {
  let calls = 0;
  try {
    return await retrying(() => (calls++, call()), 2);
  } catch (error) {
    const isDone = calls > 1 && error instanceof ApiError && codesWhenDone.includes(error.code);
    if (!isDone) throw error;
  }
}
