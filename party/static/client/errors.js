/** What an answer says: its data, the service's refusal, or that it is none of the service's answers. */

/** The contract's. A failure with any other code comes from somebody else. */
const CODES = new Set([
  "VALIDATION_ERROR",
  "BAD_JSON",
  "BAD_CURSOR",
  "TOKEN_REQUIRED",
  "TOKEN_INVALID",
  "NOT_YOUR_ID",
  "HOST_ONLY",
  "PLAYERS_ONLY",
  "WRONG_PASSWORD",
  "NOT_A_MEMBER",
  "NOT_APPROVED",
  "BANNED",
  "ROOM_LOCKED",
  "ROOM_NOT_FOUND",
  "PEER_NOT_FOUND",
  "MESSAGE_NOT_FOUND",
  "IMAGE_NOT_FOUND",
  "NOT_FOUND",
  "METHOD_NOT_ALLOWED",
  "PARTICIPANT_ID_TAKEN",
  "ROOM_FULL",
  "LOBBY_FULL",
  "SEAT_TAKEN",
  "STATE_MOVED",
  "WRONG_STATUS",
  "TOO_FEW_PARTICIPANTS",
  "WRONG_QUESTION",
  "RELAY_OFF",
  "ROOM_ENDED",
  "TOO_LARGE",
  "JSON_REQUIRED",
  "NOT_AN_IMAGE",
  "RATE_LIMITED",
  "MAILBOX_FULL",
  "RELAY_LIMIT",
  "INTERNAL",
  "UNAVAILABLE",
  "STORAGE_FULL",
]);
/** What a firewall's page may have been answered with where the request, not the service, was at fault. */
const NOT_IMPLEMENTED = 501;
const TOO_MANY_REQUESTS = 429;
/** A stranger's word on how long to wait is believed up to here. */
const LONGEST_RETRY_AFTER_SECONDS = 300;

/** @typedef {"left"|"removed"|"banned"|"rejected"|"absent"|"replaced"} TokenReason */

/** A call that failed. */
export class ApiError extends Error {
  /**
   * @param {object} failure
   * @param {string} failure.code  the contract's; "NETWORK": no answer; "BLOCKED": somebody in between (a
   *   firewall, a captive portal) has answered in place of the service; "BAD_ANSWER": a proxy says that the
   *   service is away; "NO_WEBRTC": this browser cannot connect to others; "CLIENT_ERROR": a fault of the
   *   client's own
   * @param {string} failure.message  for people
   * @param {number} failure.status  of the answer; 0 where none came
   * @param {string} [failure.field]  the field that was wrong
   * @param {TokenReason} [failure.reason]  why a token is good for nothing any more
   * @param {number} [failure.retryAfterMs]  how long the service wants to be left alone
   */
  constructor({ code, message, status, field, reason, retryAfterMs = 0 }) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    this.field = field;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether nothing is wrong with the request itself: the network, the service or its database failed. */
  get isOutage() {
    return (this.status < 400 && this.code !== "NO_WEBRTC") || (this.status >= 500 && !this.isBlocked);
  }

  /** Whether the same call may succeed later. */
  get isTemporary() {
    return this.isOutage || this.isBlocked || this.status === TOO_MANY_REQUESTS;
  }

  /** Whether somebody in between has answered: that says nothing about the room or the seat. */
  get isBlocked() {
    return this.code === "BLOCKED";
  }
}

/**
 * The `data` of an answer. Throws an `ApiError`.
 *
 * @param {number} status
 * @param {string} text
 * @param {string|null} [retryAfter]  the header
 */
export function unwrap(status, text, retryAfter) {
  const envelope = parse(text);
  if (envelope?.success === true && isObject(envelope.data) && status < 300) return envelope.data;
  if (envelope?.success === false && CODES.has(envelope.error?.code) && status >= 400) {
    const { code, message, field, reason, retryAfter: seconds } = envelope.error;
    throw new ApiError({ code, message, status, field, reason, retryAfterMs: (Number(seconds) || 0) * 1000 });
  }
  throw foreign(status, retryAfter);
}

/**
 * The failure that an answer is which is not the service's.
 *
 * @param {number} status
 * @param {string|null} [retryAfter]  the header
 */
export function foreign(status, retryAfter) {
  const seconds = Math.min(Number(retryAfter) || 0, LONGEST_RETRY_AFTER_SECONDS);
  const retryAfterMs = Math.max(0, seconds * 1000);
  if (status >= 500 && status !== NOT_IMPLEMENTED) {
    return new ApiError({ code: "BAD_ANSWER", message: "The service is away.", status, retryAfterMs });
  }
  const message = `Something between this page and the service has answered in its place (${status}).`;
  return new ApiError({ code: "BLOCKED", message, status, retryAfterMs });
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null;
}
