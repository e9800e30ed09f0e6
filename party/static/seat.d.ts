/** @typedef {import("./api.js").Seat} Seat */
export class SeatKeeper {
    /**
     * @param {URL} baseUrl  one tab may have a seat at each of several services
     * @param {Storage|null} [storage]  sessionStorage unless given: it lives as long as the tab
     */
    constructor(baseUrl: URL, storage?: Storage | null);
    /**
     * Claim a seat for this page, until it is released or the page is gone.
     *
     * @param {Pick<Seat, "code"|"id">} seat
     * @returns {Promise<boolean>} false: another page of this browser has it. Where browsers know no locks
     *   (Safari before 15.4, pages without HTTPS), every claim is good
     */
    claim({ code, id }: Pick<Seat, "code" | "id">): Promise<boolean>;
    /** Give the claim up, if there is one. */
    release(): void;
    /** @param {Seat} seat */
    save(seat: Seat): void;
    /** @returns {Seat|null} */
    load(): Seat | null;
    /**
     * A seat is given up. If another one has been taken meanwhile, that one stays.
     *
     * @param {Seat} seat
     */
    forget(seat: Seat): void;
    #private;
}
export type Seat = import("./api.js").Seat;
