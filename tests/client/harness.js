/**
 * A page that the tests drive: it enters a room with the client of the service named in its address
 * (`harness.html?http://127.0.0.1:8000`) and keeps a record of everything that the client tells.
 */

const service = decodeURIComponent(location.search.slice(1));
const { Party, ApiError } = await import(`${service}/static/party.js`);

/** How often this tab was loaded, to tell when a reload is over. */
const loads = Number(sessionStorage.getItem("loads") ?? 0) + 1;
sessionStorage.setItem("loads", String(loads));

const harness = {
  Party,
  loads,
  party: null,
  /** By peer id: how often a connection to it has opened. */
  opened: {},
  /** By peer id: the states in order. */
  states: {},
  /** By peer id: why there is no connection. */
  why: {},
  /** By peer id: the messages in order, large ones as a summary. */
  messages: {},
  /** By peer id: the media tracks. */
  tracks: {},
  /** How many offers were made. */
  offers: 0,
  /** The most bytes that ever waited in a data channel. */
  mostBuffered: 0,
  errors: [],
  recoveries: 0,
  ended: [],
  traceOf,
  describe,
  enter,
  sendNumbers,
  at,
  getCamera,
  addCamera,
  removeCamera,
  cameraId: () => camera.id,
  moves,
  arriving,
  playing,
  reloadOn,
  makeLarge,
  setVisibility,
  talk,
  listen,
  heard: { count: 0, wrong: [] },
  lost: [],
};
globalThis.harness = harness;

/**
 * Create, join or resume. Resolves to what the tests want to know of a party, or of the refusal.
 *
 * @param {"create"|"join"|"resume"} how
 * @param {any[]} args
 */
async function enter(how, ...args) {
  try {
    harness.party = await Party[how](...args);
  } catch (error) {
    return { isApiError: error instanceof ApiError, code: error.code, status: error.status };
  }
  if (harness.party) watch(harness.party);
  return harness.party && { code: harness.party.code, id: harness.party.id, isHost: harness.party.isHost };
}

const send = RTCDataChannel.prototype.send;
RTCDataChannel.prototype.send = function (data) {
  send.call(this, data);
  harness.mostBuffered = Math.max(harness.mostBuffered, this.bufferedAmount);
};

/** @param {EventTarget} party */
function watch(party) {
  const on = (type, handle) => party.addEventListener(type, ({ detail }) => handle(detail));
  on("peer", ({ peerId, state, ...why }) => {
    harness.why[peerId] = why;
    (harness.states[peerId] ??= []).push(state);
    if (state === "open") harness.opened[peerId] = (harness.opened[peerId] ?? 0) + 1;
  });
  on("message", ({ peerId, data }) => (harness.messages[peerId] ??= []).push(describe(data)));
  on("track", ({ peerId, track, streams }) => (harness.tracks[peerId] ??= []).push({ track, streams }));
  on("error", ({ error }) => harness.errors.push(error.code));
  on("messages-lost", (detail) => harness.lost.push(detail));
  on("recovered", () => (harness.recoveries += 1));
  on("trace", ({ kind, type }) => (harness.offers += Number(kind === "sent" && type === "offer")));
  on("trace", reloadIfItIsTheMoment);
  on("ended", ({ reason }) => harness.ended.push(reason));
}

/** @param {string} kind */
function traceOf(kind) {
  return harness.party.trace.filter((record) => record.kind === kind);
}

/** What came, in a form that can be compared: a short text as it is. */
function describe(data) {
  if (typeof data === "string" && data.length < 1000) return data;
  const isText = typeof data === "string";
  const bytes = isText ? new TextEncoder().encode(data) : bytesOf(data);
  return `${isText ? "text" : "binary"} ${bytes.length} ${checksum(bytes)}`;
}

/** @param {ArrayBuffer|Uint8Array} data */
function bytesOf(data) {
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

/** FNV-1a, of 32 bits. */
function checksum(bytes) {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
}

/**
 * @param {string} peerId
 * @param {number} from
 * @param {number} to  exclusive
 */
function sendNumbers(peerId, from, to) {
  for (let number = from; number < to; number++) {
    if (!harness.party.send(peerId, `number ${number}`)) throw new Error(`no open channel to ${peerId}`);
  }
}

/**
 * Do something at an instant that several pages can agree on.
 *
 * @param {number} instant  as Date.now() counts
 * @param {(party: any) => void} act
 */
function at(instant, act) {
  return new Promise((resolve, reject) => {
    setTimeout(() => {
      while (Date.now() < instant); // timers are not exact enough
      try {
        resolve(act(harness.party));
      } catch (error) {
        reject(error);
      }
    }, instant - Date.now() - 5);
  });
}

let camera = null;

async function getCamera() {
  const video = { width: 160, height: 120, frameRate: 5 };
  camera = await navigator.mediaDevices.getUserMedia({ audio: true, video });
}

function addCamera() {
  for (const track of camera.getTracks()) harness.party.addTrack(track, camera);
}

function removeCamera() {
  for (const track of camera.getTracks()) {
    harness.party.removeTrack(track);
    track.stop();
  }
}

/**
 * Which kinds of track from a peer arrive: sound, and a picture that moves. (`muted` tells nothing:
 * Chromium leaves it true on the side that took its own offer back.)
 */
function playing(peerId) {
  const kinds = [];
  for (const { track, streams } of harness.tracks[peerId] ?? []) {
    if (track.kind === "audio") {
      if (track.readyState === "live") kinds.push("audio");
      continue;
    }
    let video = document.getElementById(track.id);
    if (!video) {
      video = Object.assign(document.createElement("video"), { id: track.id, muted: true });
      video.srcObject = streams[0];
      document.body.append(video);
      video.play().catch(() => {});
    }
    if (video.videoWidth > 0 && video.currentTime > 0) kinds.push("video");
  }
  return kinds.sort();
}

/** The stream of a peer by its id, once it has been told of. */
function streamOf(peerId, streamId) {
  return (harness.tracks[peerId] ?? []).map(({ streams }) => streams[0]).find(({ id }) => id === streamId);
}

/** Which kinds of track arrive in a stream of a peer. */
function arriving(peerId, streamId) {
  return streamOf(peerId, streamId)?.getTracks().map(({ kind }) => kind).sort().join();
}

/** Resolves when the picture in a stream of a peer moves. */
async function moves(peerId, streamId) {
  const srcObject = streamOf(peerId, streamId);
  const video = Object.assign(document.createElement("video"), { muted: true, srcObject });
  document.body.append(video);
  video.play().catch(() => {});
  while (video.currentTime < 0.2) await new Promise((resolve) => setTimeout(resolve, 20));
  video.remove();
}

let reloadMoment = null;

/**
 * Reload this page in the very moment in which the client has done something.
 *
 * @param {"sent"|"received"|"request"} kind  of the trace
 * @param {string} what  a type of signal, or the end of a path
 */
function reloadOn(kind, what) {
  reloadMoment = { kind, what };
}

/** @param {any} record  of the trace */
function reloadIfItIsTheMoment({ kind, type, message, path }) {
  const what = { sent: type, received: message?.type, request: path }[kind];
  if (kind === reloadMoment?.kind && what.endsWith(reloadMoment.what)) location.reload();
}

/**
 * @param {"text"|"binary"} kind
 * @param {number} size  in bytes
 */
function makeLarge(kind, size) {
  if (kind === "text") return "größer 😀 ".repeat(Math.floor(size / 14));
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * i) >>> 3;
  return bytes;
}

/** @param {"visible"|"hidden"} state */
function setVisibility(state) {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
  Object.defineProperty(document, "hidden", { configurable: true, get: () => state === "hidden" });
  document.dispatchEvent(new Event("visibilitychange"));
}

/**
 * The n-th message of a long talk: of 1 byte to 16 KiB, and as every page knows it.
 *
 * @param {number} n
 */
function words(n) {
  const size = 1 + (n % 3 ? n % 32 : (n * 7919) % (16 * 1024));
  return String.fromCharCode(97 + (n % 26)).repeat(size);
}

/**
 * Say so many things to a peer, one after the other as they are taken.
 *
 * @param {string} peerId
 * @param {number} count
 */
async function talk(peerId, count) {
  for (let n = 0; n < count; await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (harness.party.send(peerId, words(n))) n += 1;
  }
}

/** Hear what `talk` says: how much of it, and what was not what should have come. */
function listen() {
  const { heard } = harness;
  harness.party.addEventListener("message", ({ detail }) => {
    if (detail.data !== words(heard.count)) heard.wrong.push([heard.count, detail.data.slice(0, 40)]);
    heard.count += 1;
  });
}
