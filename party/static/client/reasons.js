/** Why there is no connection, from what was seen: nothing here asks, waits or remembers. */

/** @typedef {"no-candidates"|"no-answer"|"ice-failed"|"turn-refused"|"not-supported"|"sleeping"} Reason */

/**
 * @typedef {object} Refusal  of a TURN server
 * @property {string} server  its address
 * @property {number} code  of STUN: 401 for wrong credentials, 486 for too many allocations, …
 */

/**
 * @typedef {object} Attempt  what was seen of one try to connect
 * @property {boolean} isGathered  whether all addresses of this page are known
 * @property {number} candidates  how many those are
 * @property {number} theirCandidates  those that the other page has told
 * @property {boolean} isAnswered  whether the other page has taken part
 * @property {Refusal|null} refusal
 */

/**
 * @typedef {object} Sight
 * @property {boolean} connects  whether both pages have WebRTC
 * @property {boolean} isAway  the other page sleeps
 * @property {Attempt|null} attempt
 * @property {boolean} isLate  it should have opened by now, or an answer should have come
 * @property {boolean} hasFailed  no path was found
 */

/** After these no path was looked for: a code of the browser's own, not of a server. */
const UNREACHABLE = 701;

/**
 * @param {Sight} sight
 * @returns {Reason|undefined} undefined: nothing speaks against it yet
 */
export function reasonFor({ connects, isAway, attempt, isLate, hasFailed }) {
  if (!connects) return "not-supported";
  if (attempt?.refusal) return "turn-refused";
  if (attempt?.isGathered && attempt.candidates === 0) return "no-candidates";
  if (isAway) return "sleeping";
  if (!attempt) return undefined;
  if (!attempt.isAnswered) return isLate || hasFailed ? "no-answer" : undefined;
  if (!hasFailed) return undefined;
  return attempt.theirCandidates === 0 ? "no-candidates" : "ice-failed";
}

/**
 * @param {{url?: string, errorCode?: number}} event  `icecandidateerror`
 * @returns {Refusal|null} null where it is none: a server that does not answer, say
 */
export function refusalIn({ url = "", errorCode = UNREACHABLE }) {
  const isOfServer = errorCode >= 300 && errorCode < UNREACHABLE;
  return isOfServer && /^turns?:/.test(url) ? { server: url, code: errorCode } : null;
}
