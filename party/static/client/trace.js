/** What has happened recently, for the eyes of developers. */

/** @typedef {import("./api.js").RequestRecord} RequestRecord */
/** @typedef {import("./contract.js").StreamMessage} StreamMessage */
/** @typedef {import("./standing.js").PeerState} PeerState */
/** @typedef {import("./standing.js").Why} Why */

/**
 * @typedef {{kind: "request"} & RequestRecord
 *   | {kind: "sent", type: string, peerId: string, payload: object}
 *   | {kind: "received", message: StreamMessage}
 *   | {kind: "candidate-error", peerId: string, url: string, errorCode: number, errorText: string}
 *   | ({kind: "state", peerId: string, state: PeerState} & Why)} TraceEntry
 *
 * @typedef {TraceEntry & {at: number}} TraceRecord  `at` in ms, as `performance.now()` counts
 */

const KEPT_RECORDS = 500;

export class Trace {
  /** @type {TraceRecord[]} the latest */
  #records = [];
  /** @type {(record: TraceRecord) => void} told of every record */
  onRecord = () => {};

  get records() {
    return [...this.#records];
  }

  /** @param {TraceEntry} entry */
  add(entry) {
    const record = { at: performance.now(), ...entry };
    this.#records.push(record);
    if (this.#records.length > KEPT_RECORDS) this.#records.shift();
    this.onRecord(record);
  }
}
