/** A random id of this browser, by which a host can keep it out of a room for good. The service keeps its hash only. */

import { randomText } from "./random.js";

const KEY = "party device";

/** @returns {string|undefined} none where nothing can be kept */
export function deviceId() {
  try {
    const known = globalThis.localStorage.getItem(KEY);
    if (known && /^[A-Za-z0-9_-]{16,64}$/.test(known)) return known;
    const made = randomText(16);
    globalThis.localStorage.setItem(KEY, made);
    return made;
  } catch {
    return undefined;
  }
}
