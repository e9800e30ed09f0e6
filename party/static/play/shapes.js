/** What answers are told apart by, besides their place and colour: a shape and a letter. */

import { h, svg, written } from "./dom.js";

/** The `d` of a path in a square of 24. */
const PATHS = [
  "M12 2 23 21H1Z", // triangle
  "M12 1 23 12 12 23 1 12Z", // diamond
  "M12 1.5a10.5 10.5 0 1 0 .01 0Z", // circle
  "M2.5 2.5h19v19h-19Z", // square
  "M12 1l3.3 7.2 7.7.9-5.700 5.300 1.500 7.700L12 18.300 5.200 22.100l1.500-7.700L1 9.100l7.700-.9Z", // star
  "M6.500 2.500h11L23 12l-5.500 9.500h-11L1 12Z", // hexagon
];

/** @param {number} index */
export function letter(index) {
  return String.fromCharCode(65 + index);
}

/** @param {number} index */
function shape(index) {
  return svg("svg", { viewBox: "0 0 24 24", class: "shape", "aria-hidden": "true" }, svg("path", { d: PATHS[index % 6] }));
}

/**
 * An answer's letter, shape and text.
 *
 * @param {number} index
 * @param {unknown} text
 * @returns {Node[]}
 */
export function answerLabel(index, text) {
  const words = typeof text === "string" ? text : JSON.stringify(text);
  return [shape(index), h("b", { class: "letter" }, letter(index)), written(words, "span", { class: "words" })];
}
