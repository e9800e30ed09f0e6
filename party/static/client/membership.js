/**
 * This page's place in a room: what it knows of it, the one conversation with the service (polling.js), and the
 * connections to the others (peers.js). A `Party` is what apps see of it.
 */

import { ApiError } from "./errors.js";
import { IceServers } from "./ice-servers.js";
import { PageLife } from "./page-life.js";
import { Peers } from "./peers.js";
import { PollLoop } from "./polling.js";
import { after } from "./room.js";
import { retrying, retryingChange, untilAnswered } from "./timing.js";

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
 * @property {import("./trace.js").Trace} trace
 * @property {import("./contract.js").Seat} seat
 * @property {import("./seat.js").SeatKeeper} keeper
 * @property {import("./options.js").PageOptions} page
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
  #life;
  #isTroubled = false;
  /** Whether the Room was asked for as the page has another view of it now, and nothing was lost. */
  #asksForRoom = false;
  hasEnded = false;

  /**
   * @param {EventTarget} party  where apps listen
   * @param {Entered} entered
   * @param {{follow(membership: Membership): Follower}[]} features
   */
  constructor(party, { api, room, trace, seat, keeper, page }, features) {
    memberships.set(party, this);
    this.#party = party;
    this.api = api;
    this.room = room;
    /** The number of the Room that was last taken as a whole. */
    this.enteredAt = room.seq;
    this.trace = trace;
    this.#iceServers = new IceServers(() => api.iceServers(), (error) => this.onError(error));
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
      onStop: ({ code, reason = "removed" }) => this.#end(code === "ROOM_ENDED" ? "ended" : reason),
    });
    this.peers = new Peers({
      topology: page.topology ?? "mesh",
      optionsFor: (id) => this.#optionsFor(id, page.maxMessageBytes),
      onForgotten: (id) => this.#loop.discard(id),
    });
    this.#followers = features.map((feature) => feature.follow(this));
    this.#life = new PageLife({
      // It may be put to sleep without another word. If it is not, its next poll says so.
      onHidden: () => this.#tellAway(),
      onGone: () => this.#onGone(),
      keepAwake: page.keepAwake ?? false,
    });
    this.peers.follow(room);
    this.#begin();
  }

  /** The app has its party while the service is asked for ICE servers; signals wait for them. */
  async #begin() {
    // Those who are here wait for whoever comes: it knows of them before they know of it.
    await this.#connect();
    if (!this.hasEnded) this.#loop.run();
  }

  /** Begin the connections that there are to be. */
  async #connect() {
    if (this.isWaiting) return;
    await this.#iceServers.fresh();
    if (!this.hasEnded) for (const peer of this.peers) peer.startIfIdle();
  }

  /** Whether the host has not let this page in yet. */
  get isWaiting() {
    return this.room.you.role === "guest";
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

  /**
   * Make a call that changes something in the room, and see soon what has become of it.
   *
   * @param {string} what  the last part of its path
   * @param {object} body
   * @param {...string} codesWhenDone  how its repetition may be refused, where only the answer was lost
   */
  async change(what, body, ...codesWhenDone) {
    await retryingChange(() => this.api.post(what, body), ...codesWhenDone);
    this.#loop.wake();
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

  /** The browser sends what is handed to it now even if the page is gone. */
  #onGone() {
    if (this.#leavesOnClose) {
      this.api.leave({ keepalive: true }).catch(() => {});
      // The browser may keep the page and show it again, but not in the room.
      this.#end("left");
      return;
    }
    this.#tellAway();
    const unsent = this.#loop.unsent();
    // They may have been sent already: then the service knows them by their ids.
    if (unsent.length > 0) this.api.sendLast(unsent).catch(() => {});
  }

  #tellAway() {
    this.api.away().catch(() => {});
  }

  /** @param {PollAnswer} answer */
  #onAnswer({ messages, room, gap }) {
    if (this.#isTroubled) {
      this.#isTroubled = false;
      this.dispatch("recovered", {});
    }
    const isAsked = this.#asksForRoom && !gap;
    if (room) this.#takeRoom(room, isAsked);
    for (const message of messages) {
      if (this.hasEnded) return;
      this.trace.add({ kind: "received", message });
      try {
        if (isSignal(message)) this.#onSignal(message);
        else if (message.seq > this.enteredAt || isAsked) this.#onEvent(message);
      } catch (error) {
        // A member's malformed signal, say: one message must not take the others along.
        console.warn("party: a message could not be handled", error);
      }
    }
    if (this.hasEnded) return;
    if (this.isWaiting) return; // nothing more is for this page's eyes
    // What has to be asked for is asked for at every answer, until it is known.
    if (room) this.#connect();
    else this.#iceServers.fresh();
    for (const follower of this.#followers) follower.onAnswer();
  }

  /**
   * The Room as a whole. Where that was not asked for, part of the stream was lost: what is not connected waits for
   * a signal that will not come.
   *
   * @param {RoomWithYou} room
   * @param {boolean} isAsked
   */
  #takeRoom(room, isAsked) {
    const wasWaiting = this.isWaiting;
    this.#asksForRoom = false;
    this.room = { ...room, participants: room.participants ?? [] };
    this.enteredAt = room.seq;
    this.peers.follow(this.room);
    if (!isAsked) for (const peer of this.peers) peer.abandonAttempt();
    this.tellRoom();
    this.tellParticipants();
    this.#tellRequests();
    if (wasWaiting && !this.isWaiting) this.#tellApproved();
  }

  #tellRequests() {
    if (this.room.requests) this.dispatch("requests", { requests: this.room.requests });
  }

  #tellApproved() {
    const own = this.room.participants.find(({ id }) => id === this.room.you.id);
    if (own) this.dispatch("approved", { role: own.role, seat: own.seat });
  }

  /** What this page may see has changed: the events do not have it all. */
  #askForRoom() {
    this.#asksForRoom = true;
    this.#loop.startOver();
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
    const isNews = message.seq > before.seq; // otherwise the Room has it
    if (isNews) this.room = after(before, message);
    this.#tellChanges(before);
    for (const follower of this.#followers) {
      if (isNews) this.room = follower.after(this.room, message);
      follower.onEvent(message);
    }
    this.#onOwnEvent(message);
  }

  /** @param {RoomWithYou} before */
  #tellChanges(before) {
    const { participants, settings, hostId, hostName, requests } = this.room;
    if (participants !== before.participants) {
      this.peers.follow(this.room);
      this.tellParticipants();
    }
    if (settings !== before.settings || hostId !== before.hostId || hostName !== before.hostName) this.tellRoom();
    if (requests !== before.requests) this.#tellRequests();
  }

  /**
   * What events mean for this page itself.
   *
   * @param {StreamMessage} message
   */
  #onOwnEvent({ type, payload }) {
    if (type === "participant-approved" && this.isWaiting) this.#askForRoom();
    // The token dies when this is acknowledged: that answer tells why, and the party ends.
    if (type === "participant-rejected") {
      this.dispatch("rejected", {});
      this.#loop.wake();
    }
    if (type === "host-changed") {
      const { id } = this.room.you;
      if (id === payload.hostId || id === payload.previousHostId) this.#askForRoom();
      // In a star, all but the new host have somebody new to connect to.
      if (id !== payload.hostId) for (const peer of this.peers) peer.startIfIdle();
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
    this.#life.end();
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
