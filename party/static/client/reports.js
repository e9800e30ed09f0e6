/** How connections went, told to the service once for each peer, as a feature: with requests that are made anyway. */

import { toBase64url } from "./base64.js";

/** @typedef {import("./peer.js").Peer} Peer */
/** @typedef {import("./reasons.js").Reason} Reason */

/**
 * @typedef {object} Report  as the contract has it
 * @property {string} peerId
 * @property {"open"|"relayed"|"failed"|"gave-up"} outcome
 * @property {Reason} [reason]
 * @property {number} [ms]
 * @property {string} [local]
 * @property {string} [remote]
 * @property {string} [protocol]
 * @property {number} [restarts]
 */

/** A poll takes 1 KiB in its header. */
const AT_ONCE = 5;
const LONGEST_MS = 600_000;
const MOST_RESTARTS = 1_000;

/** What a party tells of its connections: it adds no methods. */
export class Reports {
  /** @type {import("./options.js").Checks} */
  static pageOptions = { reports: ["true or false", (value) => typeof value === "boolean"] };

  /**
   * @param {import("./membership.js").Membership} membership
   * @returns {import("./answers.js").Follower}
   */
  static follow(membership) {
    if (membership.page.reports === false) return {};
    /** @type {Report[]} */
    const due = [];
    /** Of which participants has been told. */
    const told = new Set();
    membership.enclose({
      take(isLast) {
        if (isLast) for (const peer of membership.peers) tell(peer, "gave-up");
        return encoded(due.splice(0, AT_ONCE));
      },
      putBack: (reports) => due.unshift(...reports),
    });
    /**
     * @param {Peer} peer
     * @param {Report["outcome"]} outcome
     */
    async function tell(peer, outcome) {
      const { joinedAt } = membership.room.participants.find(({ id }) => id === peer.id) ?? {};
      const who = `${peer.id} ${joinedAt}`;
      if (told.has(who)) return;
      told.add(who);
      const ms = Math.min(LONGEST_MS, Math.round(performance.now() - peer.beganAt));
      const restarts = Math.min(MOST_RESTARTS, peer.restarts);
      /** @type {Report} */
      const report = { peerId: peer.id, outcome, ms, restarts, ...(peer.reason && { reason: peer.reason }) };
      if (outcome !== "open") return void due.push(report);
      due.push({ ...report, ...(await peer.path()) });
    }
    return {
      onPeer(peer) {
        const { state } = peer;
        if (state === "open" || state === "relayed" || state === "failed") tell(peer, state);
      },
    };
  }
}

/** @param {Report[]} reports */
function encoded(reports) {
  if (reports.length === 0) return null;
  const header = toBase64url(JSON.stringify(reports));
  return { reports, fields: { reports }, headers: { "X-Party-Report": header } };
}
