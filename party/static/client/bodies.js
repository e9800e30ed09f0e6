/**
 * The bodies of requests. A firewall before the service may take the words of one for an attack: a quiz about
 * `<b>`, even a session description. Encoded as base64url it has no words.
 */

import { toBase64url } from "./base64.js";

/** @typedef {{headers: Record<string, string>, content?: string|FormData}} RequestBody */

/** @type {RequestBody} */
const NONE = { headers: {} };
/** Firewalls' usual rules know this type, and let it pass; they refuse text/plain. */
const ENCODED_TYPE = "application/x-www-form-urlencoded";

/**
 * @param {string|undefined} json
 * @returns {RequestBody}
 */
export function plain(json) {
  return json ? { headers: { "Content-Type": "application/json" }, content: json } : NONE;
}

/**
 * @param {string} json
 * @returns {RequestBody}
 */
export function encoded(json) {
  const headers = { "Content-Type": ENCODED_TYPE, "X-Party-Body": "b64" };
  return { headers, content: toBase64url(json) };
}
