/**
 * One RTCPeerConnection with its data channel, and its negotiations with the other side.
 *
 * Perfect negotiation (W3C WebRTC 1.0, section 10.7): either side may offer at any time; where two
 * offers cross, the impolite side ignores the other's and the polite side takes its own back.
 *
 * Each payload names the connection and the negotiation that it belongs to, so that what comes late is
 * told from what comes now:
 *
 *     offer, answer  {connection, negotiation, description}
 *     ice            {connection, negotiation, candidates}
 */

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
 * @property {RTCIceServer[]} iceServers
 * @property {(type: "offer"|"answer"|"ice", payload: SignalPayload) => void} post  sends a signal soon
 * @property {(state: "open"|"interrupted"|"failed") => void} onState
 * @property {(data: any) => void} onData
 */

export class Connection {
  #polite;
  #post;
  #onState;
  #onData;
  #pc;
  #channel;
  #negotiation = 0;
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

  /** @param {ConnectionOptions} options */
  constructor({ id, polite, iceServers, post, onState, onData }) {
    this.id = id;
    this.#polite = polite;
    this.#post = post;
    this.#onState = onState;
    this.#onData = onData;
    this.#pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    // Negotiated by its number, so that there is exactly one, whichever side began.
    this.#channel = this.#pc.createDataChannel("party", { negotiated: true, id: 0 });
    this.#listen();
  }

  /** Whether data can be sent. */
  get isOpen() {
    return this.#channel.readyState === "open";
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
   * @param {string} text
   * @returns {boolean} false: the channel is not open
   */
  send(text) {
    if (!this.isOpen) return false;
    this.#channel.send(text);
    return true;
  }

  /** Close for good. Nothing is reported from here on. */
  close() {
    this.#isClosed = true;
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
    channel.onmessage = ({ data }) => this.#isClosed || this.#onData(data);
  }

  #report() {
    if (this.#isClosed) return;
    const [transport, channel] = [this.#pc.connectionState, this.#channel.readyState];
    if (transport === "failed" || transport === "closed" || channel === "closed") this.#onState("failed");
    else if (transport === "disconnected") this.#onState("interrupted");
    else if (channel === "open") this.#onState("open");
  }

  /** @param {() => Promise<void>} task  skipped when the connection was closed before its turn */
  #enqueue(task) {
    this.#queue = this.#queue.then(async () => {
      try {
        if (!this.#isClosed) await task();
      } catch (error) {
        if (this.#isClosed) return;
        console.warn("party: a negotiation failed", error);
        this.#onState("failed");
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
    this.#label = { connection: this.id, negotiation: this.#negotiation };
    await this.#pc.setLocalDescription();
    const description = this.#pc.localDescription;
    if (this.#isClosed || !description) return;
    this.#post(type, { ...this.#label, description: description.toJSON() });
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
