/** The camera, for whoever wants to be seen: a track to everybody, and the tracks of the others. */

import { button, element, fromTemplate, on, part, setText } from "./dom.js";

/** @typedef {import("../party.js").Party} Party */

/** @type {Record<string, string>} */
const PROBLEMS = {
  NotAllowedError: "The browser was not allowed to use the camera.",
  NotFoundError: "There is no camera here.",
  NotReadableError: "Another program is using the camera.",
};
const INSECURE = "Browsers allow the camera only on pages with HTTPS.";
const OWN_TILE = "you";

const toggle = button("camera");
const hint = element("camera-hint");
const videos = element("videos");

/** @type {MediaStream|null} */
let own = null;

/** @param {() => Party|null} current */
export function initCamera(current) {
  toggle.addEventListener("click", async () => {
    const party = current();
    if (!party) return;
    toggle.disabled = true;
    if (own) turnOff(party);
    else await turnOn(party, () => current() === party);
    toggle.disabled = false;
    toggle.focus();
  });
}

/** @param {Party} party */
export function showCameras(party) {
  on(party, "track", ({ peerId, track, streams }) => {
    if (track.kind !== "video") return;
    const stream = streams[0] ?? new MediaStream([track]);
    const name = party.participants.find(({ id }) => id === peerId)?.name ?? peerId;
    showTile(peerId, name, stream);
    stream.onremovetrack = () => stream.getVideoTracks().length || removeTile(peerId, stream);
  });
  on(party, "participants", () => {
    const present = new Set(party.participants.map(({ id }) => id));
    for (const tile of tiles()) {
      const id = tile.dataset.participant ?? "";
      if (id !== OWN_TILE && !present.has(id)) tile.remove();
    }
  });
  on(party, "peer", ({ peerId, state }) => {
    // A new connection brings new tracks, if any.
    if (state === "connecting") tiles().find(({ dataset }) => dataset.participant === peerId)?.remove();
  });
  on(party, "ended", () => {
    if (own) turnOff(null);
    videos.replaceChildren();
    setText(hint, "");
  });
}

/**
 * @param {Party} party
 * @param {() => boolean} isStillThere  people think for a while before they allow it
 */
async function turnOn(party, isStillThere) {
  setText(hint, "");
  try {
    if (!navigator.mediaDevices) throw new Error(INSECURE);
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
    if (!isStillThere()) return stopAll(stream);
    own = stream;
    for (const track of stream.getTracks()) {
      party.addTrack(track, stream);
      track.onended = () => own === stream && turnOff(party); // unplugged, or forbidden after all
    }
    showTile(OWN_TILE, "You", stream);
    showToggle();
  } catch (reason) {
    const { name, message } = /** @type {Error} */ (reason);
    setText(hint, PROBLEMS[name] ?? message);
  }
}

/** @param {Party|null} party  null: it has ended */
function turnOff(party) {
  if (!own) return;
  for (const track of own.getTracks()) party?.removeTrack(track);
  stopAll(own);
  removeTile(OWN_TILE, own);
  own = null;
  showToggle();
}

/** @param {MediaStream} stream */
function stopAll(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function showToggle() {
  element("camera-action").textContent = own ? "Turn off" : "Turn on";
}

/**
 * @param {string} id
 * @param {string} name
 * @param {MediaStream} stream
 */
function showTile(id, name, stream) {
  const known = tiles().find((tile) => tile.dataset.participant === id);
  const tile = known ?? fromTemplate("video-template");
  tile.dataset.participant = id;
  part(tile, ".name").textContent = name;
  const video = /** @type {HTMLVideoElement} */ (part(tile, "video"));
  video.srcObject = stream;
  video.muted = true; // the attribute of a template's clone does not count, and without it nothing plays
  video.setAttribute("aria-label", `Camera of ${name}`);
  video.play().catch(() => {}); // it was removed before it began
  if (!known) videos.append(tile);
}

/**
 * @param {string} id
 * @param {MediaStream} stream  unless the tile shows another one by now
 */
function removeTile(id, stream) {
  const tile = tiles().find(({ dataset }) => dataset.participant === id);
  const video = tile?.querySelector("video");
  if (tile && video?.srcObject === stream) tile.remove();
}

function tiles() {
  return /** @type {HTMLElement[]} */ ([...videos.children]);
}
