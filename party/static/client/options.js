/**
 * What an app may ask for when it enters a room. A wrong name or value is told at once, with a `TypeError`,
 * rather than ignored. What the service is told (names, passwords, quizzes), the service checks itself.
 */

import * as features from "./features.js";
import { LARGEST_BYTES } from "./pipe.js";

/**
 * @typedef {object} PageOptions  what a page decides for itself
 * @property {string|URL} [baseUrl]  where the service is, unless this module came from it; may be relative
 *   to the page
 * @property {"mesh"|"star"|"none"} [topology]  everybody with everybody (the default), only with the host, or
 *   nobody at all, where what the service passes on is enough; the same for all pages of a room
 * @property {Storage|null} [storage]  where `resume` finds the seat after a reload: sessionStorage, unless
 *   given; null to keep it nowhere
 * @property {boolean} [leaveOnClose]  leave the room when the page is closed, left or reloaded, rather than
 *   come back with `resume`
 * @property {number} [maxMessageBytes]  what is sent to this page in one piece and is larger is dropped, with an
 *   event: 256 MiB, unless given
 * @property {boolean} [keepAwake]  keep the screen on while the party lasts, where the browser can
 * @property {boolean} [relay]  false: nothing goes through the service where no path opens
 * @property {number} [relayAfterMs]  after so long without an open channel it does: 8,000, unless given
 * @property {boolean} [reports]  false: the service is not told how connections went
 * @property {AbortSignal} [signal]  gives up entering; it has no effect afterwards. A seat that may have been
 *   taken by then is left
 */

/**
 * @typedef {object} CreateFields
 * @property {string} name  1 to 50 characters
 * @property {string} [participantId]  one's own id, if the app has one
 * @property {string} [password]  that others will need
 * @property {number} [maxParticipants]  the host included
 * @property {string} [roomName]  the room's own name
 * @property {string} [gameType]  what `list` groups by: 1 to 40 of `a-z 0-9 -`
 * @property {boolean} [approval]  whoever joins waits until the host lets it in
 * @property {boolean} [locked]  nobody joins for now
 * @property {boolean} [listed]  `list` shows the room
 * @property {number} [seats]  how many numbered seats there are
 * @property {boolean} [sharedState]  players may write the room's state
 * @property {"end"|"promote"} [hostGone]  what happens when the host leaves or is gone: the room ends (the default),
 *   or a player becomes the host
 * @property {number} [ttlHours]  how long the room outlives its last poll
 * @property {Record<string, any>} [quizData]
 * @property {number} [secondsPerQuestion]
 * @property {"end"|"stay"} [afterQuiz]  what becomes of the room after the last question: it ends (the default),
 *   or waits for another round
 *
 * @typedef {CreateFields & PageOptions} CreateOptions
 */

/**
 * @typedef {object} JoinFields
 * @property {string} name  1 to 50 characters
 * @property {string} [participantId]  one's own id, if the app has one
 * @property {string} [password]
 * @property {boolean} [spectate]  as a spectator, who sees everything and plays no part
 * @property {number} [seat]  a numbered seat, from 0
 *
 * @typedef {JoinFields & PageOptions} JoinOptions
 */

/**
 * @typedef {object} ListFields
 * @property {string} [gameType]  only rooms of this game
 * @property {string} [after]  `next` of the list before
 * @property {number} [limit]  1 to 50; 20 unless given
 *
 * @typedef {ListFields & Pick<PageOptions, "baseUrl"|"signal">} ListOptions
 */

/** @typedef {Record<string, [what: string, isGood: (value: any) => boolean]>} Checks */

/** @type {import("./answers.js").Feature[]} */
const OF_FEATURES = Object.values(features);

/** @type {Checks} what a page decides for itself */
const PAGE_OPTIONS = {
  baseUrl: ["an address", isAddress],
  topology: ['"mesh" or "star", or "none"', (value) => ["mesh", "star", "none"].includes(value)],
  storage: ["a Storage or null", (value) => value === null || typeof value?.getItem === "function"],
  leaveOnClose: ["true or false", (value) => typeof value === "boolean"],
  maxMessageBytes: [
    `a whole number from 1 to ${LARGEST_BYTES}`,
    (value) => Number.isInteger(value) && value >= 1 && value <= LARGEST_BYTES,
  ],
  keepAwake: ["true or false", (value) => typeof value === "boolean"],
  signal: ["an AbortSignal", (value) => typeof value?.addEventListener === "function" && "aborted" in value],
  ...Object.assign({}, ...OF_FEATURES.map(({ pageOptions }) => pageOptions)),
};

/** What the service is told, by what calls. */
const FIELDS = {
  create: [
    ...["name", "participantId", "password", "maxParticipants", "roomName", "gameType", "approval", "locked"],
    ...["listed", "seats", "sharedState", "hostGone", "ttlHours"],
    ...OF_FEATURES.flatMap(({ createFields = [] }) => createFields),
  ],
  join: ["name", "participantId", "password", "spectate", "seat"],
  list: ["gameType", "after", "limit"],
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
