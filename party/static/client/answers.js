/**
 * What the service's answers bring: signals for the peers, and events that change the Room and that apps are told.
 */

import { after } from "./room.js";

/** @typedef {import("./contract.js").OutgoingSignal} OutgoingSignal */
/** @typedef {import("./contract.js").PollAnswer} PollAnswer */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./contract.js").StreamMessage} StreamMessage */
/** @typedef {{type: OutgoingSignal["type"], fromId: string, payload: Record<string, any>}} Signal */

/**
 * @typedef {object} Feature  a class whose methods are a party's, and what else there is to it
 * @property {object} prototype
 * @property {string[]} [createFields]  options of `create` that are for the service
 * @property {import("./options.js").Checks} [pageOptions]  options that are for the page
 * @property {(membership: import("./membership.js").Membership) => Follower} [follow]
 */

/**
 * @typedef {object} Follower  what a feature does with a membership
 * @property {(room: RoomWithYou, message: StreamMessage) => RoomWithYou} [after]  what an event makes of the Room
 * @property {(message: StreamMessage) => void} [onEvent]  the Room is as it is after it
 * @property {(message: StreamMessage) => void} [onKnown]  an event that is in the Room already, perhaps not the first time
 * @property {(answer: PollAnswer) => void} [onAnswer]  all that came with it has been handled
 * @property {(peer: import("./peer.js").Peer) => void} [onPeer]  it stands otherwise with a peer
 */

export class Answers {
  #membership;
  #followers;
  /** Whether the Room was asked for as the page has another view of it now, and nothing was lost. */
  #asksForRoom = false;

  /**
   * @param {import("./membership.js").Membership} membership
   * @param {Follower[]} followers
   */
  constructor(membership, followers) {
    this.#membership = membership;
    this.#followers = followers;
  }

  /** @param {PollAnswer} answer */
  take(answer) {
    const { messages, room, gap } = answer;
    const membership = this.#membership;
    const isAsked = this.#asksForRoom && !gap;
    if (room) this.#takeRoom(room, isAsked);
    for (const message of messages) {
      if (membership.hasEnded) return;
      membership.trace.add({ kind: "received", message });
      try {
        if (isSignal(message)) membership.peers.get(message.fromId)?.receive(message.type, message.payload);
        else if (message.seq > membership.enteredAt || isAsked) this.#onEvent(message);
        else for (const follower of this.#followers) follower.onKnown?.(message);
      } catch (error) {
        // A member's malformed signal, say: one message must not take the others along.
        console.warn("party: a message could not be handled", error);
      }
    }
    if (membership.hasEnded || membership.isWaiting) return; // nothing more is for this page's eyes
    // What has to be asked for is asked for at every answer, until it is known.
    if (room) membership.peers.connect();
    else membership.peers.refresh();
    for (const follower of this.#followers) follower.onAnswer?.(answer);
  }

  /**
   * The Room as a whole. Where that was not asked for, part of the stream was lost: what is not connected waits for
   * a signal that will not come.
   *
   * @param {RoomWithYou} room
   * @param {boolean} isAsked
   */
  #takeRoom(room, isAsked) {
    const membership = this.#membership;
    const wasWaiting = membership.isWaiting;
    this.#asksForRoom = false;
    membership.room = { ...room, participants: room.participants ?? [] };
    membership.enteredAt = room.seq;
    membership.peers.follow(membership.room);
    if (!isAsked) for (const peer of membership.peers) peer.abandonAttempt();
    membership.tellRoom();
    membership.tellParticipants();
    this.#tellRequests();
    if (wasWaiting && !membership.isWaiting) this.#tellApproved();
  }

  #tellRequests() {
    const { requests } = this.#membership.room;
    if (requests) this.#membership.dispatch("requests", { requests });
  }

  #tellApproved() {
    const { participants, you } = this.#membership.room;
    const own = participants.find(({ id }) => id === you.id);
    if (own) this.#membership.dispatch("approved", { role: own.role, seat: own.seat });
  }

  /** What this page may see has changed: the events do not have it all. */
  #askForRoom() {
    this.#asksForRoom = true;
    this.#membership.startOver();
  }

  /** @param {StreamMessage} message */
  #onEvent(message) {
    const membership = this.#membership;
    membership.peers.onEvent(message);
    const before = membership.room;
    const isNews = message.seq > before.seq; // otherwise the Room has it
    if (isNews) membership.room = after(before, message);
    this.#tellChanges(before);
    for (const follower of this.#followers) {
      if (isNews && follower.after) membership.room = follower.after(membership.room, message);
      follower.onEvent?.(message);
    }
    this.#onOwnEvent(message);
  }

  /** @param {RoomWithYou} before */
  #tellChanges(before) {
    const membership = this.#membership;
    const { participants, settings, hostId, hostName, requests } = membership.room;
    if (participants !== before.participants) {
      membership.peers.follow(membership.room);
      membership.tellParticipants();
    }
    if (settings !== before.settings || hostId !== before.hostId || hostName !== before.hostName) membership.tellRoom();
    if (requests !== before.requests) this.#tellRequests();
  }

  /**
   * What events mean for this page itself.
   *
   * @param {StreamMessage} message
   */
  #onOwnEvent({ type, payload }) {
    const membership = this.#membership;
    if (type === "participant-approved" && membership.isWaiting) this.#askForRoom();
    // The token dies when this is acknowledged: that answer tells why, and the party ends.
    if (type === "participant-rejected") {
      membership.dispatch("rejected", {});
      membership.wake();
    }
    if (type === "host-changed") {
      const { id } = membership.room.you;
      if (id === payload.hostId || id === payload.previousHostId) this.#askForRoom();
      // In a star, all but the new host have somebody new to connect to.
      if (id !== payload.hostId) for (const peer of membership.peers) peer.startIfIdle();
    }
    if (type === "room-ended") {
      const { status, endedAt, reason, ...outcome } = payload;
      membership.finish(reason, outcome);
    }
  }
}

/**
 * @param {StreamMessage} message
 * @returns {message is StreamMessage & Signal} otherwise it is an event
 */
function isSignal(message) {
  return ["offer", "answer", "ice", "data"].includes(message.type);
}
