/** Shared state, as a feature: keys of the room and of its members, of which the last value counts. */

import { membershipOf } from "./membership.js";
import { inItsTurn } from "./timing.js";

/** @typedef {import("./contract.js").SharedState} SharedState */
/** @typedef {import("./contract.js").StateChange} StateChange */
/** @typedef {import("./membership.js").Membership} Membership */

/**
 * @typedef {object} StateOptions
 * @property {"room"|"me"} [scope]  whose keys: the room's, unless given, or one's own
 * @property {"all"|"players"|"host"|string[]} [visibleTo]  who sees the values: all, unless given; or ids
 * @property {number} [ttlSeconds]  1 to 3,600: the values vanish by themselves
 * @property {Record<string, number>} [ifSeq]  only if each of these keys still has that `seq` (0: does not exist);
 *   else STATE_MOVED, and nothing changes
 */

/**
 * @typedef {object} StateEvents
 * @property {{state: SharedState, changes: StateChange[]}} state  values have changed, come or gone
 * @property {{participantIds: string[]}} typing  who else is typing now, where that has changed
 */

/** Between two requests; what is written meanwhile goes together, of each key the last value. */
const EVERY_MS = 100;
const TYPING_SECONDS = 6;
/** Who goes on typing says so again. */
const TYPING_AGAIN_MS = 3_000;
/** @type {SharedState} */
const NOTHING = { room: {}, members: {} };

/** @type {WeakMap<Membership, Writer>} */
const writers = new WeakMap();

/** What a party can share. */
export class State {
  /** @returns {SharedState} what this page may see: `{room: {key: {value, seq}}, members: {id: {key: …}}}` */
  get state() {
    return membershipOf(this).room.state ?? NOTHING;
  }

  /**
   * Set keys; those whose value is `undefined` are removed. What is set within a tenth of a second goes in one
   * request, of each key the last value.
   *
   * @param {Record<string, any>} values  anything that JSON can express, up to 8 KiB each
   * @param {StateOptions} [options]
   * @returns {Promise<number>} the number under which they, or later values of theirs, were stored
   * @throws {TypeError} for what JSON cannot express
   */
  async setState(values, options = {}) {
    return writerOf(this).write(values, options);
  }

  /**
   * Tell the others that this participant is typing, or does no more: by itself after six seconds.
   *
   * @param {boolean} isTyping  may be said with each key that is pressed
   */
  typing(isTyping) {
    writerOf(this).type(isTyping);
  }

  /**
   * @param {Membership} membership
   * @returns {import("./answers.js").Follower}
   */
  static follow(membership) {
    const writer = new Writer(membership);
    writers.set(membership, writer);
    return {
      onAnswer({ room, state }) {
        if (room || state) writer.take(state ?? []);
      },
    };
  }
}

/** @param {object} party */
function writerOf(party) {
  return /** @type {Writer} */ (writers.get(membershipOf(party)));
}

/**
 * @typedef {object} Batch  what goes in one request
 * @property {StateOptions} options
 * @property {Map<string, any>} values  undefined: to be removed
 * @property {{resolve: (seq: number) => void, reject: (reason: unknown) => void}[]} waiting  who wants to know
 */

/** What a page has written and read. */
class Writer {
  #membership;
  /** @type {Batch[]} */
  #batches = [];
  #isSending = false;
  #sentAt = -Infinity;
  #typedAt = -Infinity;
  /** What apps have been told. */
  #told;
  #typists = "";
  /** @type {Map<string, number>} the numbers with which this page has removed keys */
  #gone = new Map();

  /** @param {Membership} membership */
  constructor(membership) {
    this.#membership = membership;
    this.#told = membership.room.state ?? NOTHING;
    this.#typists = this.#typing().join(" ");
  }

  /**
   * @param {Record<string, any>} values
   * @param {StateOptions} options
   * @returns {Promise<number>}
   */
  write(values, options) {
    const copies = Object.entries(values).map(([key, value]) => /** @type {const} */ ([key, copyOf(key, value)]));
    const batch = this.#batchFor(options, Object.keys(values));
    for (const [key, value] of copies) batch.values.set(key, value);
    this.#send();
    return new Promise((resolve, reject) => batch.waiting.push({ resolve, reject }));
  }

  /** @param {boolean} isTyping */
  type(isTyping) {
    const now = performance.now();
    if (isTyping ? now < this.#typedAt + TYPING_AGAIN_MS : this.#typedAt === -Infinity) return;
    this.#typedAt = isTyping ? now : -Infinity;
    const options = { scope: /** @type {const} */ ("me"), ...(isTyping ? { ttlSeconds: TYPING_SECONDS } : {}) };
    this.write({ typing: isTyping || undefined }, options).catch(() => {}); // nothing depends on it
  }

  /**
   * Take what a poll has brought, whose Room has been taken already, and tell apps what is new.
   *
   * @param {StateChange[]} changes
   */
  take(changes) {
    let state = this.#membership.room.state ?? NOTHING;
    for (const change of changes) if (change.seq > (this.#gone.get(idOf(change)) ?? 0)) state = after(state, change);
    this.#membership.room = { ...this.#membership.room, state };
    const told = differences(this.#told, state);
    this.#told = state;
    if (told.length > 0) this.#membership.dispatch("state", { state, changes: told });
    const participantIds = this.#typing();
    if (participantIds.join(" ") === this.#typists) return;
    this.#typists = participantIds.join(" ");
    this.#membership.dispatch("typing", { participantIds });
  }

  #typing() {
    const { state = NOTHING, you } = this.#membership.room;
    return Object.keys(state.members).filter((id) => id !== you.id && state.members[id].typing?.value === true);
  }

  /**
   * The batch that these keys go in. What waits of their older values need not be sent any more; but nothing is moved
   * past a write that depends on what is there.
   *
   * @param {StateOptions} options
   * @param {string[]} keys
   */
  #batchFor(options, keys) {
    /** @type {Batch} */
    const batch = { options, values: new Map(), waiting: [] };
    if (!options.ifSeq) this.#drop(keys, batch);
    const last = this.#batches[this.#batches.length - 1];
    if (last && !options.ifSeq && JSON.stringify(last.options) === JSON.stringify(options)) {
      last.waiting.push(...batch.waiting);
      return last;
    }
    this.#batches.push(batch);
    return batch;
  }

  /**
   * @param {string[]} keys  whose older values need not be sent any more
   * @param {Batch} batch  of the new ones
   */
  #drop(keys, { options, waiting }) {
    const fixed = this.#batches.map((each) => Boolean(each.options.ifSeq)).lastIndexOf(true) + 1;
    for (const older of this.#batches.slice(fixed)) {
      if (older.options.scope !== options.scope) continue;
      for (const key of keys) older.values.delete(key);
      if (older.values.size === 0) waiting.push(...older.waiting);
    }
    this.#batches = this.#batches.filter(({ values }) => values.size > 0);
  }

  async #send() {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#batches.length > 0) {
      const delayMs = Math.max(0, this.#sentAt + EVERY_MS - performance.now());
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      const batch = /** @type {Batch} */ (this.#batches.shift());
      this.#sentAt = performance.now();
      await this.#sendOne(batch);
    }
    this.#isSending = false;
  }

  /** @param {Batch} batch */
  async #sendOne({ options, values, waiting }) {
    const isSet = (/** @type {[string, any]} */ [, value]) => value !== undefined;
    const set = Object.fromEntries([...values].filter(isSet));
    const remove = [...values.keys()].filter((key) => values.get(key) === undefined);
    try {
      const { seq } = await inItsTurn(() => this.#membership.api.post("state", { ...options, set, remove }));
      this.#takeOwn(options, values, seq);
      for (const { resolve } of waiting) resolve(seq);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }

  /**
   * What this page has stored it need not be told by a poll.
   *
   * @param {StateOptions} options
   * @param {Map<string, any>} values
   * @param {number} seq
   */
  #takeOwn({ scope = "room", visibleTo = "all" }, values, seq) {
    const { you } = this.#membership.room;
    const by = scope === "me" ? you.id : null;
    const names = { all: true, players: you.role === "player", host: false };
    const isNamed = Array.isArray(visibleTo) ? visibleTo.includes(you.id) : names[visibleTo];
    const isSeen = by !== null || you.role === "host" || isNamed;
    /** @type {StateChange[]} */
    const changes = [...values].map(([key, value]) =>
      value === undefined || !isSeen ? { scope, by, key, removed: true, seq } : { scope, by, key, value, seq },
    );
    this.take(changes);
    for (const change of changes) if (change.removed) this.#gone.set(idOf(change), seq);
  }
}

/**
 * @param {string} key
 * @param {any} value
 */
function copyOf(key, value) {
  if (value === undefined) return undefined;
  const json = JSON.stringify(value);
  if (json === undefined) throw new TypeError(`JSON cannot express the value of "${key}".`);
  return JSON.parse(json);
}

/** @param {Pick<StateChange, "by"|"key">} change */
function idOf({ by, key }) {
  return `${by ?? ""} ${key}`;
}

/**
 * What a change makes of the state, unless something newer is known already.
 *
 * @param {SharedState} state
 * @param {StateChange} change
 * @returns {SharedState}
 */
function after(state, { by, key, value, seq, removed }) {
  const { [key]: known, ...others } = (by === null ? state.room : state.members[by]) ?? {};
  if (known && known.seq >= seq) return state;
  const keys = removed ? others : { ...others, [key]: { value, seq } };
  if (by === null) return { ...state, room: keys };
  const { [by]: _, ...members } = state.members;
  return { ...state, members: Object.keys(keys).length > 0 ? { ...members, [by]: keys } : members };
}

/**
 * @param {SharedState} before
 * @param {SharedState} now
 * @returns {StateChange[]}
 */
function differences(before, now) {
  const [old, current] = [entriesOf(before), entriesOf(now)];
  const gone = [...old].filter(([id]) => !current.has(id)).map(([, { value, ...entry }]) => ({ ...entry, removed: true }));
  const news = [...current].filter(([id, { seq }]) => old.get(id)?.seq !== seq).map(([, entry]) => entry);
  return /** @type {StateChange[]} */ ([...gone, ...news]);
}

/**
 * @param {SharedState} state
 * @returns {Map<string, StateChange>}
 */
function entriesOf({ room, members }) {
  const found = new Map();
  /** @type {(scope: "room"|"me", by: string|null, keys: SharedState["room"]) => void} */
  const add = (scope, by, keys) => {
    for (const [key, entry] of Object.entries(keys)) found.set(idOf({ by, key }), { scope, by, key, ...entry });
  };
  add("room", null, room);
  for (const [id, keys] of Object.entries(members)) add("me", id, keys);
  return found;
}
