/** How a page comes to its place in a room: as somebody new, or back after a reload. */

import { Api, ApiError } from "./api.js";
import { MemberApi } from "./member-api.js";
import { SeatKeeper } from "./seat.js";
import { reasonOf, retrying, unlessAborted, untilAnswered } from "./timing.js";
import { Trace } from "./trace.js";

/** @typedef {import("./options.js").PageOptions} PageOptions */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./membership.js").Entered} Entered */

/**
 * Enter as somebody new.
 *
 * @template T
 * @param {URL} service
 * @param {PageOptions} page
 * @param {(api: Api) => Promise<RoomWithYou>} takeSeat
 * @param {(entered: Entered) => T} begin
 */
export function enterAnew(service, page, takeSeat, begin) {
  return enter(service, page, new SeatKeeper(service, page.storage), takeSeat, begin, true);
}

/**
 * Come back to the seat that this page had.
 *
 * @template T
 * @param {URL} service
 * @param {PageOptions} page
 * @param {(entered: Entered) => T} begin
 * @returns {Promise<T|null>} null where there is none, or another page is in it
 */
export async function comeBack(service, page, begin) {
  const keeper = new SeatKeeper(service, page.storage);
  const seat = keeper.load();
  if (!seat || !(await keeper.claim(seat))) return null;
  try {
    return await enter(service, page, keeper, (api) => new MemberApi(api, seat).rejoin(), begin);
  } catch (error) {
    keeper.release();
    const isOver = error instanceof ApiError && !error.isTemporary && error.code !== "NO_WEBRTC";
    if (!isOver) throw error;
    keeper.forget(seat);
    return null;
  }
}

/**
 * @template T
 * @param {URL} service
 * @param {PageOptions} page
 * @param {SeatKeeper} keeper
 * @param {(api: Api) => Promise<RoomWithYou>} takeSeat
 * @param {(entered: Entered) => T} begin
 * @param {boolean} [isNew]  whether the seat is of no use if the page does not come to use it. Otherwise the
 *   page had it before, and may try again later
 */
async function enter(service, page, keeper, takeSeat, begin, isNew = false) {
  if (page.relay === false && typeof globalThis.RTCPeerConnection !== "function") throw noWebRtc();
  return unlessAborted(page.signal, async () => {
    const api = new Api(service);
    const trace = new Trace();
    api.onRequest = (record) => trace.add({ kind: "request", ...record });
    if (page.topology !== "none") warmUp().catch(() => {});
    // It is not given up: what is lost on the way may have taken the seat.
    const room = await retrying(() => takeSeat(api));
    const seat = { code: room.code, id: room.you.id, token: room.you.token ?? "" };
    // Before anything else can fail: from here on a reload finds the seat.
    keeper.save(seat);
    const memberApi = new MemberApi(api, seat);
    try {
      if (isNew) await keeper.claim(seat);
      if (page.signal?.aborted) throw reasonOf(page.signal);
      const { iceServers } = api;
      const known = { ...room, participants: room.participants ?? [] };
      return begin({ api: memberApi, room: known, iceServers, trace, seat, keeper, page });
    } catch (error) {
      if (isNew) {
        keeper.release();
        keeper.forget(seat);
        const leave = () => memberApi.leave();
        leave().catch((reason) => untilAnswered(leave, reason)); // do not stay behind as a seat without a page
      }
      throw error;
    }
  });
}

/** A browser needs a while for the first offer of a page: it may as well get ready while the service is asked. */
async function warmUp() {
  const pc = new RTCPeerConnection();
  pc.createDataChannel("");
  await pc.createOffer().finally(() => pc.close());
}

function noWebRtc() {
  const message = "This browser cannot connect to others: it has no WebRTC, or it is turned off.";
  return new ApiError({ code: "NO_WEBRTC", message, status: 0 });
}
