/**
 * One RTCPeerConnection with its data channel and media, and its negotiations with the other side.
 *
 * Perfect negotiation (W3C WebRTC 1.0, section 10.7): either side may offer at any time; where two
 * offers cross, the impolite side ignores the other's and the polite side takes its own back.
 *
 * Each payload names the connection and the negotiation that it belongs to, so that what comes late is
 * told from what comes now:
 *
 *     offer, answer  {connection, negotiation, description}
 *     ice            {connection, negotiation, candidates}
 *
 * Signals of another connection never get here, and an answer to another negotiation is dropped.
 * Candidates are given to the browser whatever their negotiation: it knows by their ufrag whether they fit.
 * Theirs serves the sender, which joins the candidates of one negotiation, and whoever reads the trace.
 */

import { Pipe } from "./pipe.js";

/** @typedef {import("./pipe.js").Data} Data */
/** @typedef {import("./pipe.js").Packed} Packed */
/** @typedef {Pick<import("./ice.js").IceServers, "current"|"fresh">} IceServers */

/**
 * @typedef {object} SignalPayload
 * @property {string} connection  chosen at random by the side that began it
 * @property {number} negotiation  counts the offers of one connection, from 1
 * @property {RTCSessionDescriptionInit} [description]
 * @property {RTCIceCandidateInit[]} [candidates]
 */

/**
 * @typedef {object} ConnectionOptions
 * @property {string} id
 * @property {boolean} polite
 * @property {IceServers} iceServers
 * @property {Map<MediaStreamTrack, MediaStream>} tracks  what to send
 * @property {(type: "offer"|"answer"|"ice", payload: SignalPayload) => string} post  sends a signal soon,
 *   under the `clientMsgId` that it gives
 * @property {(state: "open"|"interrupted"|"failed") => void} onState
 * @property {(data: Data) => void} onData
 * @property {(event: RTCTrackEvent) => void} onTrack
 */

/** A moment without packets mends itself more often than not. */
const DISCONNECTED_GRACE_MS = 4_000;
/** The polite side lets the other one restart first, so that they rarely do so both. */
const POLITE_DELAY_MS = 2_000;
/** From a restart of ICE until the connection counts as lost. */
const RESTART_DEADLINE_MS = 15_000;

export class Connection {
  #polite;
  #iceServers;
  #usedIceServers;
  #sendSignal;
  #onState;
  #pc;
  #channel;
  #pipe;
  #negotiation = 0;
  /** @type {Set<string>} under which `clientMsgId`s signals have been sent */
  #posted = new Set();
  /** Under which names candidates are sent: those of the description that they belong to. */
  #label = { connection: "", negotiation: 0 };
  /** @type {RTCIceCandidateInit[]} that came before the description that they belong to */
  #earlyCandidates = [];
  /** Descriptions and candidates are applied one after the other, in the order in which they came. */
  #queue = Promise.resolve();
  /** @type {ReturnType<typeof setTimeout>|undefined} runs while packets do not get through */
  #repairTimer;
  #isClosed = false;

  /**
   * Whether this side has begun the connection and the other side has not answered yet. It means that
   * the other side may have begun one at the same time.
   */
  awaitsFirstAnswer = false;

  /** @param {ConnectionOptions} options */
  constructor({ id, polite, iceServers, tracks, post, onState, onData, onTrack }) {
    this.id = id;
    this.#polite = polite;
    this.#iceServers = iceServers;
    this.#usedIceServers = iceServers.current;
    this.#sendSignal = post;
    this.#onState = onState;
    this.#pc = new RTCPeerConnection({ iceServers: this.#usedIceServers, bundlePolicy: "max-bundle" });
    // Negotiated by its number, so that there is exactly one, whichever side began.
    this.#channel = this.#pc.createDataChannel("party", { negotiated: true, id: 0 });
    this.#pipe = new Pipe(this.#channel, (data) => this.#isClosed || onData(data));
    this.#pc.ontrack = (event) => this.#isClosed || onTrack(event);
    for (const [track, stream] of tracks) this.addTrack(track, stream);
    this.#listen();
  }

  /** Whether data can be sent. */
  get isOpen() {
    return this.#channel.readyState === "open";
  }

  /** @param {string} clientMsgId  of a signal: whether it was sent for this connection */
  hasPosted(clientMsgId) {
    return this.#posted.has(clientMsgId);
  }

  /** Begin: make the first offer. */
  start() {
    this.awaitsFirstAnswer = true;
    this.#enqueue(() => this.#offer());
  }

  /**
   * Handle a signal that names this connection.
   *
   * @param {"offer"|"answer"|"ice"} type
   * @param {SignalPayload} payload
   */
  receive(type, payload) {
    if (type === "answer") this.awaitsFirstAnswer = false;
    const handle = { offer: this.#takeOffer, answer: this.#takeAnswer, ice: this.#takeCandidates }[type];
    this.#enqueue(() => handle.call(this, payload));
  }

  /**
   * @param {Packed} packed
   * @returns {boolean} false: the channel is not open
   */
  send(packed) {
    if (!this.isOpen) return false;
    this.#pipe.send(packed);
    return true;
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {MediaStream} stream  groups tracks that belong together
   */
  addTrack(track, stream) {
    this.#pc.addTrack(track, stream);
  }

  /** @param {MediaStreamTrack} track */
  removeTrack(track) {
    const sender = this.#pc.getSenders().find((candidate) => candidate.track === track);
    if (sender) this.#pc.removeTrack(sender);
  }

  /** Close for good. Nothing is reported from here on. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#repairTimer);
    this.#channel.close();
    this.#pc.close();
  }

  #listen() {
    const [pc, channel] = [this.#pc, this.#channel];
    // The first offer is made by `start`, and only on one side.
    pc.onnegotiationneeded = () => pc.currentRemoteDescription && this.#enqueue(() => this.#offer());
    pc.onicecandidate = ({ candidate }) => candidate?.candidate && this.#postCandidate(candidate);
    pc.onconnectionstatechange = () => this.#report();
    channel.onopen = () => this.#report();
    channel.onclose = () => this.#report();
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

  /** @param {() => Promise<void>} task  skipped when the connection was closed before its turn */
  #enqueue(task) {
    this.#queue = this.#queue.then(async () => {
      try {
        if (!this.#isClosed) await task();
      } catch (error) {
        if (this.#isClosed) return;
        console.warn("party: a negotiation failed", error);
        this.#lose();
      }
    });
  }

  async #offer() {
    // In the middle of another negotiation "negotiationneeded" comes again after it.
    if (this.#pc.signalingState !== "stable") return;
    this.#negotiation += 1;
    await this.#describe("offer");
  }

  /** @param {"offer"|"answer"} type */
  async #describe(type) {
    // The description begins the gathering of candidates: credentials must be good by then.
    this.#useIceServers(await this.#iceServers.fresh());
    this.#label = { connection: this.id, negotiation: this.#negotiation };
    await this.#pc.setLocalDescription();
    const description = this.#pc.localDescription;
    if (this.#isClosed || !description) return;
    this.#post(type, { ...this.#label, description: description.toJSON() });
  }

  /**
   * @param {"offer"|"answer"|"ice"} type
   * @param {SignalPayload} payload
   */
  #post(type, payload) {
    this.#posted.add(this.#sendSignal(type, payload));
  }

  /** @param {RTCIceServer[]} iceServers */
  #useIceServers(iceServers) {
    if (iceServers === this.#usedIceServers) return;
    this.#usedIceServers = iceServers;
    this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers });
  }

  /** @param {RTCIceCandidate} candidate */
  #postCandidate(candidate) {
    if (this.#isClosed) return;
    this.#post("ice", { ...this.#label, candidates: [candidate.toJSON()] });
  }

  /** @param {SignalPayload} payload */
  async #takeOffer({ negotiation, description }) {
    const isGlare = this.#pc.signalingState !== "stable";
    if (isGlare && !this.#polite) return;
    this.#negotiation = negotiation;
    await this.#setRemoteDescription(description); // in glare it takes back the own offer
    await this.#describe("answer");
  }

  /** @param {SignalPayload} payload */
  async #takeAnswer({ negotiation, description }) {
    if (negotiation !== this.#negotiation || this.#pc.signalingState !== "have-local-offer") return;
    await this.#setRemoteDescription(description);
  }

  /** @param {RTCSessionDescriptionInit} [description] */
  async #setRemoteDescription(description) {
    await this.#pc.setRemoteDescription(/** @type {RTCSessionDescriptionInit} */ (description));
    await this.#addCandidates(this.#earlyCandidates.splice(0));
  }

  /** @param {SignalPayload} payload */
  async #takeCandidates({ candidates = [] }) {
    if (this.#pc.remoteDescription) await this.#addCandidates(candidates);
    else this.#earlyCandidates.push(...candidates);
  }

  /** @param {RTCIceCandidateInit[]} candidates */
  async #addCandidates(candidates) {
    for (const candidate of candidates) {
      // One that does not fit belongs to an offer that glare took back; at worst it is one path fewer.
      await this.#pc.addIceCandidate(candidate).catch(() => {});
    }
  }
}
