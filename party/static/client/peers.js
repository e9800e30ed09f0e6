/** The others in the room to whom this page keeps a connection, and what all of them are sent. */

import { Peer } from "./peer.js";

/** @typedef {import("./contract.js").Participant} Participant */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./peer.js").PeerOptions} PeerOptions */

/**
 * @typedef {object} PeersOptions
 * @property {"mesh"|"star"|"none"} topology
 * @property {(id: string) => Omit<PeerOptions, "id"|"polite"|"tracks">} optionsFor  a new peer
 * @property {(id: string) => void} onForgotten
 */

export class Peers {
  #topology;
  #optionsFor;
  #onForgotten;
  /** @type {Map<string, Peer>} */
  #peers = new Map();
  /** @type {Map<MediaStreamTrack, MediaStream>} what everybody is sent */
  #tracks = new Map();

  /** @param {PeersOptions} options */
  constructor({ topology, optionsFor, onForgotten }) {
    this.#topology = topology;
    this.#optionsFor = optionsFor;
    this.#onForgotten = onForgotten;
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

  /**
   * Keep those whom the room has, and no others.
   *
   * @param {RoomWithYou} room
   */
  follow({ participants, you }) {
    const wanted = participants.filter((each) => this.#connects(each, you)).map(({ id }) => id);
    for (const id of [...this.#peers.keys()]) if (!wanted.includes(id)) this.forget(id);
    for (const id of wanted) {
      if (this.#peers.has(id)) continue;
      this.#peers.set(id, new Peer({ ...this.#optionsFor(id), id, polite: you.id < id, tracks: this.#tracks }));
    }
  }

  /** @param {string} id  of somebody who is gone, or has come anew */
  forget(id) {
    const peer = this.#peers.get(id);
    if (!peer) return;
    peer.close();
    this.#peers.delete(id);
    this.#onForgotten(id);
  }

  forgetAll() {
    for (const id of [...this.#peers.keys()]) this.forget(id);
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

  /**
   * @param {Participant} participant
   * @param {RoomWithYou["you"]} you
   */
  #connects({ id, isHost }, you) {
    if (id === you.id || this.#topology === "none") return false;
    return this.#topology === "mesh" || isHost || you.role === "host";
  }
}
