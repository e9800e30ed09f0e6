/** What the page says when the service refuses something. */

/** @typedef {import("./party.js").ApiError} ApiError */

const MINUTE_MS = 60_000;

/** Which limit it was, by what the page was doing. @type {Record<string, string>} */
const TOO_MANY = {
  create: "Too many rooms have been opened from your network.",
  join: "There have been too many attempts to join, or wrong codes and passwords.",
};

/**
 * @param {unknown} reason
 * @param {"create"|"join"|"stay"} doing  "stay": what the page does of its own accord while it is in a room
 */
export function refusalText(reason, doing) {
  if (!(reason instanceof Error)) return String(reason);
  const { code, message, retryAfterMs } = /** @type {ApiError} */ (reason);
  if (code !== "RATE_LIMITED") return message;
  if (doing === "stay") return `This page has asked too often. It goes on in ${durationText(retryAfterMs)}.`;
  return `${TOO_MANY[doing]} Please try again in ${durationText(retryAfterMs)}.`;
}

/** @param {number} ms */
function durationText(ms) {
  const [count, unit] = ms < 2 * MINUTE_MS ? [ms / 1000, "second"] : [ms / MINUTE_MS, "minute"];
  const whole = Math.max(1, Math.ceil(count));
  return `${whole} ${unit}${whole === 1 ? "" : "s"}`;
}
