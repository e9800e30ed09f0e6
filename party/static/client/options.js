/**
 * What an app may ask for when it enters a room. A wrong name or value is told at once, with a `TypeError`,
 * rather than ignored. What the service is told (names, passwords, quizzes), the service checks itself.
 */

import * as features from "./features.js";
import { LARGEST_BYTES } from "./pipe.js";

/** @typedef {import("../party.js").PageOptions} PageOptions */

/** @type {Record<string, [what: string, isGood: (value: any) => boolean]>} what a page decides for itself */
const PAGE_OPTIONS = {
  baseUrl: ["an address", isAddress],
  topology: ['"mesh" or "star"', (value) => ["mesh", "star"].includes(value)],
  storage: ["a Storage or null", (value) => value === null || typeof value?.getItem === "function"],
  leaveOnClose: ["true or false", (value) => typeof value === "boolean"],
  maxMessageBytes: [
    `a whole number from 1 to ${LARGEST_BYTES}`,
    (value) => Number.isInteger(value) && value >= 1 && value <= LARGEST_BYTES,
  ],
  signal: ["an AbortSignal", (value) => typeof value?.addEventListener === "function" && "aborted" in value],
};

/** What the service is told, by what calls. */
const FIELDS = {
  create: [
    ...["name", "participantId", "password", "maxParticipants"],
    ...Object.values(features).flatMap(({ createFields }) => createFields),
  ],
  join: ["name", "participantId", "password"],
  resume: [],
  preview: [],
};

/**
 * Check the options of a call, and tell apart what the service is told from what the page keeps to itself.
 *
 * @template {PageOptions} T
 * @param {keyof FIELDS} call
 * @param {T} options
 * @returns {{fields: Omit<T, keyof PageOptions>, page: PageOptions}}
 * @throws {TypeError}
 */
export function checked(call, options) {
  if (typeof options !== "object" || options === null) throw new TypeError(`Party.${call} needs an object of options.`);
  /** @type {any} */
  const sorted = { fields: {}, page: {} };
  for (const [name, value] of Object.entries(options)) {
    if (name in PAGE_OPTIONS) sorted.page[name] = goodValue(call, name, value);
    else if (/** @type {string[]} */ (FIELDS[call]).includes(name)) sorted.fields[name] = value;
    else throw new TypeError(`Party.${call} knows no option "${name}".`);
  }
  return sorted;
}

/**
 * @param {string} call
 * @param {string} name
 * @param {unknown} value
 */
function goodValue(call, name, value) {
  const [what, isGood] = PAGE_OPTIONS[name];
  if (value !== undefined && !isGood(value)) throw new TypeError(`Party.${call}: "${name}" has to be ${what}.`);
  return value;
}

/** @param {unknown} value */
function isAddress(value) {
  if (typeof value !== "string" && !(value instanceof URL)) return false;
  try {
    // In Node there is no page that it could be relative to.
    new URL(value, globalThis.document?.baseURI);
    return true;
  } catch {
    return false;
  }
}
