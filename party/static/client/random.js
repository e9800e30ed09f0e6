/**
 * A random text for ids and keys. (`crypto.randomUUID` exists on secure origins only, while a party
 * may well be held on a LAN without a certificate.)
 *
 * @param {number} bytes
 * @returns {string} two hexadecimal digits per byte
 */
export function randomText(bytes) {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}
