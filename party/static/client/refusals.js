/** What a failed request means for those that follow. */

import { ApiError } from "./errors.js";

/** After these the token or the room is gone, and with it any use in asking again. */
const FINAL_STATUSES = new Set([401, 403, 410]);
/**
 * How often in a row a send fails, with good polls in between, until we believe that it always will. All other
 * refusals are believed at once, and outages never.
 *
 * @type {Record<string, number>}
 */
const BELIEVED_AFTER = { PEER_NOT_FOUND: 2, BLOCKED: 2, NETWORK: 6, INTERNAL: 6 };

/**
 * Whether the service will not answer this page any more.
 *
 * @param {ApiError} error
 */
export function isFinal(error) {
  // What somebody in between answers is no word about the token or the room.
  return FINAL_STATUSES.has(error.status) && !error.isBlocked;
}

/**
 * Whether it is the data in a request, sent in place of a connection, that the service does not take.
 *
 * @param {ApiError} error
 */
export function isAboutData(error) {
  return error.isBlocked || ["RELAY_OFF", "RELAY_LIMIT", "MAILBOX_FULL", "PEER_NOT_FOUND", "TOO_LARGE"].includes(error.code);
}

/**
 * Whether a send will fail for ever.
 *
 * @param {ApiError} error
 * @param {number} failedSends  how often in a row it has, this time included
 */
export function isBelieved(error, failedSends) {
  const patience = error.isOutage || error.status === 429 ? Infinity : 1;
  return failedSends >= (BELIEVED_AFTER[error.code] ?? patience);
}

/**
 * Polling goes on whatever happens, and never ends without a word: a fault of ours, or of a browser that
 * lacks what we use, is told as any other failure, and tried again as one.
 *
 * @param {unknown} error
 */
export function asApiError(error) {
  if (error instanceof ApiError) return error;
  console.error("party: a poll failed", error);
  return new ApiError({ code: "CLIENT_ERROR", message: `The client failed: ${error}`, status: 0 });
}
