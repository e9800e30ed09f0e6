/**
 * The `data` of an answer. Throws an `ApiError`.
 *
 * @param {number} status
 * @param {string} text
 * @param {string|null} [retryAfter]  the header
 */
export function unwrap(status: number, text: string, retryAfter?: string | null): any;
/**
 * The failure that an answer is which is not the service's.
 *
 * @param {number} status
 * @param {string|null} [retryAfter]  the header
 */
export function foreign(status: number, retryAfter?: string | null): ApiError;
/** A call that failed. */
export class ApiError extends Error {
    /**
     * @param {object} failure
     * @param {string} failure.code  the contract's; "NETWORK": no answer; "BLOCKED": somebody in between (a
     *   firewall, a captive portal) has answered in place of the service; "BAD_ANSWER": a proxy says that the
     *   service is away; "NO_WEBRTC": this browser cannot connect to others; "CLIENT_ERROR": a fault of the
     *   client's own
     * @param {string} failure.message  for people
     * @param {number} failure.status  of the answer; 0 where none came
     * @param {string} [failure.field]  the field that was wrong
     * @param {number} [failure.retryAfterMs]  how long the service wants to be left alone
     */
    constructor({ code, message, status, field, retryAfterMs }: {
        code: string;
        message: string;
        status: number;
        field?: string;
        retryAfterMs?: number;
    });
    code: string;
    status: number;
    field: string;
    retryAfterMs: number;
    /** Whether nothing is wrong with the request itself: the network, the service or its database failed. */
    get isOutage(): boolean;
    /** Whether the same call may succeed later. */
    get isTemporary(): boolean;
    /** Whether somebody in between has answered: that says nothing about the room or the seat. */
    get isBlocked(): boolean;
}
