/** Waiting and trying again. */

import { ApiError } from "./errors.js";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
/** Between attempts that nobody waits for. */
const LONGEST_PATIENT_DELAY_MS = 60_000;

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
 * Make a call that may safely be repeated, again during a short outage. One that the service says is long is for the
 * caller to wait out.
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
      if (error.retryAfterMs > LONGEST_DELAY_MS) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.max(backoffMs(failures), error.retryAfterMs)));
    }
  }
}

/**
 * Make a call as `retrying` does, and where the service takes such calls only so often, wait for the turn.
 *
 * @template T
 * @param {() => Promise<T>} call
 * @returns {Promise<T>} rejects with the last error
 */
export async function inItsTurn(call) {
  for (;;) {
    try {
      return await retrying(call);
    } catch (error) {
      if (!(error instanceof ApiError && error.code === "RATE_LIMITED")) throw error;
      await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
    }
  }
}

/**
 * Make a call again and again until the service has answered it, whatever it answers, as soon as there may be a
 * network again.
 *
 * @param {() => Promise<unknown>} call
 * @param {unknown} error  how it has failed
 */
export async function untilAnswered(call, error) {
  for (let failures = 1; error instanceof ApiError && error.isTemporary; failures++) {
    const delayMs = Math.max(backoffMs(failures, LONGEST_PATIENT_DELAY_MS), error.retryAfterMs);
    await networkOr(delayMs);
    error = await call().catch((reason) => reason);
  }
}

/** @param {number} delayMs  to wait, unless the browser says before that it is online again */
function networkOr(delayMs) {
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        globalThis.removeEventListener?.("online", end);
        resolve();
      };
      const timer = setTimeout(end, delayMs);
      globalThis.addEventListener?.("online", end);
    })
  );
}

/**
 * Stop waiting for something when a signal says so. It goes on all the same: what is to become of it is for the
 * caller to say.
 *
 * @template T
 * @param {AbortSignal|undefined} signal
 * @param {() => Promise<T>} begin  not called where the signal has been given before
 * @returns {Promise<T>} rejects with the signal's reason
 */
export async function unlessAborted(signal, begin) {
  if (!signal) return begin();
  if (signal.aborted) throw reasonOf(signal);
  let giveUp = () => {};
  const aborted = new Promise((_, reject) => {
    giveUp = () => reject(reasonOf(signal));
    signal.addEventListener("abort", giveUp);
  });
  try {
    return await Promise.race([begin(), /** @type {Promise<never>} */ (aborted)]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/**
 * Why a signal was given. (Older browsers do not know.)
 *
 * @param {AbortSignal} signal
 */
export function reasonOf(signal) {
  return signal.reason ?? new DOMException("The call was given up.", "AbortError");
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
