/** Why there is no connection to somebody, and what helps, in words. */

/** @typedef {import("../party.js").Party} Party */
/** @typedef {Party["participants"][number]} Member */
/** @typedef {NonNullable<Member["reason"]>} Reason */

/** @type {Record<Reason, (name: string, code?: number) => string>} */
const TEXTS = {
  "no-candidates": (name) => `No path to ${name}: no address to connect by was found. This needs a TURN server.`,
  "no-answer": (name) => `${name}'s page has not answered yet. Perhaps it is closed, or has no network.`,
  "ice-failed": (name) => `No path to ${name}: this needs a TURN server.`,
  "turn-refused": (name, code) =>
    `No path to ${name}: the TURN server refuses this page${code ? ` (${code})` : ""}. Its secret must be the service's.`,
  "not-supported": (name) => `No path to ${name}: one of the two browsers has no WebRTC. Another browser helps.`,
  sleeping: (name) => `${name}'s page sleeps. It goes on when ${name} looks at it again.`,
};

/** @type {Map<string, number>} by participant: with what a TURN server has refused */
const codes = new Map();

/** @param {{peerId: string, code?: number}} news  of the event `peer` */
export function noteCode({ peerId, code }) {
  if (code) codes.set(peerId, code);
}

/** @param {Member} member */
export function whyNotConnected({ id, name, state, reason }) {
  return reason && state !== "open" ? TEXTS[reason](name, codes.get(id)) : "";
}
