/** Bytes as base64, and back. */

/** So many bytes at a time: each becomes an argument of one call. */
const CHUNK_BYTES = 8192;

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let binary = "";
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(start, start + CHUNK_BYTES));
  }
  return btoa(binary);
}

/**
 * For addresses and headers.
 *
 * @param {string} text
 */
export function toBase64url(text) {
  const base64 = toBase64(new TextEncoder().encode(text));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} base64 */
export function fromBase64(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
