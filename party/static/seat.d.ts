/** The seat that a tab has in a room, kept through reloads. */
/** @typedef {import("./api.js").Seat} Seat */
export class SeatKeeper {
    /**
     * @param {URL} baseUrl  one tab may have a seat at each of several services
     * @param {Storage|null} [storage]  sessionStorage unless given: it lives as long as the tab
     */
    constructor(baseUrl: URL, storage?: Storage | null);
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
