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

import { Media } from "./media.js";
import { Pipe } from "./pipe.js";
import { backoffMs } from "./timing.js";

/** @typedef {import("./pipe.js").Data} Data */
/** @typedef {import("./pipe.js").Packed} Packed */
/** @typedef {Pick<import("./ice-servers.js").IceServers, "current"|"fresh">} IceServers */

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
 * @property {Map<MediaStreamTrack, MediaStream>} tracks  what to send, now and later
 * @property {(type: "offer"|"answer"|"ice", payload: SignalPayload) => string} post  sends a signal soon,
 *   under the `clientMsgId` that it gives
 * @property {(state: "open"|"interrupted"|"failed") => void} onState
 * @property {(data: Data) => void} onData
 * @property {number} [maxMessageBytes]  more in one piece is not taken
 * @property {(bytes: number) => void} [onTooLarge]  so many were sent in one piece, and are dropped
 * @property {(event: RTCTrackEvent) => void} onTrack
 */

/** A moment without packets mends itself more often than not. */
const DISCONNECTED_GRACE_MS = 4_000;
/** The polite side lets the other one restart first, so that they rarely do so both. */
const POLITE_DELAY_MS = 2_000;
/** From a restart of ICE until the connection counts as lost. */
const RESTART_DEADLINE_MS = 15_000;
/** An offer that the service refuses is made again ever more rarely. */
const LONGEST_OFFER_DELAY_MS = 60_000;

export class Connection {
  #polite;
  #iceServers;
  #usedIceServers;
  #media;
  #sendSignal;
  #onState;
  #pc;
  #channel;
  #pipe;
  #negotiation = 0;
  /** @type {Map<string, {type: string, negotiation: number}>} what has been sent, by its `clientMsgId` */
  #posted = new Map();
  /** How many offers in a row have not reached the other side. */
  #lostOffers = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} runs while an offer that was lost waits for its next try */
  #offerTimer;
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
  constructor({ id, polite, iceServers, tracks, post, onState, onData, maxMessageBytes, onTooLarge, onTrack }) {
    this.id = id;
    this.#polite = polite;
    this.#iceServers = iceServers;
    this.#usedIceServers = iceServers.current;
    this.#sendSignal = post;
    this.#onState = onState;
    this.#pc = new RTCPeerConnection({ iceServers: this.#usedIceServers, bundlePolicy: "max-bundle" });
    // Negotiated by its number, so that there is exactly one, whichever side began.
    this.#channel = this.#pc.createDataChannel("party", { negotiated: true, id: 0 });
    this.#pipe = new Pipe(this.#channel, {
      onData: (data) => this.#isClosed || onData(data),
      maxBytes: maxMessageBytes,
      onTooLarge: (bytes) => this.#isClosed || onTooLarge?.(bytes),
    });
    this.#pc.ontrack = (event) => this.#isClosed || onTrack(event);
    this.#media = new Media(this.#pc, tracks);
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
    this.#media.add(track, stream);
    this.#offerAgain();
  }

  /** @param {MediaStreamTrack} track */
  removeTrack(track) {
    this.#media.remove(track);
    this.#offerAgain();
  }

  /**
   * A signal was refused by the service, or has expired before the other side fetched it.
   *
   * @param {string} clientMsgId
   */
  onLost(clientMsgId) {
    const lost = this.#posted.get(clientMsgId);
    if (lost?.type === "offer" && this.isOpen) this.#enqueue(() => this.#takeBackOffer(lost.negotiation));
    // The other side waits for a description that will not come. Candidates are worth less: there are others.
    else if (lost?.type === "offer" || lost?.type === "answer") this.#lose();
  }

  /** Close for good. Nothing is reported from here on. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#repairTimer);
    clearTimeout(this.#offerTimer);
    this.#channel.close();
    this.#pc.close();
  }

  #listen() {
    const [pc, channel] = [this.#pc, this.#channel];
    // The first offer is made by `start`, and only on one side. One that was lost waits for its next try.
    pc.onnegotiationneeded = () => {
      if (pc.currentRemoteDescription && this.#offerTimer === undefined) this.#enqueue(() => this.#offer());
    };
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
        this.#offerAgain();
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

  /**
   * An offer is lost while the connection is open: it goes on as it was before. What the offer was made for is
   * offered again after a while.
   *
   * @param {number} negotiation
   */
  async #takeBackOffer(negotiation) {
    // In glare it has been taken back already.
    if (negotiation !== this.#negotiation || this.#pc.signalingState !== "have-local-offer") return;
    this.#lostOffers += 1;
    const delayMs = backoffMs(this.#lostOffers, LONGEST_OFFER_DELAY_MS);
    this.#offerTimer = setTimeout(() => this.#offerAgain(), delayMs);
    await this.#pc.setLocalDescription({ type: "rollback" });
  }

  /** Where an offer was lost, try the next one now: what is to be offered has changed, or time has passed. */
  #offerAgain() {
    if (this.#offerTimer === undefined) return;
    clearTimeout(this.#offerTimer);
    this.#offerTimer = undefined;
    this.#enqueue(() => this.#offer());
  }

  /** @param {"offer"|"answer"} type */
  async #describe(type) {
    // The description begins the gathering of candidates: credentials must be good by then.
    this.#useIceServers(await this.#iceServers.fresh());
    this.#label = { connection: this.id, negotiation: this.#negotiation };
    this.#media.tellStreams();
    await this.#pc.setLocalDescription();
    const description = this.#pc.localDescription;
    if (this.#isClosed || !description) return;
    const { type: kind, sdp } = description; // not every implementation's description has a `toJSON`
    this.#post(type, { ...this.#label, description: { type: kind, sdp } });
  }

  /**
   * @param {"offer"|"answer"|"ice"} type
   * @param {SignalPayload} payload
   */
  #post(type, payload) {
    this.#posted.set(this.#sendSignal(type, payload), { type, negotiation: payload.negotiation });
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
    const { sdpMid, sdpMLineIndex, usernameFragment } = candidate;
    const init = { candidate: candidate.candidate, sdpMid, sdpMLineIndex, usernameFragment };
    this.#post("ice", { ...this.#label, candidates: [init] });
  }

  /** @param {SignalPayload} payload */
  async #takeOffer({ negotiation, description }) {
    const isGlare = this.#pc.signalingState !== "stable";
    if (isGlare && !this.#polite) return;
    if (isGlare) {
      await this.#pc.setLocalDescription({ type: "rollback" });
      this.#media.hold();
    }
    this.#negotiation = negotiation;
    await this.#setRemoteDescription(description);
    await this.#describe("answer");
    this.#media.addMissing();
    this.#media.tellStreams();
  }

  /** @param {SignalPayload} payload */
  async #takeAnswer({ negotiation, description }) {
    if (negotiation !== this.#negotiation || this.#pc.signalingState !== "have-local-offer") return;
    await this.#setRemoteDescription(description);
    this.#media.tellStreams();
    this.#lostOffers = 0;
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
