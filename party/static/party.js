/**
 * Party: browsers find each other by a room code and open WebRTC data channels, with nothing between
 * them but HTTP polling.
 *
 *     import { Party } from "https://example.org/party/static/party.js";
 *
 *     const party = await Party.create({ name: "Ada" });          // party.code is for the others
 *     const party = await Party.join("K7MPQ2", { name: "Ben" });  // in another browser
 *
 *     party.addEventListener("message", ({ detail }) => console.log(detail.peerId, detail.data));
 *     party.broadcast("hello");
 *
 * How it is made: a `Party` shows apps a `Membership` (client/membership.js), which knows the Room (room.js), has
 * one `PollLoop` that carries all signals (polling.js, over member-api.js; answers.js takes what it brings), and for
 * each other participant a `Peer` (peers.js, peer.js), which keeps a `Connection` to it (connection.js). Whoever
 * enters begins the connections to those who are there. A party's own methods are in exchange.js and room-calls.js;
 * what can be left out, features.js lists.
 */

import { Api, ApiError } from "./client/api.js";
import { deviceId } from "./client/device.js";
import { comeBack, enterAnew } from "./client/entering.js";
import { Exchange } from "./client/exchange.js";
import * as features from "./client/features.js";
import { codeFrom } from "./client/input.js";
import { Membership } from "./client/membership.js";
import { checked } from "./client/options.js";
import { randomText } from "./client/random.js";
import { RoomCalls } from "./client/room-calls.js";
import { retrying, unlessAborted } from "./client/timing.js";
import { withMethods } from "./client/traits.js";

export { ApiError };

/** Where this module came from. In a classic script `import.meta` is empty, but the script is known. */
const OWN_ADDRESS =
  import.meta.url ?? /** @type {HTMLScriptElement|null|undefined} */ (globalThis.document?.currentScript)?.src;

/** @typedef {import("./client/contract.js").AnswerResult} AnswerResult */
/** @typedef {import("./client/contract.js").ChatMessage} ChatMessage */
/** @typedef {import("./client/contract.js").Drawing} Drawing */
/** @typedef {import("./client/contract.js").Emoji} Emoji */
/** @typedef {import("./client/contract.js").Participant} Participant */
/** @typedef {import("./client/contract.js").Room} Room */
/** @typedef {import("./client/contract.js").JoinRequest} JoinRequest */
/** @typedef {import("./client/contract.js").Role} Role */
/** @typedef {import("./client/contract.js").RoomList} RoomList */
/** @typedef {import("./client/contract.js").RoomPreview} RoomPreview */
/** @typedef {import("./client/contract.js").RoomSettings} RoomSettings */
/** @typedef {import("./client/contract.js").SharedState} SharedState */
/** @typedef {import("./client/contract.js").Standing} Standing */
/** @typedef {import("./client/contract.js").StateChange} StateChange */
/** @typedef {import("./client/events.js").PartyEvents} PartyEvents */
/**
 * @template {keyof PartyEvents} Type
 * @typedef {import("./client/events.js").PartyListener<Type>} PartyListener
 */
/** @typedef {import("./client/standing.js").PeerState} PeerState */
/** @typedef {import("./client/trace.js").TraceRecord} TraceRecord */
/** @typedef {import("./client/reasons.js").Reason} Reason */
/** @typedef {Participant & {isYou: boolean, state: PeerState|null, reason: Reason|null}} Member */
/** @typedef {import("./client/options.js").PageOptions} PageOptions */
/** @typedef {import("./client/options.js").CreateOptions} CreateOptions */
/** @typedef {import("./client/options.js").JoinOptions} JoinOptions */
/** @typedef {import("./client/options.js").ListOptions} ListOptions */

/**
 * A room that this page is in. Its events are `CustomEvent`s, with the details of `PartyEvents` (events.js).
 */
export class Party extends withMethods(EventTarget, { Exchange, RoomCalls, ...features }) {
  /**
   * Open a room, as its host.
   *
   * @param {CreateOptions} options
   * @returns {Promise<Party>} rejects with an `ApiError`, a `TypeError` for options that there are not, or the
   *   reason of `signal`
   */
  static async create(options) {
    const { fields, page } = checked("create", options);
    const { name: hostName, participantId: hostId, roomName: name, ...others } = fields;
    const body = { hostName, hostId, name, ...others, deviceId: deviceId(), retryKey: randomText(32) };
    return enterAnew(serviceUrl(page), page, (api) => api.createRoom(body), (entered) => new Party(entered));
  }

  /**
   * Join a room. Where its host approves who comes, the party is in the phase "waiting" at first: `approved` or
   * `rejected` tells how it goes on.
   *
   * @param {string} code  as people type it: in any case of letters, with spaces or dashes, or as a link
   * @param {JoinOptions} options
   * @returns {Promise<Party>} rejects as that of `create`
   */
  static async join(code, options) {
    const { fields, page } = checked("join", options);
    const body = { ...fields, deviceId: deviceId(), retryKey: randomText(32) };
    const take = async (/** @type {Api} */ api) => api.joinRoom(typedCode(code), body);
    return enterAnew(serviceUrl(page), page, take, (entered) => new Party(entered));
  }

  /**
   * Look at a room before joining it.
   *
   * @param {string} code  as in `join`
   * @param {Pick<PageOptions, "baseUrl"|"signal">} [options]
   * @returns {Promise<RoomPreview>} rejects as that of `create`
   */
  static async preview(code, options = {}) {
    const { page } = checked("preview", options);
    const api = new Api(serviceUrl(page));
    return unlessAborted(page.signal, () => retrying(async () => api.preview(typedCode(code)), 2));
  }

  /**
   * The rooms whose hosts want them to be found and that can be joined, newest first.
   *
   * @param {ListOptions} [options]
   * @returns {Promise<RoomList>} rejects as that of `create`
   */
  static async list(options = {}) {
    const { fields, page } = checked("list", options);
    const api = new Api(serviceUrl(page));
    return unlessAborted(page.signal, () => retrying(() => api.list(fields), 2));
  }

  /**
   * Come back to the room that this page was in before it was reloaded: same participant, new connections.
   *
   * @param {PageOptions} [options]
   * @returns {Promise<Party|null>} null where there was none, it is over, or another page of this browser (one
   *   that opened this one, say) is in it; rejects with an `ApiError` while the service cannot be reached
   */
  static async resume(options = {}) {
    const { page } = checked("resume", options);
    return comeBack(serviceUrl(page), page, (entered) => new Party(entered));
  }

  #membership;

  /**
   * Use `Party.create`, `Party.join` or `Party.resume`.
   *
   * @param {import("./client/membership.js").Entered} entered
   */
  constructor(entered) {
    super();
    this.#membership = new Membership(this, entered, Object.values(features));
  }

  /**
   * As of any `EventTarget`, but with the events' names and details known to the types.
   *
   * @template {keyof PartyEvents} Type
   * @param {Type} type
   * @param {PartyListener<Type>|null} listener
   * @param {boolean|AddEventListenerOptions} [options]
   */
  addEventListener(type, listener, options) {
    super.addEventListener(type, /** @type {EventListenerOrEventListenerObject|null} */ (listener), options);
  }

  /**
   * @template {keyof PartyEvents} Type
   * @param {Type} type
   * @param {PartyListener<Type>|null} listener
   * @param {boolean|EventListenerOptions} [options]
   */
  removeEventListener(type, listener, options) {
    super.removeEventListener(type, /** @type {EventListenerOrEventListenerObject|null} */ (listener), options);
  }

  /** The room's code, which others join by. */
  get code() {
    return this.#membership.room.code;
  }

  /** The own participant's id. */
  get id() {
    return this.#membership.room.you.id;
  }

  get isHost() {
    return this.#membership.room.you.role === "host";
  }

  /** @returns {Role} "guest" while this page waits to be let in */
  get role() {
    return this.#membership.room.you.role;
  }

  /** @returns {"waiting"|"joined"|"ended"} whether the host has yet to let this page in */
  get phase() {
    if (this.#membership.hasEnded) return "ended";
    return this.#membership.isWaiting ? "waiting" : "joined";
  }

  /** @returns {JoinRequest[]} who waits to be let in, in order of asking, as far as it is for this page to see */
  get requests() {
    return this.#membership.room.requests ?? [];
  }

  /** @returns {RoomSettings} as `setSettings` changes them */
  get settings() {
    return this.#membership.room.settings;
  }

  /** @returns {Room} the room as far as this page knows; while it waits, what a preview has, and nobody in it */
  get room() {
    return this.#membership.publicRoom;
  }

  /**
   * Everybody in the room, oneself included, in order of joining.
   *
   * @returns {Member[]} `state` is that of the connection, null where there is none to be; `reason` why it is not open,
   *   as far as that is known; `presence` whether the
   *   service hears of the participant
   */
  get participants() {
    return this.#membership.participants;
  }

  /** @returns {TraceRecord[]} what has happened recently, for diagnosis */
  get trace() {
    return this.#membership.trace.records;
  }

  /**
   * Leave the room. When the host leaves, it ends, or another one becomes the host. Resolves once the others can see
   * it. Where the service cannot be told, it rejects, and the page has left all the same: the service is told as soon
   * as it can be reached, if the page is still there.
   */
  async leave() {
    await this.#membership.leave();
  }

  /** End the room for everybody, as its host. */
  async end() {
    await this.#membership.end();
  }
}

/**
 * Where the service is mounted, as an absolute address with a slash at its end.
 *
 * @param {PageOptions} page
 */
function serviceUrl({ baseUrl }) {
  // This module lies in the service's folder for static files: the service itself is one level up.
  const given = baseUrl ?? (OWN_ADDRESS && new URL("../", OWN_ADDRESS));
  const url = given && new URL(given, globalThis.document?.baseURI);
  if (!url || !/^https?:$/.test(url.protocol)) throw new TypeError('"baseUrl" has to say where the service is.');
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** @param {string} text */
function typedCode(text) {
  if (typeof text !== "string") throw new TypeError("A room code is a text.");
  const code = codeFrom(text);
  // Without a code, the address would be that of another call.
  if (!code) throw new ApiError({ code: "ROOM_NOT_FOUND", message: "That is no room code.", status: 404 });
  return code;
}
