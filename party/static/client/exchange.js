/** What pages send each other, past the service. */

import { membershipOf } from "./membership.js";
import { pack } from "./pipe.js";

/** What a party can send to others. */
export class Exchange {
  /**
   * Send data to one participant: in order, and up to 256 MiB in one piece.
   *
   * @param {string} peerId
   * @param {string|ArrayBuffer|ArrayBufferView} data
   * @returns {boolean} false: it is neither open nor relayed, or over 4 MiB are under way to it, and nothing was
   *   sent; true: it arrives, as long as both pages stay
   * @throws {TypeError} for anything but such data
   * @throws {RangeError} for more of it
   */
  send(peerId, data) {
    const packed = pack(data);
    return membershipOf(this).peers.get(peerId)?.send(packed) ?? false;
  }

  /**
   * Send data to everybody, as `send` does.
   *
   * @param {string|ArrayBuffer|ArrayBufferView} data
   * @returns {number} how many are sent it
   */
  broadcast(data) {
    const packed = pack(data);
    return [...membershipOf(this).peers].filter((peer) => peer.send(packed)).length;
  }

  /**
   * Send a media track to everybody, and to whoever comes later. One that is sent already stays as it is.
   *
   * @param {MediaStreamTrack} track
   * @param {MediaStream} stream  groups tracks that belong together
   */
  addTrack(track, stream) {
    membershipOf(this).peers.addTrack(track, stream);
  }

  /**
   * Stop sending a media track.
   *
   * @param {MediaStreamTrack} track
   */
  removeTrack(track) {
    membershipOf(this).peers.removeTrack(track);
  }

  /**
   * Begin the connection to a participant anew. Failed connections do so by themselves.
   *
   * @param {string} peerId
   */
  reconnect(peerId) {
    membershipOf(this).peers.get(peerId)?.start();
  }
}
