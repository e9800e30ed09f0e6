/**
 * This page's place in a room: what it knows of it, the one conversation with the service (polling.js), what that
 * brings (answers.js), and the connections to the others (peers.js). A `Party` is what apps see of it.
 */

import { Answers } from "./answers.js";
import { ApiError } from "./errors.js";
import { PageLife } from "./page-life.js";
import { Peers } from "./peers.js";
import { PollLoop } from "./polling.js";
import { retrying, retryingChange, untilAnswered } from "./timing.js";

/** @typedef {import("./contract.js").PollAnswer} PollAnswer */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./contract.js").Standing} Standing */
/** @typedef {import("./events.js").EndReason} EndReason */
/** @typedef {import("./events.js").PartyEvents} PartyEvents */
/** @typedef {import("./trace.js").TraceRecord} TraceRecord */

/**
 * @typedef {object} Entered  what entering a room gives
 * @property {import("./member-api.js").MemberApi} api
 * @property {RoomWithYou} room
 * @property {import("./ice-servers.js").NamedServers} [iceServers]  where they are known by then
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
  #leavesOnClose;
  #seat;
  #keeper;
  /** @type {PollLoop} */
  #loop;
  #answers;
  /** @type {import("./answers.js").Follower[]} */
  #followers;
  /** @type {import("./relay.js").RelayPost|undefined} */
  relay;
  #life;
  #isTroubled = false;
  /** @type {import("./polling.js").Enclosing|undefined} */
  #enclosing;
  hasEnded = false;

  /**
   * @param {EventTarget} party  where apps listen
   * @param {Entered} entered
   * @param {import("./answers.js").Feature[]} features
   */
  constructor(party, { api, room, iceServers, trace, seat, keeper, page }, features) {
    memberships.set(party, this);
    this.#party = party;
    this.api = api;
    this.room = room;
    /** The number of the Room that was last taken as a whole. */
    this.enteredAt = room.seq;
    this.trace = trace;
    /** What the page has decided for itself. */
    this.page = page;
    this.#leavesOnClose = page.leaveOnClose ?? false;
    this.#seat = seat;
    this.#keeper = keeper;
    trace.onRecord = (record) => this.dispatch("trace", record);
    this.#loop = new PollLoop({
      api,
      cursor: room.seq,
      // Whoever is alone has perhaps just gone to send somebody the code.
      mayRest: () => this.peers.areSettled,
      isPatient: () => this.peers.arePatient,
      onAnswer: (answer) => this.#onAnswer(answer),
      onError: (error) => this.onError(error),
      onRefused: (signals) => {
        for (const { toId, clientMsgId } of signals) this.peers.get(toId)?.onRefused(clientMsgId);
      },
      onStop: ({ code, reason = "removed" }) => this.finish(code === "ROOM_ENDED" ? "ended" : reason),
    });
    /** @type {Peers} */
    this.peers = new Peers(this, this.#loop, page, iceServers);
    this.#followers = features.flatMap((feature) => feature.follow?.(this) ?? []);
    this.#answers = new Answers(this, this.#followers);
    this.#life = new PageLife({
      // It may be put to sleep without another word. If it is not, its next poll says so.
      onHidden: () => this.#tellAway(),
      onGone: () => this.#onGone(),
      keepAwake: page.keepAwake ?? false,
    });
    this.peers.follow(room);
    // Those who are here wait for whoever comes: it knows of them before they know of it.
    this.peers.connect();
    this.#loop.run();
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
      reason: this.peers.get(participant.id)?.reason ?? null,
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
    this.#tellLast([]);
    const leave = () => this.api.leave();
    try {
      // The others shall learn it before they see channels close, or they would try to reconnect.
      await retrying(leave, 2);
    } catch (error) {
      if (isGone(error)) return;
      untilAnswered(leave, error);
      throw error;
    } finally {
      this.finish("left");
    }
  }

  /** End the room for everybody. */
  async end() {
    if (this.hasEnded) return;
    try {
      await retrying(() => this.api.end(), 2);
    } catch (error) {
      // Otherwise the room lives on, and so does this party, if it still has its seat.
      if (!(error instanceof ApiError && error.code === "ROOM_ENDED")) throw error;
    }
    this.finish("ended");
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
    this.wake();
  }

  /**
   * It is over for this page. What has to be told to the service has been told.
   *
   * @param {EndReason} reason
   * @param {{correct?: number, standings?: Standing[]}} [outcome]  of a quiz that was played to its end
   */
  finish(reason, outcome) {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#loop.stop();
    this.#life.end();
    this.#keeper.forget(this.#seat);
    this.#keeper.release();
    this.peers.forgetAll();
    this.dispatch("ended", { reason, ...outcome });
  }

  /**
   * A way for data through the service, and what it sends in requests of its own.
   *
   * @param {import("./relay.js").RelayPost} relay
   */
  carry(relay) {
    this.relay = relay;
    this.#loop.carry(relay);
  }

  /** @param {import("./polling.js").Enclosing} enclosing  what travels with requests that are made anyway */
  enclose(enclosing) {
    this.#enclosing = enclosing;
    this.#loop.enclose(enclosing);
  }

  /** @param {string} id  of a peer with whom it stands otherwise */
  onPeer(id) {
    const peer = this.peers.get(id);
    if (peer) for (const follower of this.#followers) follower.onPeer?.(peer);
  }

  /** Poll soon. */
  wake() {
    this.#loop.wake();
  }

  /** Ask for the Room as a whole, soon. */
  startOver() {
    this.#loop.startOver();
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
      this.#tellLast([]);
      this.api.leave({ keepalive: true }).catch(() => {});
      // The browser may keep the page and show it again, but not in the room.
      this.finish("left");
      return;
    }
    this.#tellAway();
    // They may have been sent already: then the service knows them by their ids.
    this.#tellLast(this.#loop.unsent());
  }

  /** @param {import("./contract.js").OutgoingSignal[]} unsent */
  #tellLast(unsent) {
    const fields = this.#enclosing?.take(true)?.fields;
    if (unsent.length > 0 || fields) this.api.sendLast(unsent, fields).catch(() => {});
  }

  #tellAway() {
    this.api.away().catch(() => {});
  }

  /** @param {PollAnswer} answer */
  #onAnswer(answer) {
    if (this.#isTroubled) {
      this.#isTroubled = false;
      this.dispatch("recovered", {});
    }
    this.#answers.take(answer);
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
