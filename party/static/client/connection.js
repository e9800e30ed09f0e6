/** One RTCPeerConnection with its data channel and its media. negotiation.js sees to what both sides agree on. */

import { Media } from "./media.js";
import { Negotiation } from "./negotiation.js";
import { Pipe } from "./pipe.js";

/** @typedef {import("./negotiation.js").SignalPayload} SignalPayload */
/** @typedef {import("./pipe.js").Data} Data */
/** @typedef {import("./pipe.js").Packed} Packed */

/**
 * @typedef {object} OwnOptions
 * @property {Map<MediaStreamTrack, MediaStream>} tracks  what to send, now and later
 * @property {(state: "open"|"interrupted"|"failed") => void} onState
 * @property {(data: Data, tag: string) => void} onData  `tag`: its number
 * @property {(text: string) => void} [onWord]  what the other page has told
 * @property {number} [maxMessageBytes]  more in one piece is not taken
 * @property {(bytes: number, tag: string) => void} [onTooLarge]  so many were sent in one piece, and are dropped
 * @property {(event: RTCTrackEvent) => void} onTrack
 *
 * @typedef {OwnOptions & import("./negotiation.js").NegotiationOptions} ConnectionOptions
 */

/** A moment without packets mends itself more often than not. */
const DISCONNECTED_GRACE_MS = 4_000;
/** The polite side lets the other one restart first, so that they rarely do so both. */
const POLITE_DELAY_MS = 2_000;
/** From a restart of ICE until the connection counts as lost. */
const RESTART_DEADLINE_MS = 15_000;

export class Connection {
  #polite;
  #onState;
  #pc;
  #channel;
  #pipe;
  #media;
  #negotiation;
  /** @type {ReturnType<typeof setTimeout>|undefined} runs while packets do not get through */
  #repairTimer;
  #isClosed = false;
  /** Whether this side has begun it. */
  isOwn = false;

  /** @param {ConnectionOptions} options */
  constructor({ tracks, onState, onData, onWord, maxMessageBytes, onTooLarge, onTrack, ...options }) {
    this.id = options.id;
    this.#polite = options.polite;
    this.#onState = onState;
    const { current: iceServers, policy: iceTransportPolicy } = options.iceServers;
    this.#pc = new RTCPeerConnection({ iceServers, iceTransportPolicy, bundlePolicy: "max-bundle" });
    // Negotiated by its number, so that there is exactly one, whichever side began.
    this.#channel = this.#pc.createDataChannel("party", { negotiated: true, id: 0 });
    this.#pipe = new Pipe(this.#channel, {
      onData: (data, tag) => this.#isClosed || onData(data, tag),
      onWord: (text) => this.#isClosed || onWord?.(text),
      maxBytes: maxMessageBytes,
      onTooLarge: (bytes, tag) => this.#isClosed || onTooLarge?.(bytes, tag),
    });
    this.#pc.ontrack = (event) => this.#isClosed || onTrack(event);
    this.#media = new Media(this.#pc, tracks);
    this.#negotiation = new Negotiation(this.#pc, this.#media, options, () => this.#lose());
    this.#pc.onconnectionstatechange = () => this.#report();
    this.#channel.onopen = () => this.#report();
    this.#channel.onclose = () => this.#report();
  }

  /** Whether data can be sent. */
  get isOpen() {
    return this.#channel.readyState === "open";
  }

  /**
   * Whether this side has begun the connection and the other side has not answered yet. It means that
   * the other side may have begun one at the same time.
   */
  get awaitsFirstAnswer() {
    return this.#negotiation.awaitsFirstAnswer;
  }

  /** @param {string} clientMsgId  of a signal: whether it was sent for this connection */
  hasPosted(clientMsgId) {
    return this.#negotiation.hasPosted(clientMsgId);
  }

  /** What has been seen of it so far. */
  get attempt() {
    return this.#negotiation.attempt;
  }

  /** Begin: make the first offer. */
  start() {
    this.isOwn = true;
    this.#negotiation.start();
  }

  /**
   * Handle a signal that names this connection.
   *
   * @param {"offer"|"answer"|"ice"} type
   * @param {SignalPayload} payload
   */
  receive(type, payload) {
    this.#negotiation.receive(type, payload);
  }

  /**
   * A signal was refused by the service, or has expired before the other side fetched it.
   *
   * @param {string} clientMsgId
   */
  onLost(clientMsgId) {
    this.#negotiation.onLost(clientMsgId, this.isOpen);
  }

  /**
   * @param {Packed} packed  waits where the channel is not open
   * @param {string} tag  its number
   */
  send(packed, tag) {
    this.#pipe.send(packed, tag);
  }

  /** @param {string} text  for the other page; it is lost where the channel is not open */
  tell(text) {
    this.#pipe.tell(text);
  }

  /** @returns {Promise<{local?: string, remote?: string, protocol?: string}>} of what kind the path is; never rejects */
  async path() {
    try {
      return pathIn(await this.#pc.getStats());
    } catch {
      return {};
    }
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {MediaStream} stream  groups tracks that belong together
   */
  addTrack(track, stream) {
    this.#media.add(track, stream);
    this.#negotiation.offerAgain();
  }

  /** @param {MediaStreamTrack} track */
  removeTrack(track) {
    this.#media.remove(track);
    this.#negotiation.offerAgain();
  }

  /** Close for good. Nothing is reported from here on. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#repairTimer);
    this.#negotiation.close();
    this.#channel.close();
    this.#pc.close();
  }

  #report() {
    if (this.#isClosed) return;
    const [transport, channel] = [this.#pc.connectionState, this.#channel.readyState];
    if (transport === "closed" || channel === "closed") return this.#lose();
    if (transport === "failed") return this.#repair(0);
    if (transport === "disconnected") return this.#repair(DISCONNECTED_GRACE_MS);
    if (transport === "connected") this.#endRepair();
    if (channel === "open") this.#onState("open");
  }

  /**
   * Packets do not get through. Look for another path, if they still do not after the grace period; give
   * up if none is found. A connection that has never been open is better begun anew.
   *
   * @param {number} graceMs
   */
  #repair(graceMs) {
    if (!this.isOpen) return graceMs === 0 ? this.#lose() : undefined;
    this.#onState("interrupted");
    // From "disconnected" it goes on to "failed", which is no second interruption.
    this.#repairTimer ??= setTimeout(
      () => {
        this.#pc.restartIce();
        this.#negotiation.offerAgain();
        this.#repairTimer = setTimeout(() => this.#lose(), RESTART_DEADLINE_MS);
      },
      graceMs + (this.#polite ? POLITE_DELAY_MS : 0),
    );
  }

  #endRepair() {
    clearTimeout(this.#repairTimer);
    this.#repairTimer = undefined;
  }

  #lose() {
    this.#endRepair();
    this.#onState("failed");
  }
}

/** @param {RTCStatsReport} stats */
function pathIn(stats) {
  const all = [...stats.values()];
  const { selectedCandidatePairId: id } = all.find(({ type }) => type === "transport") ?? {};
  const pair = stats.get(id) ?? all.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
  const [local, remote] = [stats.get(pair?.localCandidateId), stats.get(pair?.remoteCandidateId)];
  return { local: local?.candidateType, remote: remote?.candidateType, protocol: local?.relayProtocol ?? local?.protocol };
}
