/**
 * @param {string|undefined} json
 * @returns {RequestBody}
 */
export function plain(json: string | undefined): RequestBody;
/**
 * @param {string} json
 * @returns {RequestBody}
 */
export function encoded(json: string): RequestBody;
export type RequestBody = {
    headers: Record<string, string>;
    content?: string;
};
