/** The service's clock, as far as this page knows it: every time that it tells is a little late here. */

let offsetMs = -Infinity;

/** @param {string|null|undefined} time  ISO 8601, just heard from the service */
export function heard(time) {
  if (time) offsetMs = Math.max(offsetMs, Date.parse(time) - Date.now());
}

/** Milliseconds since the epoch, as the service counts them. */
export function serverNow() {
  return Date.now() + (offsetMs === -Infinity ? 0 : offsetMs);
}
