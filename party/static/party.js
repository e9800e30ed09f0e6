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
 * one `PollLoop` that carries all signals (polling.js, over member-api.js), and for each other participant a
 * `Peer` (peers.js, peer.js), which keeps a `Connection` to it (connection.js). Whoever enters begins the
 * connections to those who are there. What can be left out, features.js lists.
 */

import { Api, ApiError } from "./client/api.js";
import { comeBack, enterAnew } from "./client/entering.js";
import * as features from "./client/features.js";
import { codeFrom } from "./client/input.js";
import { Membership, membershipOf } from "./client/membership.js";
import { checked } from "./client/options.js";
import { pack } from "./client/pipe.js";
import { randomText } from "./client/random.js";
import { retrying, retryingChange, unlessAborted } from "./client/timing.js";
import { withMethods } from "./client/traits.js";

export { ApiError };

/** Where this module came from. In a classic script `import.meta` is empty, but the script is known. */
const OWN_ADDRESS =
  import.meta.url ?? /** @type {HTMLScriptElement|null|undefined} */ (globalThis.document?.currentScript)?.src;

/** @typedef {import("./client/contract.js").AnswerResult} AnswerResult */
/** @typedef {import("./client/contract.js").Participant} Participant */
/** @typedef {import("./client/contract.js").Room} Room */
/** @typedef {import("./client/contract.js").RoomPreview} RoomPreview */
/** @typedef {import("./client/contract.js").Standing} Standing */
/** @typedef {import("./client/events.js").PartyEvents} PartyEvents */
/**
 * @template {keyof PartyEvents} Type
 * @typedef {import("./client/events.js").PartyListener<Type>} PartyListener
 */
/** @typedef {import("./client/peer.js").PeerState} PeerState */
/** @typedef {import("./client/trace.js").TraceRecord} TraceRecord */
/** @typedef {Participant & {isYou: boolean, state: PeerState|null}} Member */

/**
 * @typedef {object} PageOptions  what a page decides for itself
 * @property {string|URL} [baseUrl]  where the service is, unless this module came from it; may be relative
 *   to the page
 * @property {"mesh"|"star"} [topology]  everybody with everybody (the default), or only with the host;
 *   the same for all pages of a room
 * @property {Storage|null} [storage]  where `resume` finds the seat after a reload: sessionStorage, unless
 *   given; null to keep it nowhere
 * @property {boolean} [leaveOnClose]  leave the room when the page is closed, left or reloaded, rather than
 *   come back with `resume`
 * @property {number} [maxMessageBytes]  what is sent to this page in one piece and is larger is dropped, with an
 *   event: 256 MiB, unless given
 * @property {AbortSignal} [signal]  gives up entering; it has no effect afterwards. A seat that may have been
 *   taken by then is left
 */

/**
 * @typedef {object} CreateFields
 * @property {string} name  1 to 50 characters
 * @property {string} [participantId]  one's own id, if the app has one
 * @property {string} [password]  that others will need
 * @property {number} [maxParticipants]  the host included
 * @property {Record<string, any>} [quizData]
 * @property {number} [secondsPerQuestion]
 *
 * @typedef {CreateFields & PageOptions} CreateOptions
 */

/**
 * @typedef {object} JoinFields
 * @property {string} name  1 to 50 characters
 * @property {string} [participantId]  one's own id, if the app has one
 * @property {string} [password]
 *
 * @typedef {JoinFields & PageOptions} JoinOptions
 */

/**
 * A room that this page is in. Its events are `CustomEvent`s, with the details of `PartyEvents` (events.js).
 */
export class Party extends withMethods(EventTarget, features) {
  /**
   * Open a room, as its host.
   *
   * @param {CreateOptions} options
   * @returns {Promise<Party>} rejects with an `ApiError`, a `TypeError` for options that there are not, or the
   *   reason of `signal`
   */
  static async create(options) {
    const { fields, page } = checked("create", options);
    const { name, participantId, ...others } = fields;
    const body = { hostName: name, hostId: participantId, ...others, retryKey: randomText(32) };
    return enterAnew(serviceUrl(page), page, (api) => api.createRoom(body), (entered) => new Party(entered));
  }

  /**
   * Join a room as a guest.
   *
   * @param {string} code  as people type it: in any case of letters, with spaces or dashes, or as a link
   * @param {JoinOptions} options
   * @returns {Promise<Party>} rejects as that of `create`
   */
  static async join(code, options) {
    const { fields, page } = checked("join", options);
    const body = { ...fields, retryKey: randomText(32) };
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

  /** @returns {Room} the room as far as this page knows */
  get room() {
    return this.#membership.publicRoom;
  }

  /**
   * Everybody in the room, oneself included, in order of joining.
   *
   * @returns {Member[]} `state` is that of the connection, null where there is none to be. `online` is as it
   *   was when this page entered or that participant came: the service sends no news of it
   */
  get participants() {
    return this.#membership.participants;
  }

  /** @returns {TraceRecord[]} what has happened recently, for diagnosis */
  get trace() {
    return this.#membership.trace.records;
  }

  /**
   * Send data to one participant: in order, and up to 256 MiB in one piece.
   *
   * @param {string} peerId
   * @param {string|ArrayBuffer|ArrayBufferView} data
   * @returns {boolean} false: there is no open channel to it, and nothing was sent
   * @throws {TypeError} for anything but such data
   * @throws {RangeError} for more of it
   */
  send(peerId, data) {
    const packed = pack(data);
    return this.#membership.peers.get(peerId)?.send(packed) ?? false;
  }

  /**
   * Send data to everybody, as `send` does.
   *
   * @param {string|ArrayBuffer|ArrayBufferView} data
   * @returns {number} how many have an open channel and so are sent it
   */
  broadcast(data) {
    const packed = pack(data);
    return [...this.#membership.peers].filter((peer) => peer.send(packed)).length;
  }

  /**
   * Send a media track to everybody, and to whoever comes later. One that is sent already stays as it is.
   *
   * @param {MediaStreamTrack} track
   * @param {MediaStream} stream  groups tracks that belong together
   */
  addTrack(track, stream) {
    this.#membership.peers.addTrack(track, stream);
  }

  /**
   * Stop sending a media track.
   *
   * @param {MediaStreamTrack} track
   */
  removeTrack(track) {
    this.#membership.peers.removeTrack(track);
  }

  /**
   * Begin the connection to a participant anew. Failed connections do so by themselves.
   *
   * @param {string} peerId
   */
  reconnect(peerId) {
    this.#membership.peers.get(peerId)?.start();
  }

  /**
   * Remove a participant, as the host.
   *
   * @param {string} participantId
   */
  async remove(participantId) {
    await retryingChange(() => this.#membership.api.remove(participantId), "PEER_NOT_FOUND");
  }

  /**
   * Leave the room. When the host leaves, it ends. Resolves once the others can see it. Where the service
   * cannot be told, it rejects, and the page has left all the same: the service is told as soon as it can be
   * reached, if the page is still there.
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
