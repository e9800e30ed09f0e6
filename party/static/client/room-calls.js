/** What members, above all the host, change in the room. */

import { membershipOf } from "./membership.js";

/** @typedef {import("./contract.js").RoomSettings} RoomSettings */

/** What a party can change in its room. */
export class RoomCalls {
  /**
   * Let somebody in who waits, or refuse it, as the host.
   *
   * @param {string} participantId
   * @param {boolean} approved
   */
  async approve(participantId, approved) {
    await membershipOf(this).change("approve", { participantId, approved }, "PEER_NOT_FOUND");
  }

  /**
   * Remove a participant, or refuse somebody who waits, as the host.
   *
   * @param {string} participantId
   */
  async remove(participantId) {
    await membershipOf(this).change("remove", { participantId }, "PEER_NOT_FOUND");
  }

  /**
   * Remove a participant as `remove` does, and keep it and its device out of the room for good.
   *
   * @param {string} participantId
   */
  async ban(participantId) {
    await membershipOf(this).change("remove", { participantId, ban: true }, "PEER_NOT_FOUND");
  }

  /**
   * Become a player or a spectator, or take another seat; as the host, give others a role or a seat.
   *
   * @param {import("./contract.js").MemberRole} role  "host" for the host, who changes only its seat
   * @param {{seat?: number|null, participantId?: string}} [options]  `seat`: null gives it up, and without it a
   *   player keeps its own, or takes the lowest that is free; `participantId`: oneself, unless given
   */
  async setRole(role, { seat, participantId } = {}) {
    await membershipOf(this).change("role", { role, seat, participantId });
  }

  /**
   * Take another name, or as the host give somebody one.
   *
   * @param {string} name
   * @param {string} [participantId]  oneself, unless given
   */
  async rename(name, participantId) {
    await membershipOf(this).change("rename", { name, participantId });
  }

  /**
   * Make a player the host, as the host, who becomes a player.
   *
   * @param {string} participantId
   */
  async handOver(participantId) {
    await membershipOf(this).change("host", { participantId }, "HOST_ONLY");
  }

  /**
   * Change settings of the room, as the host. What is left out stays as it is.
   *
   * @param {Partial<Omit<RoomSettings, "hostGone">> & {maxParticipants?: number}} changes
   */
  async setSettings(changes) {
    await membershipOf(this).change("settings", changes);
  }
}
