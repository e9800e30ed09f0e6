/**
 * Check the options of a call, and tell apart what the service is told from what the page keeps to itself.
 *
 * @template {PageOptions} T
 * @param {keyof FIELDS} call
 * @param {T} options
 * @returns {{fields: Omit<T, keyof PageOptions>, page: PageOptions}}
 * @throws {TypeError}
 */
export function checked<T extends PageOptions>(call: "join" | "resume" | "create" | "preview", options: T): {
    fields: Omit<T, keyof PageOptions>;
    page: PageOptions;
};
export type PageOptions = import("./party.js").PageOptions;
