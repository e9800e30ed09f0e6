/**
 * The media tracks that one connection sends, and the transceivers that carry them. An offer tells of all transceivers
 * that there ever were: one that sends nothing any more is taken again, or offers would grow with each camera that
 * is turned on.
 */

export class Media {
  #pc;
  #tracks;
  /** @type {Map<MediaStreamTrack, RTCRtpSender>} by what each sends, or will in a moment */
  #senders = new Map();
  /** @type {Map<RTCRtpSender, MediaStream>} the streams of tracks that took the place of others */
  #streams = new Map();

  /**
   * @param {RTCPeerConnection} pc
   * @param {Map<MediaStreamTrack, MediaStream>} tracks  what to send, now and later
   */
  constructor(pc, tracks) {
    this.#pc = pc;
    this.#tracks = tracks;
    this.addMissing();
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {MediaStream} stream
   */
  add(track, stream) {
    const unused = this.#unusedTransceiver(track.kind);
    // Not by `addTrack`, whose transceivers a browser gives to an offer that crosses the own one: Chromium then shows
    // no picture that is sent there a second time. A crossing costs a place, but only where none was free.
    const { sender } = unused ?? this.#pc.addTransceiver(track, { streams: [stream] });
    this.#senders.set(track, sender);
    if (!unused) return;
    this.#streams.set(sender, stream);
    this.tellStreams();
    this.#replaceTrack(sender, track);
    setSending(unused, true);
  }

  /** @param {MediaStreamTrack} track */
  remove(track) {
    const sender = this.#senders.get(track);
    if (!sender) return;
    this.#senders.delete(track);
    this.#replaceTrack(sender, null);
    const transceiver = this.#transceiverOf(sender);
    if (transceiver) setSending(transceiver, false);
  }

  /**
   * The own offer has been taken back. Chromium shows no picture that comes where an offer to send again was taken
   * back: what was to be sent so follows in another offer, with `addMissing`.
   */
  hold() {
    for (const [track, sender] of [...this.#senders]) {
      const { mid = null, currentDirection } = this.#transceiverOf(sender) ?? {};
      if (mid !== null && !["sendrecv", "sendonly"].includes(currentDirection ?? "")) this.remove(track);
    }
  }

  /** Send what is to be sent and is not. */
  addMissing() {
    for (const [track, stream] of this.#tracks) if (!this.#senders.has(track)) this.add(track, stream);
  }

  /** Chromium goes back to a sender's first stream after each negotiation; older Firefoxes keep to it. */
  tellStreams() {
    for (const [sender, stream] of this.#streams) sender.setStreams?.(stream);
  }

  /**
   * @param {string} kind  "audio" or "video"
   * @returns {RTCRtpTransceiver|undefined}
   */
  #unusedTransceiver(kind) {
    const used = new Set(this.#senders.values());
    return this.#pc
      .getTransceivers()
      .find(
        ({ sender, receiver, currentDirection, direction }) =>
          receiver.track.kind === kind && !used.has(sender) && ![currentDirection, direction].includes("stopped"),
      );
  }

  /** @param {RTCRtpSender} sender */
  #transceiverOf(sender) {
    return this.#pc.getTransceivers().find((each) => each.sender === sender);
  }

  /**
   * Replacements are made one after the other, in between negotiations.
   *
   * @param {RTCRtpSender} sender
   * @param {MediaStreamTrack|null} track
   */
  #replaceTrack(sender, track) {
    sender.replaceTrack(track).catch((error) => {
      if (this.#pc.signalingState !== "closed") console.warn("party: a track could not be replaced", error);
    });
  }
}

/**
 * @param {RTCRtpTransceiver} transceiver
 * @param {boolean} sends
 */
function setSending(transceiver, sends) {
  const receives = ["sendrecv", "recvonly"].includes(transceiver.direction);
  if (sends) transceiver.direction = receives ? "sendrecv" : "sendonly";
  else transceiver.direction = receives ? "recvonly" : "inactive";
}
