/**
 * The room code that somebody means: in any case and width of letters, with spaces or dashes, or in a link.
 * O and 0 are read as Q, and I, 1 and L as J: no code has them, so whoever sees one has misread it.
 *
 * @param {string} text
 * @returns {string} as the service knows it; whether there is such a room is for the service to say
 */
export function codeFrom(text: string): string;
/**
 * Whether a text could be a room code.
 *
 * @param {string} code
 */
export function isCode(code: string): boolean;
/**
 * Whether a text shows nothing at all.
 *
 * @param {string} text
 */
export function isBlank(text: string): boolean;
