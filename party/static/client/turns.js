/**
 * Tabs of one browser take turns at having a poll held. Over HTTP/1.1 a browser opens six connections to a
 * service for all of its tabs: six polls that are held would leave none for anything else.
 */

/** So many polls of one browser are held at the same time. */
const HELD_AT_ONCE = 4;

/**
 * @template T
 * @param {string} service  its address
 * @param {(mayBeHeld: boolean) => Promise<T>} poll
 * @returns {Promise<T>}
 */
export function inTurn(service, poll) {
  let isBegun = false;
  const begin = (/** @type {boolean} */ mayBeHeld) => {
    isBegun = true;
    return poll(mayBeHeld);
  };
  // Only secure contexts have it: the others do without.
  const locks = globalThis.isSecureContext ? globalThis.navigator?.locks : undefined;
  if (!locks) return begin(true);
  /** @param {number} place  @returns {Promise<T>} */
  const tryPlace = async (place) =>
    place === HELD_AT_ONCE
      ? begin(false)
      : locks.request(`party: ${service} ${place}`, { ifAvailable: true }, (lock) =>
          lock ? begin(true) : tryPlace(place + 1),
        );
  // A page that may store nothing is refused locks, too.
  return tryPlace(0).catch((error) => {
    if (isBegun) throw error;
    return begin(true);
  });
}
