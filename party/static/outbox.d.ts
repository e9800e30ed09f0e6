/**
 * @typedef {object} GatherTimes  how long a signal waits for others to travel with
 * @property {number} longestMs
 * @property {number} quietMs  after a candidate: if no other follows within this time, none will soon
 */
export class Outbox {
    /**
     * @param {() => GatherTimes} gatherTimes
     * @param {() => void} onDue  called when there is a batch to send
     */
    constructor(gatherTimes: () => GatherTimes, onDue: () => void);
    /** Whether there will be a batch to send in a moment. */
    get isGathering(): boolean;
    /** Whether there is a batch to send. */
    get isDue(): boolean;
    /**
     * @param {string} toId
     * @param {OutgoingSignal["type"]} type
     * @param {Record<string, any>} payload  is copied; throws a `TypeError` if JSON cannot express it
     * @returns {string} the `clientMsgId` under which it is sent
     */
    post(toId: string, type: OutgoingSignal["type"], payload: Record<string, any>): string;
    /** Whether a batch was refused, and which of its signals is to blame is being found out. */
    get isDividing(): boolean;
    /** @returns {OutgoingSignal[]} what to send now; it stays here until it is `sent` or `refused` */
    batch(): OutgoingSignal[];
    /**
     * @returns {OutgoingSignal[]} what is not `sent` yet, still gathering or not: as much of it as the browser
     *   still takes when the page goes
     */
    lastBatch(): OutgoingSignal[];
    /** @param {OutgoingSignal[]} batch  need not be sent any more */
    sent(batch: OutgoingSignal[]): void;
    /**
     * The service takes all of a batch or nothing of it, so one signal is refused together with those to
     * others. The next batches are parts of this one, until it is alone.
     *
     * @param {OutgoingSignal[]} batch
     * @returns {OutgoingSignal[]} what was refused alone, and is dropped
     */
    refused(batch: OutgoingSignal[]): OutgoingSignal[];
    /**
     * The mailbox of somebody in this batch is full. Those to others need not wait for it.
     *
     * @param {OutgoingSignal[]} batch
     * @returns {boolean} whether there is another batch that may do better now
     */
    passOver(batch: OutgoingSignal[]): boolean;
    /** @param {string} toId  whose signals are of no use any more */
    discard(toId: string): void;
    #private;
}
export type OutgoingSignal = import("./api.js").OutgoingSignal;
/**
 * how long a signal waits for others to travel with
 */
export type GatherTimes = {
    longestMs: number;
    /**
     * after a candidate: if no other follows within this time, none will soon
     */
    quietMs: number;
};
