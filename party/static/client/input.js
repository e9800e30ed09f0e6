/** What people type: room codes and names. */

/** A code, with whatever stands between its characters, up to the end of the word. */
const CODE_IN_LINK = /#((?:[^\p{L}\p{N}]*[\p{L}\p{N}]){6})(?![\p{L}\p{N}])/u;
/** What no code has, and what was misread as it. The service understands the same. */
const MISREAD = { O: "Q", 0: "Q", I: "J", 1: "J", L: "J" };
/** Spaces, and what shows nothing: joiners, fillers, the empty Braille pattern, a notehead of no shape. */
const INVISIBLE = /[\s\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800\u{1d159}]/gu;

/**
 * The room code that somebody means: in any case and width of letters, with spaces or dashes, or in a link.
 * O and 0 are read as Q, and I, 1 and L as J: no code has them, so whoever sees one has misread it.
 *
 * @param {string} text
 * @returns {string} as the service knows it; whether there is such a room is for the service to say
 */
export function codeFrom(text) {
  const plain = text.normalize("NFKC").toUpperCase();
  const code = (CODE_IN_LINK.exec(plain)?.[1] ?? plain).replace(/[^\p{L}\p{N}]/gu, "");
  return code.replace(/[O0I1L]/g, (misread) => MISREAD[/** @type {keyof typeof MISREAD} */ (misread)]);
}

/**
 * Whether a text could be a room code.
 *
 * @param {string} code
 */
export function isCode(code) {
  return /^[A-Z0-9]{6}$/.test(code);
}

/**
 * Whether a text shows nothing at all.
 *
 * @param {string} text
 */
export function isBlank(text) {
  return text.replace(INVISIBLE, "") === "";
}
