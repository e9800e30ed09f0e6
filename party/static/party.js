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
 * How it is made: `Party` knows who is in the room. It has one `PollLoop`, which carries all signals
 * (polling.js, over api.js), and for each other participant a `Peer` (peer.js), which keeps a
 * `Connection` to it (connection.js). Whoever enters begins the connections to those who are there.
 */

import { Api, ApiError, MemberApi } from "./api.js";
import { Peer } from "./peer.js";
import { PollLoop } from "./polling.js";
import { randomText } from "./random.js";
import { retrying } from "./timing.js";

export { ApiError };

/** This module lies in the service's folder for static files: the service itself is one level up. */
const DEFAULT_BASE_URL = new URL("../", import.meta.url);

/** @typedef {import("./api.js").Participant} Participant */
/** @typedef {import("./api.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./api.js").StreamMessage} StreamMessage */
/** @typedef {import("./peer.js").PeerState} PeerState */
/** @typedef {import("./peer.js").SignalPayload} SignalPayload */
/** @typedef {{type: "offer"|"answer"|"ice", fromId: string, payload: SignalPayload}} Signal */

/**
 * @typedef {object} CreateOptions
 * @property {string} name  1 to 50 characters
 * @property {string} [participantId]  one's own id, if the app has one
 * @property {string} [password]  that others will need
 * @property {number} [maxParticipants]  the host included
 * @property {string|URL} [baseUrl]  where the service is, unless this module came from it
 */

/**
 * @typedef {object} JoinOptions
 * @property {string} name  1 to 50 characters
 * @property {string} [participantId]  one's own id, if the app has one
 * @property {string} [password]
 * @property {string|URL} [baseUrl]  where the service is, unless this module came from it
 */

/**
 * A room that this page is in. Its events are `CustomEvent`s with these details:
 *
 * - `participants` `{participants}`: somebody came or went
 * - `peer` `{peerId, state}`: the connection to a participant has changed
 * - `message` `{peerId, data}`: a participant has sent something over its data channel
 * - `error` `{error}`: an `ApiError`; temporary ones are dealt with and only worth showing
 * - `recovered` `{}`: the service answers again after an error
 * - `ended` `{reason}`: "ended", "host-left" or "expired", as the service tells; "left" after `leave`;
 *   "removed" when the host has removed this participant or its seat was taken by another page
 */
export class Party extends EventTarget {
  /**
   * Open a room, as its host.
   *
   * @param {CreateOptions} options
   * @returns {Promise<Party>} rejects with an `ApiError`
   */
  static async create({ name, participantId, baseUrl = DEFAULT_BASE_URL, ...options }) {
    const api = new Api(baseUrl);
    const body = { hostName: name, hostId: participantId, ...options, retryKey: randomText(32) };
    return Party.#enter(api, await retrying(() => api.createRoom(body)));
  }

  /**
   * Join a room as a guest.
   *
   * @param {string} code  in any case of letters
   * @param {JoinOptions} options
   * @returns {Promise<Party>} rejects with an `ApiError`
   */
  static async join(code, { name, participantId, password, baseUrl = DEFAULT_BASE_URL }) {
    const api = new Api(baseUrl);
    const body = { name, participantId, password, retryKey: randomText(32) };
    return Party.#enter(api, await retrying(() => api.joinRoom(code.trim().toUpperCase(), body)));
  }

  /**
   * @param {Api} api
   * @param {RoomWithYou} room
   */
  static async #enter(api, room) {
    const memberApi = new MemberApi(api, room);
    try {
      const { iceServers } = await retrying(() => memberApi.iceServers());
      return new Party(memberApi, room, iceServers);
    } catch (error) {
      await memberApi.leave().catch(() => {}); // do not stay behind as a seat without a page
      throw error;
    }
  }

  #api;
  #room;
  #iceServers;
  #loop;
  /** @type {Map<string, Participant>} in order of joining */
  #participants = new Map();
  /** @type {Map<string, Peer>} */
  #peers = new Map();
  #hasEnded = false;
  #isTroubled = false;

  /**
   * Use `Party.create` or `Party.join`.
   *
   * @param {MemberApi} api
   * @param {RoomWithYou} room
   * @param {RTCIceServer[]} iceServers
   */
  constructor(api, room, iceServers) {
    super();
    this.#api = api;
    this.#room = room;
    this.#iceServers = iceServers;
    this.#loop = new PollLoop({
      api,
      cursor: room.seq,
      onAnswer: (answer) => this.#onAnswer(answer),
      onError: (error) => this.#onError(error),
      onStop: (error) => this.#onEnded(error.code === "ROOM_ENDED" ? "ended" : "removed"),
    });
    this.#setParticipants(room.participants);
    // Those who are here wait for whoever comes: it knows of them before they know of it.
    for (const peer of this.#peers.values()) peer.start();
    this.#loop.run();
  }

  /** The room's code, which others join by. */
  get code() {
    return this.#room.code;
  }

  /** The own participant's id. */
  get id() {
    return this.#room.you.id;
  }

  get isHost() {
    return this.#room.you.role === "host";
  }

  /**
   * Everybody in the room, oneself included, in order of joining.
   *
   * @returns {(Participant & {isYou: boolean, state: PeerState|null})[]} `state` is that of the
   *   connection, null for oneself
   */
  get participants() {
    return Array.from(this.#participants.values(), (participant) => ({
      ...participant,
      isYou: participant.id === this.id,
      state: this.#peers.get(participant.id)?.state ?? null,
    }));
  }

  /**
   * Send a text to one participant.
   *
   * @param {string} peerId
   * @param {string} text
   * @returns {boolean} false: there is no open channel to it
   */
  send(peerId, text) {
    return this.#peers.get(peerId)?.send(text) ?? false;
  }

  /**
   * Send a text to everybody.
   *
   * @param {string} text
   * @returns {number} how many have an open channel and so were sent it
   */
  broadcast(text) {
    return [...this.#peers.values()].filter((peer) => peer.send(text)).length;
  }

  /**
   * Begin the connection to a participant anew. Failed connections do so by themselves.
   *
   * @param {string} peerId
   */
  reconnect(peerId) {
    this.#peers.get(peerId)?.start();
  }

  /** Leave the room. When the host leaves, it ends. Resolves once the others can see it. */
  leave() {
    return this.#depart("left", () => this.#api.leave());
  }

  /** End the room for everybody, as its host. */
  end() {
    return this.#depart("ended", () => this.#api.end());
  }

  /**
   * @param {string} reason
   * @param {() => Promise<void>} call
   */
  async #depart(reason, call) {
    if (this.#hasEnded) return;
    this.#loop.stop();
    try {
      // The others shall learn it before they see channels close, or they would try to reconnect.
      await retrying(call, 2);
    } catch (error) {
      const isGoneAlready = error instanceof ApiError && [401, 410].includes(error.status);
      if (!isGoneAlready) throw error;
    } finally {
      this.#onEnded(reason);
    }
  }

  /** @param {import("./api.js").PollAnswer} answer */
  #onAnswer({ messages, room, gap }) {
    if (this.#isTroubled) {
      this.#isTroubled = false;
      this.#dispatch("recovered", {});
    }
    if (room) this.#startOver(room);
    for (const message of messages) {
      if (this.#hasEnded) return;
      if (isSignal(message)) this.#onSignal(message);
      else if (!room || message.seq > room.seq) this.#onEvent(message);
    }
    if (room) for (const peer of this.#peers.values()) peer.startIfIdle();
  }

  /**
   * Part of the stream was lost, so what is known of the others may be out of date, and what is not
   * connected waits for a signal that will not come.
   *
   * @param {RoomWithYou} room
   */
  #startOver(room) {
    this.#setParticipants(room.participants);
    for (const peer of this.#peers.values()) peer.abandonAttempt();
  }

  /** @param {Signal} message */
  #onSignal({ type, fromId, payload }) {
    this.#peers.get(fromId)?.receive(type, payload);
  }

  /** @param {StreamMessage} message */
  #onEvent({ type, payload }) {
    switch (type) {
      case "participant-joined":
      case "participant-rejoined":
        // A page that rejoined knows nothing of the old one's connections, and begins new ones.
        this.#forgetPeer(payload.participant.id);
        this.#addParticipant(payload.participant);
        this.#dispatch("participants", { participants: this.participants });
        break;
      case "participant-left":
      case "participant-removed":
        this.#forgetPeer(payload.participantId);
        this.#participants.delete(payload.participantId);
        this.#dispatch("participants", { participants: this.participants });
        break;
      case "signal-expired":
        // The other side may have been asleep, and may not have seen our offer.
        if (this.#peers.get(payload.toId)?.state !== "open") this.reconnect(payload.toId);
        break;
      case "room-ended":
        this.#onEnded(payload.reason);
        break;
    }
  }

  /** @param {Participant[]} participants */
  #setParticipants(participants) {
    const present = new Set(participants.map(({ id }) => id));
    for (const id of this.#peers.keys()) if (!present.has(id)) this.#forgetPeer(id);
    this.#participants.clear();
    for (const participant of participants) this.#addParticipant(participant);
    this.#dispatch("participants", { participants: this.participants });
  }

  /** @param {Participant} participant */
  #addParticipant(participant) {
    this.#participants.set(participant.id, participant);
    if (participant.id !== this.id && !this.#peers.has(participant.id)) {
      this.#peers.set(participant.id, this.#createPeer(participant.id));
    }
  }

  /** @param {string} id */
  #createPeer(id) {
    return new Peer({
      id,
      polite: this.id < id,
      iceServers: this.#iceServers,
      post: (type, payload) => this.#loop.post(id, type, payload),
      onState: (state) => this.#dispatch("peer", { peerId: id, state }),
      // If the peer is gone, the service will say so, and nothing needs to be begun anew.
      onFailed: () => this.#loop.wake(),
      onData: (data) => this.#dispatch("message", { peerId: id, data }),
    });
  }

  /** @param {string} id */
  #forgetPeer(id) {
    this.#peers.get(id)?.close();
    this.#peers.delete(id);
    this.#loop.discard(id);
  }

  /** @param {ApiError} error */
  #onError(error) {
    this.#isTroubled = true;
    this.#dispatch("error", { error });
  }

  /** @param {string} reason */
  #onEnded(reason) {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#loop.stop();
    for (const id of [...this.#peers.keys()]) this.#forgetPeer(id);
    this.#dispatch("ended", { reason });
  }

  /**
   * @param {string} type
   * @param {object} detail
   */
  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * @param {StreamMessage} message
 * @returns {message is StreamMessage & Signal} otherwise it is an event
 */
function isSignal(message) {
  return ["offer", "answer", "ice"].includes(message.type);
}
