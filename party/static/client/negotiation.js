/**
 * The negotiations of one connection: perfect negotiation (W3C WebRTC 1.0, section 10.7). Either side may offer at
 * any time; where two offers cross, the impolite side ignores the other's and the polite side takes its own back.
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

import { refusalIn } from "./reasons.js";
import { backoffMs } from "./timing.js";

/** @typedef {Pick<import("./ice-servers.js").IceServers, "current"|"fresh"|"policy">} IceServers */

/**
 * @typedef {object} SignalPayload
 * @property {string} connection  chosen at random by the side that began it
 * @property {number} negotiation  counts the offers of one connection, from 1
 * @property {RTCSessionDescriptionInit} [description]
 * @property {RTCIceCandidateInit[]} [candidates]
 */

/**
 * @typedef {object} NegotiationOptions
 * @property {string} id  of the connection
 * @property {boolean} polite
 * @property {IceServers} iceServers
 * @property {(type: "offer"|"answer"|"ice", payload: SignalPayload) => string} post  sends a signal soon,
 *   under the `clientMsgId` that it gives
 * @property {() => void} [onSeen]  something has been seen that may tell why it does not connect
 * @property {(event: RTCPeerConnectionIceErrorEvent) => void} [onCandidateError]
 */

/** An offer that the service refuses is made again ever more rarely. */
const LONGEST_OFFER_DELAY_MS = 60_000;

export class Negotiation {
  #pc;
  #media;
  #id;
  #polite;
  #iceServers;
  #usedIceServers;
  #usedPolicy;
  #sendSignal;
  #onSeen;
  #onFailed;
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
  #isClosed = false;

  /**
   * Whether this side has begun the connection and the other side has not answered yet. It means that
   * the other side may have begun one at the same time.
   */
  awaitsFirstAnswer = false;

  /** @type {import("./reasons.js").Attempt} what has been seen so far */
  attempt = { isGathered: false, candidates: 0, theirCandidates: 0, isAnswered: false, refusal: null };

  /**
   * @param {RTCPeerConnection} pc  made with the ICE servers as they are known
   * @param {import("./media.js").Media} media
   * @param {NegotiationOptions} options
   * @param {() => void} onFailed
   */
  constructor(pc, media, { id, polite, iceServers, post, onSeen = () => {}, onCandidateError }, onFailed) {
    this.#pc = pc;
    this.#media = media;
    this.#id = id;
    this.#polite = polite;
    this.#iceServers = iceServers;
    this.#usedIceServers = iceServers.current;
    this.#usedPolicy = iceServers.policy;
    this.#sendSignal = post;
    this.#onSeen = onSeen;
    this.#onFailed = onFailed;
    // The first offer is made by `start`, and only on one side. One that was lost waits for its next try.
    pc.onnegotiationneeded = () => {
      if (pc.currentRemoteDescription && this.#offerTimer === undefined) this.#enqueue(() => this.#offer());
    };
    pc.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) this.#postCandidate(candidate);
      else this.#see({ isGathered: candidate === null });
    };
    pc.onicecandidateerror = (event) => {
      if (this.#isClosed) return;
      onCandidateError?.(event);
      const refusal = refusalIn(event);
      if (refusal) this.#see({ refusal });
    };
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
    if (type !== "ice") this.#see({ isAnswered: true });
    const handle = { offer: this.#takeOffer, answer: this.#takeAnswer, ice: this.#takeCandidates }[type];
    this.#enqueue(() => handle.call(this, payload));
  }

  /** @param {string} clientMsgId  of a signal: whether it was sent for this connection */
  hasPosted(clientMsgId) {
    return this.#posted.has(clientMsgId);
  }

  /**
   * A signal was refused by the service, or has expired before the other side fetched it.
   *
   * @param {string} clientMsgId
   * @param {boolean} isOpen  whether the connection is
   */
  onLost(clientMsgId, isOpen) {
    const lost = this.#posted.get(clientMsgId);
    if (lost?.type === "offer" && isOpen) this.#enqueue(() => this.#takeBackOffer(lost.negotiation));
    // The other side waits for a description that will not come. Candidates are worth less: there are others.
    else if (lost?.type === "offer" || lost?.type === "answer") this.#onFailed();
  }

  /** Where an offer was lost, try the next one now: what is to be offered has changed, or time has passed. */
  offerAgain() {
    if (this.#offerTimer === undefined) return;
    clearTimeout(this.#offerTimer);
    this.#offerTimer = undefined;
    this.#enqueue(() => this.#offer());
  }

  /** Nothing is sent or reported from here on. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#offerTimer);
  }

  /** @param {Partial<import("./reasons.js").Attempt>} seen */
  #see(seen) {
    if (this.#isClosed) return;
    Object.assign(this.attempt, seen);
    this.#onSeen();
  }

  /** @param {() => Promise<void>} task  skipped when the connection was closed before its turn */
  #enqueue(task) {
    this.#queue = this.#queue.then(async () => {
      try {
        if (!this.#isClosed) await task();
      } catch (error) {
        if (this.#isClosed) return;
        console.warn("party: a negotiation failed", error);
        this.#onFailed();
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
    this.#offerTimer = setTimeout(() => this.offerAgain(), delayMs);
    await this.#pc.setLocalDescription({ type: "rollback" });
  }

  /** @param {"offer"|"answer"} type */
  async #describe(type) {
    // The description begins the gathering of candidates: credentials must be good by then.
    this.#useIceServers(await this.#iceServers.fresh());
    this.#label = { connection: this.#id, negotiation: this.#negotiation };
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
    const { policy } = this.#iceServers;
    if (iceServers === this.#usedIceServers && policy === this.#usedPolicy) return;
    [this.#usedIceServers, this.#usedPolicy] = [iceServers, policy];
    this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers, iceTransportPolicy: policy });
  }

  /** @param {RTCIceCandidate} candidate */
  #postCandidate(candidate) {
    if (this.#isClosed) return;
    this.attempt.candidates += 1;
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
    if (description?.sdp?.includes("a=candidate:")) this.attempt.theirCandidates += 1;
    await this.#pc.setRemoteDescription(/** @type {RTCSessionDescriptionInit} */ (description));
    await this.#addCandidates(this.#earlyCandidates.splice(0));
  }

  /** @param {SignalPayload} payload */
  async #takeCandidates({ candidates = [] }) {
    this.attempt.theirCandidates += candidates.length;
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
