/**
 * An RTCPeerConnection without a network: the signaling states, rollback and errors of WebRTC 1.0, and
 * channels that open once both sides have applied the descriptions of one and the same negotiation.
 */

let lastId = 0;

/** @type {Map<string, FakePeerConnection>} offers and answers by their sdp, and who made them */
const makers = new Map();

class FakeChannel {
  readyState = "connecting";
  bufferedAmount = 0;
  /** @type {FakeChannel|null} */
  other = null;

  /** @param {any} data */
  send(data) {
    const copy = typeof data === "string" ? data : data.slice().buffer;
    const other = this.other;
    queueMicrotask(() => other?.onmessage?.({ data: copy }));
  }

  close() {
    this.readyState = "closed";
  }
}

class FakeTransceiver {
  mid = null;
  /** Whether an answer has told of it. */
  isSettled = false;
  currentDirection = null;
  #direction = "sendrecv";
  #onChange;

  /**
   * @param {any} track
   * @param {() => void} onChange
   */
  constructor(track, onChange) {
    this.#onChange = onChange;
    this.receiver = { track: { kind: track.kind } };
    this.sender = {
      track,
      setStreams: () => {},
      replaceTrack: async (/** @type {any} */ other) => {
        await null;
        this.sender.track = other;
      },
    };
  }

  get direction() {
    return this.#direction;
  }

  set direction(direction) {
    this.#direction = direction;
    this.#onChange();
  }
}

export class FakePeerConnection {
  /** @type {FakePeerConnection[]} all that were made for a party */
  static all = [];

  signalingState = "stable";
  connectionState = "new";
  localDescription = null;
  currentLocalDescription = null;
  remoteDescription = null;
  currentRemoteDescription = null;
  channel = new FakeChannel();
  /** @type {any[]} */
  candidates = [];
  restarts = 0;
  /** @type {any[]} */
  transceivers = [];
  /** @type {any[]} the ICE servers that each gathering asked */
  gatherings = [];

  /** @param {any} [configuration] */
  constructor(configuration = {}) {
    this.configuration = configuration;
  }

  /** @param {string} label */
  createDataChannel(label) {
    if (label === "party") FakePeerConnection.all.push(this);
    return this.channel;
  }

  restartIce() {
    this.restarts++;
    queueMicrotask(() => this.onnegotiationneeded?.());
  }

  getConfiguration() {
    return this.configuration;
  }

  setConfiguration(configuration) {
    this.#assertUsable();
    this.configuration = configuration;
  }

  /** The media tracks that are sent. */
  get tracks() {
    return this.transceivers.map(({ sender }) => sender.track).filter(Boolean);
  }

  getTransceivers() {
    return this.transceivers;
  }

  addTransceiver(track) {
    if (this.tracks.includes(track)) throw new Error("InvalidAccessError: is sent already");
    const transceiver = new FakeTransceiver(track, () => this.#negotiationNeeded());
    this.transceivers.push(transceiver);
    this.#negotiationNeeded();
    return transceiver;
  }

  #settle() {
    this.currentLocalDescription = this.localDescription;
    for (const transceiver of this.transceivers) transceiver.isSettled = transceiver.mid !== null;
  }

  #negotiationNeeded() {
    queueMicrotask(() => this.onnegotiationneeded?.());
  }

  /** @param {{type: "rollback"}} [rollback] */
  async setLocalDescription(rollback) {
    await null;
    this.#assertUsable();
    if (rollback) {
      if (this.signalingState !== "have-local-offer") throw new Error(`InvalidStateError: ${this.signalingState}`);
      this.signalingState = "stable";
      this.localDescription = this.currentLocalDescription;
      const open = this.transceivers.filter(({ isSettled }) => !isSettled);
      for (const transceiver of open) transceiver.mid = null;
      if (open.length > 0) this.#negotiationNeeded();
      return;
    }
    this.getTransceivers().forEach((transceiver, i) => (transceiver.mid = String(i)));
    this.gatherings.push(this.configuration.iceServers);
    const type = this.signalingState === "have-remote-offer" ? "answer" : "offer";
    const sdp = `${type} ${++lastId} with ${this.getTransceivers().length} m-lines`;
    makers.set(sdp, this);
    this.localDescription = description(type, sdp);
    this.signalingState = type === "offer" ? "have-local-offer" : "stable";
    if (type === "answer") this.currentRemoteDescription = this.remoteDescription;
    if (type === "answer") this.#settle();
    queueMicrotask(() => this.onicecandidate?.({ candidate: candidateOf(sdp) }));
    this.#pair();
  }

  /** @param {{type: string, sdp: string}} remote */
  async setRemoteDescription(remote) {
    await null;
    this.#assertUsable();
    const fits =
      remote.type === "answer" ? this.signalingState === "have-local-offer" : this.signalingState !== "have-remote-offer";
    if (!fits) throw new Error(`InvalidStateError: ${remote.type} in ${this.signalingState}`);
    if (remote.type === "offer") this.localDescription = null; // rolls an own offer back
    this.remoteDescription = remote;
    this.signalingState = remote.type === "offer" ? "have-remote-offer" : "stable";
    if (remote.type === "answer") this.currentRemoteDescription = remote;
    if (remote.type === "answer") this.#settle();
    this.#pair();
  }

  /** @param {{sdpMid: string}} candidate */
  async addIceCandidate(candidate) {
    await null;
    if (!this.remoteDescription) throw new Error("InvalidStateError: no remote description");
    if (candidate.sdpMid !== this.remoteDescription.sdp) throw new Error("OperationError: of another description");
    this.candidates.push(candidate);
  }

  /** Packets get through, or do not. */
  setState(state) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }

  close() {
    this.signalingState = this.connectionState = "closed";
    this.channel.close();
    const other = this.channel.other;
    this.channel.other = null;
    if (!other) return;
    other.other = null;
    other.readyState = "closed";
    queueMicrotask(() => other.onclose?.());
  }

  #assertUsable() {
    if (this.signalingState === "closed") throw new Error("InvalidStateError: closed");
  }

  #pair() {
    const other = makers.get(this.remoteDescription?.sdp);
    const fit =
      this.signalingState === "stable" &&
      other?.signalingState === "stable" &&
      other.remoteDescription?.sdp === this.localDescription?.sdp &&
      this.remoteDescription?.sdp === other.localDescription?.sdp;
    if (!fit || !other || this.channel.other) return;
    [this.channel.other, other.channel.other] = [other.channel, this.channel];
    for (const pc of [this, other]) {
      pc.channel.readyState = "open";
      queueMicrotask(() => {
        pc.setState("connected");
        pc.channel.onopen?.();
      });
    }
  }
}

/**
 * @param {string} type
 * @param {string} sdp
 */
function description(type, sdp) {
  return { type, sdp };
}

/** @param {string} sdp */
function candidateOf(sdp) {
  return { candidate: `candidate of ${sdp}`, sdpMid: sdp };
}
