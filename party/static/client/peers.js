/** The others in the room to whom this page keeps a connection, and what all of them are sent. */

import { IceServers } from "./ice-servers.js";
import { Peer } from "./peer.js";

/** @typedef {import("./contract.js").Participant} Participant */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./contract.js").StreamMessage} StreamMessage */
/** @typedef {import("./membership.js").Membership} Membership */
/** @typedef {import("./options.js").PageOptions} PageOptions */
/** @typedef {Omit<import("./peer.js").PeerOptions, "id"|"polite"|"tracks">} Wiring */

export class Peers {
  #membership;
  #loop;
  #topology;
  #maxMessageBytes;
  #iceServers;
  /** @type {Map<string, Peer>} */
  #peers = new Map();
  /** @type {Map<MediaStreamTrack, MediaStream>} what everybody is sent */
  #tracks = new Map();
  /** When this page came. */
  #page;

  /**
   * @param {Membership} membership
   * @param {Pick<import("./polling.js").PollLoop, "post"|"discard"|"wake">} loop
   * @param {Pick<PageOptions, "topology"|"maxMessageBytes">} page
   * @param {import("./ice-servers.js").NamedServers} [iceServers]  where they are known
   */
  constructor(membership, loop, { topology = "mesh", maxMessageBytes }, iceServers) {
    this.#membership = membership;
    this.#loop = loop;
    this.#topology = topology;
    this.#maxMessageBytes = maxMessageBytes;
    this.#page = membership.room.seq;
    this.#iceServers = new IceServers(
      () => membership.api.iceServers(),
      (error) => membership.onError(error),
      iceServers,
    );
  }

  /** @param {string} id */
  get(id) {
    return this.#peers.get(id);
  }

  [Symbol.iterator]() {
    return this.#peers.values();
  }

  /** Whether there are others, and none of them is about to be connected. */
  get areSettled() {
    return this.#peers.size > 0 && ![...this].some(({ isExpected }) => isExpected);
  }

  /** Whether somebody has been tried in vain for long, and nobody else is about to be connected. */
  get arePatient() {
    return [...this].some(({ state }) => state !== "open") && ![...this].some(({ isHopeful }) => isHopeful);
  }

  /** Begin the connections that there are to be; signals wait for the ICE servers. */
  async connect() {
    if (this.#membership.isWaiting) return;
    await this.refresh();
    if (!this.#membership.hasEnded) for (const peer of this) peer.startIfIdle();
  }

  /** Ask for ICE servers, if it is time. */
  async refresh() {
    await this.#iceServers.fresh();
  }

  /**
   * Keep those whom the room has, and no others.
   *
   * @param {RoomWithYou} room
   */
  follow({ participants, you }) {
    const wanted = participants.filter((each) => this.#connects(each, you)).map(({ id }) => id);
    for (const id of [...this.#peers.keys()]) if (!wanted.includes(id)) this.#forget(id);
    for (const id of wanted) {
      if (this.#peers.has(id)) this.get(id)?.update();
      else this.#peers.set(id, new Peer({ ...this.#wiringOf(id), id, polite: you.id < id, tracks: this.#tracks }));
    }
  }

  /**
   * What an event means for the connections, before the Room is changed.
   *
   * @param {StreamMessage} message
   */
  onEvent({ type, payload }) {
    // A page that rejoined knows nothing of the old one's connections, and begins new ones.
    if (type === "participant-joined" || type === "participant-rejoined") {
      this.#forget(payload.participant.id);
      this.follow(this.#membership.room); // which may have it already
    }
    if (type === "signal-expired") this.get(payload.toId)?.onExpired(payload.clientMsgId);
  }

  /** Close all connections. */
  forgetAll() {
    for (const id of [...this.#peers.keys()]) this.#forget(id);
  }

  /**
   * @param {MediaStreamTrack} track  one that is sent already stays as it is
   * @param {MediaStream} stream
   */
  addTrack(track, stream) {
    if (this.#tracks.has(track)) return;
    this.#tracks.set(track, stream);
    for (const peer of this) peer.addTrack(track, stream);
  }

  /** @param {MediaStreamTrack} track */
  removeTrack(track) {
    this.#tracks.delete(track);
    for (const peer of this) peer.removeTrack(track);
  }

  /** @param {string} id  of somebody who is gone, or has come anew */
  #forget(id) {
    const peer = this.#peers.get(id);
    if (!peer) return;
    peer.end();
    this.#peers.delete(id);
    this.#loop.discard(id);
  }

  /**
   * @param {Participant} participant
   * @param {RoomWithYou["you"]} you
   */
  #connects({ id, isHost }, you) {
    if (id === you.id || this.#topology === "none") return false;
    return this.#topology === "mesh" || isHost || you.role === "host";
  }

  /**
   * How a new peer is connected with the rest of the page.
   *
   * @param {string} id
   * @returns {Wiring}
   */
  #wiringOf(id) {
    const membership = this.#membership;
    const isAway = () => {
      const { presence } = membership.room.participants.find((each) => each.id === id) ?? {};
      return presence === "away" || presence === "disconnected";
    };
    return {
      page: this.#page,
      relay: membership.relay,
      iceServers: this.#iceServers,
      isAway,
      post: (type, payload) => {
        membership.trace.add({ kind: "sent", type, peerId: id, payload });
        return this.#loop.post(id, type, payload);
      },
      onState: (state, why) => {
        membership.trace.add({ kind: "state", peerId: id, state, ...why });
        membership.onPeer(id);
        membership.dispatch("peer", { peerId: id, state, ...why });
      },
      onCandidateError: ({ url, errorCode, errorText }) => {
        membership.trace.add({ kind: "candidate-error", peerId: id, url, errorCode, errorText });
      },
      onGap: (count) => void (membership.hasEnded || membership.dispatch("messages-lost", { peerId: id, count })),
      // If the peer is gone, the service will say so, and nothing needs to be begun anew.
      onFailed: () => this.#loop.wake(),
      onData: (data) => membership.dispatch("message", { peerId: id, data }),
      maxMessageBytes: this.#maxMessageBytes,
      onTooLarge: (bytes) => membership.dispatch("message-dropped", { peerId: id, bytes }),
      onTrack: ({ track, streams }) => membership.dispatch("track", { peerId: id, track, streams }),
    };
  }
}
