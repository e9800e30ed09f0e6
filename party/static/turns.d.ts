/**
 * @template T
 * @param {string} service  its address
 * @param {(mayBeHeld: boolean) => Promise<T>} poll
 * @returns {Promise<T>}
 */
export function inTurn<T>(service: string, poll: (mayBeHeld: boolean) => Promise<T>): Promise<T>;
