/**
 * This page's place in a room: what it knows of it, the one conversation with the service (polling.js), and the
 * connections to the others (peers.js). A `Party` is what apps see of it.
 */

import { ApiError } from "./errors.js";
import { IceServers } from "./ice.js";
import { Peers } from "./peers.js";
import { PollLoop } from "./polling.js";
import { after } from "./room.js";
import { retrying, untilAnswered } from "./timing.js";

/**
 * Host candidates come a few milliseconds after their description, those of a STUN server some tens. (The
 * end of gathering is no better sign: Chromium waits 100 ms for it where nothing is asked.)
 */
const GATHER = { longestMs: 60, quietMs: 60 };
const GATHER_LOCALLY = { longestMs: 25, quietMs: 8 };

/** @typedef {import("./contract.js").PollAnswer} PollAnswer */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./contract.js").Standing} Standing */
/** @typedef {import("./contract.js").StreamMessage} StreamMessage */
/** @typedef {import("./events.js").EndReason} EndReason */
/** @typedef {import("./events.js").PartyEvents} PartyEvents */
/** @typedef {import("./peer.js").SignalPayload} SignalPayload */
/** @typedef {import("./trace.js").TraceRecord} TraceRecord */
/** @typedef {{type: "offer"|"answer"|"ice", fromId: string, payload: SignalPayload}} Signal */

/**
 * @typedef {object} Follower  what a feature does with a membership
 * @property {(room: RoomWithYou, message: StreamMessage) => RoomWithYou} after  what an event makes of the Room
 * @property {(message: StreamMessage) => void} onEvent  the Room is as it is after it
 * @property {() => void} onAnswer  the service has answered, and all that came with it has been handled
 */

/**
 * @typedef {object} Entered  what entering a room gives
 * @property {import("./member-api.js").MemberApi} api
 * @property {RoomWithYou} room
 * @property {import("./ice.js").NamedServers} ice
 * @property {import("./trace.js").Trace} trace
 * @property {import("./contract.js").Seat} seat
 * @property {import("./seat.js").SeatKeeper} keeper
 * @property {import("../party.js").PageOptions} page
 */

/** @type {WeakMap<object, Membership>} */
const memberships = new WeakMap();

/**
 * What is behind a party, for the client's own parts.
 *
 * @param {object} party
 */
export function membershipOf(party) {
  return /** @type {Membership} */ (memberships.get(party));
}

export class Membership {
  #party;
  #iceServers;
  #leavesOnClose;
  #seat;
  #keeper;
  #loop;
  #followers;
  #isTroubled = false;
  hasEnded = false;

  /**
   * @param {EventTarget} party  where apps listen
   * @param {Entered} entered
   * @param {{follow(membership: Membership): Follower}[]} features
   */
  constructor(party, { api, room, ice, trace, seat, keeper, page }, features) {
    memberships.set(party, this);
    this.#party = party;
    this.api = api;
    this.room = room;
    /** The number of the Room that was last taken as a whole. */
    this.enteredAt = room.seq;
    this.trace = trace;
    this.#iceServers = new IceServers(ice, () => api.iceServers(), (error) => this.onError(error));
    this.#leavesOnClose = page.leaveOnClose ?? false;
    this.#seat = seat;
    this.#keeper = keeper;
    trace.onRecord = (record) => this.dispatch("trace", record);
    this.#loop = new PollLoop({
      api,
      cursor: room.seq,
      gatherTimes: () => (this.#iceServers.current.length > 0 ? GATHER : GATHER_LOCALLY),
      // Whoever is alone has perhaps just gone to send somebody the code.
      mayRest: () => this.peers.areSettled,
      onAnswer: (answer) => this.#onAnswer(answer),
      onError: (error) => this.onError(error),
      onRefused: (signals) => {
        for (const { toId, clientMsgId } of signals) this.peers.get(toId)?.onRefused(clientMsgId);
      },
      onStop: (error) => this.#end(error.code === "ROOM_ENDED" ? "ended" : "removed"),
    });
    this.peers = new Peers({
      topology: page.topology ?? "mesh",
      optionsFor: (id) => this.#optionsFor(id, page.maxMessageBytes),
      onForgotten: (id) => this.#loop.discard(id),
    });
    this.#followers = features.map((feature) => feature.follow(this));
    globalThis.addEventListener?.("pagehide", this.#onPageHide);
    this.peers.follow(room);
    // Those who are here wait for whoever comes: it knows of them before they know of it.
    for (const peer of this.peers) peer.start();
    this.#loop.run();
  }

  /** Everybody in the room, with what only this page knows of them. */
  get participants() {
    return this.room.participants.map((participant) => ({
      ...participant,
      isYou: participant.id === this.room.you.id,
      state: this.peers.get(participant.id)?.state ?? null,
    }));
  }

  /** The Room without what is nobody else's business: the own token. */
  get publicRoom() {
    const { you, ...room } = this.room;
    return room;
  }

  /** Leave, as `Party.leave` promises. */
  async leave() {
    if (this.hasEnded) return;
    this.#loop.stop();
    const leave = () => this.api.leave();
    try {
      // The others shall learn it before they see channels close, or they would try to reconnect.
      await retrying(leave, 2);
    } catch (error) {
      if (isGone(error)) return;
      if (error instanceof ApiError && error.isTemporary) untilAnswered(leave);
      throw error;
    } finally {
      this.#end("left");
    }
  }

  /** End the room for everybody. */
  async end() {
    if (this.hasEnded) return;
    try {
      await retrying(() => this.api.end(), 2);
    } catch (error) {
      if (!isGone(error)) throw error; // the room lives on, and so does this party
    }
    this.#end("ended");
  }

  tellRoom() {
    this.dispatch("room", { room: this.publicRoom });
  }

  tellParticipants() {
    this.dispatch("participants", { participants: this.participants });
  }

  /** @param {ApiError} error  of a request that nobody waits for */
  onError(error) {
    if (this.hasEnded) return;
    this.#isTroubled = true;
    this.dispatch("error", { error });
  }

  /**
   * @template {keyof PartyEvents} Type
   * @param {Type} type
   * @param {PartyEvents[Type]} detail
   */
  dispatch(type, detail) {
    this.#party.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** The last moment of the page: the browser sends what is handed to it now even if the page is gone. */
  #onPageHide = () => {
    if (this.#leavesOnClose) {
      this.api.leave({ keepalive: true }).catch(() => {});
      // The browser may keep the page and show it again, but not in the room.
      this.#end("left");
      return;
    }
    const unsent = this.#loop.unsent();
    // They may have been sent already: then the service knows them by their ids.
    if (unsent.length > 0) this.api.sendLast(unsent).catch(() => {});
  };

  /** @param {PollAnswer} answer */
  #onAnswer({ messages, room }) {
    if (this.#isTroubled) {
      this.#isTroubled = false;
      this.dispatch("recovered", {});
    }
    if (room) this.#startOver(room);
    for (const message of messages) {
      if (this.hasEnded) return;
      this.trace.add({ kind: "received", message });
      try {
        if (isSignal(message)) this.#onSignal(message);
        else if (message.seq > this.enteredAt) this.#onEvent(message);
      } catch (error) {
        // A member's malformed signal, say: one message must not take the others along.
        console.warn("party: a message could not be handled", error);
      }
    }
    if (this.hasEnded) return;
    if (room) for (const peer of this.peers) peer.startIfIdle();
    // What has to be asked for is asked for at every answer, until it is known.
    this.#iceServers.fresh();
    for (const follower of this.#followers) follower.onAnswer();
  }

  /**
   * Part of the stream was lost, so what is known of the others may be out of date, and what is not
   * connected waits for a signal that will not come.
   *
   * @param {RoomWithYou} room
   */
  #startOver(room) {
    this.room = room;
    this.enteredAt = room.seq;
    this.peers.follow(room);
    for (const peer of this.peers) peer.abandonAttempt();
    this.tellRoom();
    this.tellParticipants();
  }

  /** @param {Signal} message */
  #onSignal({ type, fromId, payload }) {
    this.peers.get(fromId)?.receive(type, payload);
  }

  /** @param {StreamMessage} message */
  #onEvent(message) {
    const { type, payload } = message;
    // A page that rejoined knows nothing of the old one's connections, and begins new ones.
    if (type === "participant-joined" || type === "participant-rejoined") this.peers.forget(payload.participant.id);
    if (type === "signal-expired") this.peers.get(payload.toId)?.onExpired(payload.clientMsgId);
    const before = this.room;
    this.room = after(before, message);
    if (this.room.participants !== before.participants) {
      this.peers.follow(this.room);
      this.tellParticipants();
    }
    for (const follower of this.#followers) {
      this.room = follower.after(this.room, message);
      follower.onEvent(message);
    }
    if (type === "room-ended") {
      const { status, endedAt, reason, ...outcome } = payload;
      this.#end(reason, outcome);
    }
  }

  /**
   * @param {string} id
   * @param {number} [maxMessageBytes]
   * @returns {ReturnType<import("./peers.js").PeersOptions["optionsFor"]>}
   */
  #optionsFor(id, maxMessageBytes) {
    return {
      iceServers: this.#iceServers,
      post: (type, payload) => {
        this.trace.add({ kind: "sent", type, peerId: id, payload });
        return this.#loop.post(id, type, payload);
      },
      onState: (state) => {
        this.trace.add({ kind: "state", peerId: id, state });
        this.dispatch("peer", { peerId: id, state });
      },
      // If the peer is gone, the service will say so, and nothing needs to be begun anew.
      onFailed: () => this.#loop.wake(),
      onData: (data) => this.dispatch("message", { peerId: id, data }),
      maxMessageBytes,
      onTooLarge: (bytes) => this.dispatch("message-dropped", { peerId: id, bytes }),
      onTrack: ({ track, streams }) => this.dispatch("track", { peerId: id, track, streams }),
    };
  }

  /**
   * @param {EndReason} reason
   * @param {{correct?: number, standings?: Standing[]}} [outcome]  of a quiz that was played to its end
   */
  #end(reason, outcome) {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#loop.stop();
    globalThis.removeEventListener?.("pagehide", this.#onPageHide);
    this.#keeper.forget(this.#seat);
    this.#keeper.release();
    this.peers.forgetAll();
    this.dispatch("ended", { reason, ...outcome });
  }
}

/**
 * Whether the seat or the room was gone already.
 *
 * @param {unknown} error
 */
function isGone(error) {
  return error instanceof ApiError && !error.isBlocked && [401, 410].includes(error.status);
}

/**
 * @param {StreamMessage} message
 * @returns {message is StreamMessage & Signal} otherwise it is an event
 */
function isSignal(message) {
  return ["offer", "answer", "ice"].includes(message.type);
}
