/** Classes that are put together. */

/**
 * @template Union
 * @typedef {(Union extends any ? (each: Union) => void : never) extends (all: infer All) => void ? All : never} All
 */

/**
 * A class that has the methods of others, too. Of those only the methods count: they are never made.
 *
 * @template {Record<string, new () => object>} Traits
 * @param {typeof EventTarget} Base
 * @param {Traits} traits
 * @returns {new () => EventTarget & All<InstanceType<Traits[keyof Traits]>>}
 */
export function withMethods(Base, traits) {
  class Whole extends Base {}
  for (const { prototype } of Object.values(traits)) {
    const { constructor, ...methods } = Object.getOwnPropertyDescriptors(prototype);
    Object.defineProperties(Whole.prototype, /** @type {PropertyDescriptorMap} */ (methods));
  }
  return /** @type {any} */ (Whole);
}
