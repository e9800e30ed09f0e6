/**
 * Party: browsers find each other by a room code and open WebRTC data channels, with nothing between
 * them but HTTP polling.
 *
 *     import { Party } from "https://example.org/party/static/party.js";
 *
 *     const party = await Party.create({ name: "Ada" });          // party.code is for the others
 *     const party = await Party.join("K7MPQ2", { name: "Ben" });  // in another browser
 *
 *     party.addEventListener("message", ({ detail }) => console.log(detail.peerId, detail.data));
 *     party.broadcast("hello");
 *
 * How it is made: `Party` knows who is in the room. It has one `PollLoop`, which carries all signals
 * (polling.js, over api.js), and for each other participant a `Peer` (peer.js), which keeps a
 * `Connection` to it (connection.js). Whoever enters begins the connections to those who are there.
 */

import { Api, ApiError, MemberApi } from "./api.js";
import { IceServers } from "./ice.js";
import { codeFrom } from "./input.js";
import { Peer } from "./peer.js";
import { checked } from "./options.js";
import { pack } from "./pipe.js";
import { PollLoop } from "./polling.js";
import { randomText } from "./random.js";
import { SeatKeeper } from "./seat.js";
import { reasonOf, retrying, retryingChange, unlessAborted, untilAnswered } from "./timing.js";
import { Trace } from "./trace.js";

export { ApiError };

/** Where this module came from. In a classic script `import.meta` is empty, but the script is known. */
const OWN_ADDRESS =
  import.meta.url ?? /** @type {HTMLScriptElement|null|undefined} */ (globalThis.document?.currentScript)?.src;

/**
 * Host candidates come a few milliseconds after their description, those of a STUN server some tens. (The
 * end of gathering is no better sign: Chromium waits 100 ms for it where nothing is asked.)
 */
const GATHER = { longestMs: 60, quietMs: 60 };
const GATHER_LOCALLY = { longestMs: 25, quietMs: 8 };

/** @typedef {import("./api.js").AnswerResult} AnswerResult */
/** @typedef {import("./api.js").Participant} Participant */
/** @typedef {import("./api.js").Room} Room */
/** @typedef {import("./api.js").RoomPreview} RoomPreview */
/** @typedef {import("./api.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./api.js").Seat} Seat */
/** @typedef {import("./api.js").Standing} Standing */
/** @typedef {import("./api.js").StreamMessage} StreamMessage */
/** @typedef {import("./events.js").EndReason} EndReason */
/** @typedef {import("./events.js").PartyEvents} PartyEvents */
/**
 * @template {keyof PartyEvents} Type
 * @typedef {import("./events.js").PartyListener<Type>} PartyListener
 */
/** @typedef {import("./peer.js").PeerState} PeerState */
/** @typedef {import("./peer.js").SignalPayload} SignalPayload */
/** @typedef {import("./trace.js").TraceRecord} TraceRecord */
/** @typedef {{type: "offer"|"answer"|"ice", fromId: string, payload: SignalPayload}} Signal */
/** @typedef {Participant & {isYou: boolean, state: PeerState|null}} Member */

/**
 * @typedef {object} PageOptions  what a page decides for itself
 * @property {string|URL} [baseUrl]  where the service is, unless this module came from it; may be relative
 *   to the page
 * @property {"mesh"|"star"} [topology]  everybody with everybody (the default), or only with the host;
 *   the same for all pages of a room
 * @property {Storage|null} [storage]  where `resume` finds the seat after a reload: sessionStorage, unless
 *   given; null to keep it nowhere
 * @property {boolean} [leaveOnClose]  leave the room when the page is closed, left or reloaded, rather than
 *   come back with `resume`
 * @property {number} [maxMessageBytes]  what is sent to this page in one piece and is larger is dropped, with an
 *   event: 256 MiB, unless given
 * @property {AbortSignal} [signal]  gives up entering; it has no effect afterwards. A seat that may have been
 *   taken by then is left
 */

/**
 * @typedef {object} CreateFields
 * @property {string} name  1 to 50 characters
 * @property {string} [participantId]  one's own id, if the app has one
 * @property {string} [password]  that others will need
 * @property {number} [maxParticipants]  the host included
 * @property {Record<string, any>} [quizData]
 * @property {number} [secondsPerQuestion]
 *
 * @typedef {CreateFields & PageOptions} CreateOptions
 */

/**
 * @typedef {object} JoinFields
 * @property {string} name  1 to 50 characters
 * @property {string} [participantId]  one's own id, if the app has one
 * @property {string} [password]
 *
 * @typedef {JoinFields & PageOptions} JoinOptions
 */

/**
 * A room that this page is in. Its events are `CustomEvent`s, with the details of `PartyEvents` (events.js).
 */
export class Party extends EventTarget {
  /**
   * Open a room, as its host.
   *
   * @param {CreateOptions} options
   * @returns {Promise<Party>} rejects with an `ApiError`, a `TypeError` for options that there are not, or the
   *   reason of `signal`
   */
  static async create(options) {
    const { fields, page } = checked("create", options);
    const { name, participantId, ...others } = fields;
    const body = { hostName: name, hostId: participantId, ...others, retryKey: randomText(32) };
    return Party.#enterAnew(page, (api) => api.createRoom(body));
  }

  /**
   * Join a room as a guest.
   *
   * @param {string} code  as people type it: in any case of letters, with spaces or dashes, or as a link
   * @param {JoinOptions} options
   * @returns {Promise<Party>} rejects as that of `create`
   */
  static async join(code, options) {
    const { fields, page } = checked("join", options);
    const body = { ...fields, retryKey: randomText(32) };
    return Party.#enterAnew(page, async (api) => api.joinRoom(typedCode(code), body));
  }

  /**
   * Look at a room before joining it.
   *
   * @param {string} code  as in `join`
   * @param {Pick<PageOptions, "baseUrl"|"signal">} [options]
   * @returns {Promise<RoomPreview>} rejects as that of `create`
   */
  static async preview(code, options = {}) {
    const { page } = checked("preview", options);
    const api = new Api(serviceUrl(page));
    return unlessAborted(page.signal, () => retrying(async () => api.preview(typedCode(code)), 2));
  }

  /**
   * Come back to the room that this page was in before it was reloaded: same participant, new connections.
   *
   * @param {PageOptions} [options]
   * @returns {Promise<Party|null>} null where there was none, it is over, or another page of this browser (one
   *   that opened this one, say) is in it; rejects with an `ApiError` while the service cannot be reached
   */
  static async resume(options = {}) {
    const { page } = checked("resume", options);
    const keeper = new SeatKeeper(serviceUrl(page), page.storage);
    const seat = keeper.load();
    if (!seat || !(await keeper.claim(seat))) return null;
    try {
      return await Party.#enter(page, keeper, (api) => new MemberApi(api, seat).rejoin());
    } catch (error) {
      keeper.release();
      const isOver = error instanceof ApiError && !error.isTemporary && error.code !== "NO_WEBRTC";
      if (!isOver) throw error;
      keeper.forget(seat);
      return null;
    }
  }

  /**
   * Enter as somebody new.
   *
   * @param {PageOptions} page
   * @param {(api: Api) => Promise<RoomWithYou>} takeSeat
   */
  static #enterAnew(page, takeSeat) {
    return Party.#enter(page, new SeatKeeper(serviceUrl(page), page.storage), takeSeat, true);
  }

  /**
   * @param {PageOptions} page
   * @param {SeatKeeper} keeper
   * @param {(api: Api) => Promise<RoomWithYou>} takeSeat
   * @param {boolean} [isNew]  whether the seat is of no use if the page does not come to use it. Otherwise the
   *   page had it before, and may try again later
   */
  static async #enter(page, keeper, takeSeat, isNew = false) {
    if (typeof globalThis.RTCPeerConnection !== "function") throw noWebRtc();
    return unlessAborted(page.signal, async () => {
      const api = new Api(serviceUrl(page));
      const trace = new Trace();
      api.onRequest = (record) => trace.add({ kind: "request", ...record });
      // It is not given up: what is lost on the way may have taken the seat.
      const room = await retrying(() => takeSeat(api));
      const seat = { code: room.code, id: room.you.id, token: room.you.token ?? "" };
      // Before anything else can fail: from here on a reload finds the seat.
      keeper.save(seat);
      const memberApi = new MemberApi(api, seat);
      try {
        if (isNew) await keeper.claim(seat);
        const ice = await retrying(() => memberApi.iceServers());
        if (page.signal?.aborted) throw reasonOf(page.signal);
        return new Party({ api: memberApi, room, ice, trace, seat, keeper, page });
      } catch (error) {
        if (isNew) {
          keeper.release();
          keeper.forget(seat);
          await memberApi.leave().catch(() => {}); // do not stay behind as a seat without a page
        }
        throw error;
      }
    });
  }

  #api;
  /** @type {Omit<RoomWithYou, "participants">} */
  #room;
  /** The `seq` of the last event that told of a new quiz. */
  #quizSeq = 0;
  #isFetchingRoom = false;
  #iceServers;
  #topology;
  #leavesOnClose;
  #maxMessageBytes;
  #seat;
  #keeper;
  #trace;
  #loop;
  /** @type {Map<string, Participant>} in order of joining */
  #participants = new Map();
  /** @type {Map<string, Peer>} */
  #peers = new Map();
  /** @type {Map<MediaStreamTrack, MediaStream>} what everybody is sent */
  #tracks = new Map();
  #hasEnded = false;
  #isTroubled = false;

  /**
   * Use `Party.create`, `Party.join` or `Party.resume`.
   *
   * @param {object} entered
   * @param {MemberApi} entered.api
   * @param {RoomWithYou} entered.room
   * @param {import("./ice.js").NamedServers} entered.ice
   * @param {Trace} entered.trace
   * @param {Seat} entered.seat
   * @param {SeatKeeper} entered.keeper
   * @param {PageOptions} entered.page
   */
  constructor({ api, room, ice, trace, seat, keeper, page }) {
    super();
    this.#api = api;
    this.#room = room;
    this.#iceServers = new IceServers(ice, () => api.iceServers(), (error) => this.#onError(error));
    this.#topology = page.topology ?? "mesh";
    this.#leavesOnClose = page.leaveOnClose ?? false;
    this.#maxMessageBytes = page.maxMessageBytes;
    this.#seat = seat;
    this.#keeper = keeper;
    this.#trace = trace;
    trace.onRecord = (record) => this.#dispatch("trace", record);
    this.#loop = new PollLoop({
      api,
      cursor: room.seq,
      gatherTimes: () => (this.#iceServers.current.length > 0 ? GATHER : GATHER_LOCALLY),
      // Whoever is alone has perhaps just gone to send somebody the code.
      mayRest: () => this.#peers.size > 0 && ![...this.#peers.values()].some(({ isExpected }) => isExpected),
      onAnswer: (answer) => this.#onAnswer(answer),
      onError: (error) => this.#onError(error),
      onRefused: (signals) => {
        for (const { toId, clientMsgId } of signals) this.#peers.get(toId)?.onRefused(clientMsgId);
      },
      onStop: (error) => this.#onEnded(error.code === "ROOM_ENDED" ? "ended" : "removed"),
    });
    globalThis.addEventListener?.("pagehide", this.#onPageHide);
    this.#setParticipants(room.participants);
    // Those who are here wait for whoever comes: it knows of them before they know of it.
    for (const peer of this.#peers.values()) peer.start();
    this.#loop.run();
  }

  /**
   * As of any `EventTarget`, but with the events' names and details known to the types.
   *
   * @template {keyof PartyEvents} Type
   * @param {Type} type
   * @param {PartyListener<Type>|null} listener
   * @param {boolean|AddEventListenerOptions} [options]
   */
  addEventListener(type, listener, options) {
    super.addEventListener(type, /** @type {EventListenerOrEventListenerObject|null} */ (listener), options);
  }

  /**
   * @template {keyof PartyEvents} Type
   * @param {Type} type
   * @param {PartyListener<Type>|null} listener
   * @param {boolean|EventListenerOptions} [options]
   */
  removeEventListener(type, listener, options) {
    super.removeEventListener(type, /** @type {EventListenerOrEventListenerObject|null} */ (listener), options);
  }

  /** The room's code, which others join by. */
  get code() {
    return this.#room.code;
  }

  /** The own participant's id. */
  get id() {
    return this.#room.you.id;
  }

  get isHost() {
    return this.#room.you.role === "host";
  }

  /** @returns {Room} the room as far as this page knows */
  get room() {
    const { you, ...room } = this.#room; // with its token: that is nobody's business
    return { ...room, participants: [...this.#participants.values()] };
  }

  /**
   * Everybody in the room, oneself included, in order of joining.
   *
   * @returns {Member[]} `state` is that of the connection, null where there is none to be. `online` is as it
   *   was when this page entered or that participant came: the service sends no news of it
   */
  get participants() {
    return Array.from(this.#participants.values(), (participant) => ({
      ...participant,
      isYou: participant.id === this.id,
      state: this.#peers.get(participant.id)?.state ?? null,
    }));
  }

  /** @returns {TraceRecord[]} what has happened recently, for diagnosis */
  get trace() {
    return this.#trace.records;
  }

  /**
   * Send data to one participant: in order, and up to 256 MiB in one piece.
   *
   * @param {string} peerId
   * @param {string|ArrayBuffer|ArrayBufferView} data
   * @returns {boolean} false: there is no open channel to it, and nothing was sent
   * @throws {TypeError} for anything but such data
   * @throws {RangeError} for more of it
   */
  send(peerId, data) {
    const packed = pack(data);
    return this.#peers.get(peerId)?.send(packed) ?? false;
  }

  /**
   * Send data to everybody, as `send` does.
   *
   * @param {string|ArrayBuffer|ArrayBufferView} data
   * @returns {number} how many have an open channel and so are sent it
   */
  broadcast(data) {
    const packed = pack(data);
    return [...this.#peers.values()].filter((peer) => peer.send(packed)).length;
  }

  /**
   * Send a media track to everybody, and to whoever comes later. One that is sent already stays as it is.
   *
   * @param {MediaStreamTrack} track
   * @param {MediaStream} stream  groups tracks that belong together
   */
  addTrack(track, stream) {
    if (this.#tracks.has(track)) return;
    this.#tracks.set(track, stream);
    for (const peer of this.#peers.values()) peer.addTrack(track, stream);
  }

  /**
   * Stop sending a media track.
   *
   * @param {MediaStreamTrack} track
   */
  removeTrack(track) {
    this.#tracks.delete(track);
    for (const peer of this.#peers.values()) peer.removeTrack(track);
  }

  /**
   * Begin the connection to a participant anew. Failed connections do so by themselves.
   *
   * @param {string} peerId
   */
  reconnect(peerId) {
    this.#peers.get(peerId)?.start();
  }

  /** Start the game, as the host. */
  async start() {
    await retryingChange(() => this.#api.start(), "WRONG_STATUS");
  }

  /**
   * Replace the quiz, as the host, while the room is waiting.
   *
   * @param {Record<string, any>} quizData
   */
  async setQuiz(quizData) {
    await retrying(() => this.#api.setQuiz(quizData));
  }

  /**
   * Move on from the current question, as the host. After the last one the room ends.
   *
   * @param {number} [fromQuestion]  the question to be left: the current one as far as this page knows,
   *   unless given. Where another one is open, the service refuses with WRONG_QUESTION, and nothing moves
   */
  async next(fromQuestion = this.#room.currentQuestion) {
    const room = await retryingChange(() => this.#api.next(fromQuestion), "WRONG_QUESTION", "ROOM_ENDED");
    // The next call need not wait for the event.
    const currentQuestion = Math.max(this.#room.currentQuestion, room?.currentQuestion ?? 0);
    this.#room = { ...this.#room, currentQuestion };
  }

  /**
   * Answer a question. Only the first answer counts, and whoever gives another gets the first one's result.
   *
   * @param {object} given
   * @param {number} given.answerIndex  -1: no answer
   * @param {number} given.timeMs  how long it took; the service counts no less than it saw pass itself
   * @param {number} [given.questionIndex]  the current one, unless given
   * @returns {Promise<AnswerResult>}
   */
  async answer({ answerIndex, timeMs, questionIndex = this.#room.currentQuestion }) {
    const given = { questionIndex, answerIndex, timeMs: Math.round(timeMs) };
    return retrying(() => this.#api.answer(given));
  }

  /**
   * Remove a participant, as the host.
   *
   * @param {string} participantId
   */
  async remove(participantId) {
    await retryingChange(() => this.#api.remove(participantId), "PEER_NOT_FOUND");
  }

  /**
   * Leave the room. When the host leaves, it ends. Resolves once the others can see it. Where the service
   * cannot be told, it rejects, and the page has left all the same: the service is told as soon as it can be
   * reached, if the page is still there.
   */
  async leave() {
    if (this.#hasEnded) return;
    this.#loop.stop();
    const leave = () => this.#api.leave();
    try {
      // The others shall learn it before they see channels close, or they would try to reconnect.
      await retrying(leave, 2);
    } catch (error) {
      if (isGone(error)) return;
      if (error instanceof ApiError && error.isTemporary) untilAnswered(leave);
      throw error;
    } finally {
      this.#onEnded("left");
    }
  }

  /** End the room for everybody, as its host. */
  async end() {
    if (this.#hasEnded) return;
    try {
      await retrying(() => this.#api.end(), 2);
    } catch (error) {
      if (!isGone(error)) throw error; // the room lives on, and so does this party
    }
    this.#onEnded("ended");
  }

  /** The last moment of the page: the browser sends what is handed to it now even if the page is gone. */
  #onPageHide = () => {
    if (this.#leavesOnClose) {
      this.#api.leave({ keepalive: true }).catch(() => {});
      // The browser may keep the page and show it again, but not in the room.
      this.#onEnded("left");
      return;
    }
    const unsent = this.#loop.unsent();
    // They may have been sent already: then the service knows them by their ids.
    if (unsent.length > 0) this.#api.sendLast(unsent).catch(() => {});
  };

  /** @param {import("./api.js").PollAnswer} answer */
  #onAnswer({ messages, room, gap }) {
    if (this.#isTroubled) {
      this.#isTroubled = false;
      this.#dispatch("recovered", {});
    }
    if (room) this.#startOver(room);
    for (const message of messages) {
      if (this.#hasEnded) return;
      this.#trace.add({ kind: "received", message });
      try {
        if (isSignal(message)) this.#onSignal(message);
        else if (!room || message.seq > room.seq) this.#onEvent(message);
      } catch (error) {
        // A member's malformed signal, say: one message must not take the others along.
        console.warn("party: a message could not be handled", error);
      }
    }
    if (this.#hasEnded) return;
    if (room) for (const peer of this.#peers.values()) peer.startIfIdle();
    // What has to be asked for is asked for at every answer, until it is known.
    this.#iceServers.fresh();
    this.#fetchRoom();
  }

  /**
   * Part of the stream was lost, so what is known of the others may be out of date, and what is not
   * connected waits for a signal that will not come.
   *
   * @param {RoomWithYou} room
   */
  #startOver(room) {
    this.#room = room;
    this.#setParticipants(room.participants);
    for (const peer of this.#peers.values()) peer.abandonAttempt();
    this.#dispatch("room", { room: this.room });
    this.#dispatch("participants", { participants: this.participants });
  }

  /** @param {Signal} message */
  #onSignal({ type, fromId, payload }) {
    this.#peers.get(fromId)?.receive(type, payload);
  }

  /** @param {StreamMessage} message */
  #onEvent({ seq, type, payload }) {
    switch (type) {
      case "participant-joined":
      case "participant-rejoined":
        // A page that rejoined knows nothing of the old one's connections, and begins new ones.
        this.#forgetPeer(payload.participant.id);
        this.#addParticipant(payload.participant);
        this.#dispatch("participants", { participants: this.participants });
        break;
      case "participant-left":
      case "participant-removed":
        this.#forgetPeer(payload.participantId);
        this.#participants.delete(payload.participantId);
        this.#dispatch("participants", { participants: this.participants });
        break;
      case "quiz-started":
        this.#room = { ...this.#room, ...payload };
        this.#dispatch("room", { room: this.room });
        break;
      case "quiz-updated":
        this.#quizSeq = seq;
        break;
      case "question-advanced":
        this.#onClosed(payload.currentQuestion - 1, payload.correct);
        this.#room = { ...this.#room, currentQuestion: payload.currentQuestion };
        this.#dispatch("question-advanced", {
          currentQuestion: payload.currentQuestion,
          correct: payload.correct,
        });
        break;
      case "score-changed": {
        const participant = this.#participants.get(payload.participantId);
        if (participant) this.#participants.set(participant.id, { ...participant, score: payload.score });
        this.#dispatch("score-changed", { participantId: payload.participantId, score: payload.score });
        break;
      }
      case "signal-expired":
        this.#peers.get(payload.toId)?.onExpired(payload.clientMsgId);
        break;
      case "room-ended": {
        const { status, endedAt, reason, ...outcome } = payload;
        this.#room = { ...this.#room, status, endedAt };
        if (reason === "finished") this.#onClosed(this.#room.currentQuestion, outcome.correct);
        this.#onEnded(reason, outcome);
        break;
      }
    }
  }

  /**
   * A question has been closed, and which answer was right is no secret any more.
   *
   * @param {number} index
   * @param {number} correct
   */
  #onClosed(index, correct) {
    const { quizData } = this.#room;
    if (!quizData?.questions) return; // a new quiz that is still being fetched will say so itself
    const questions = quizData.questions.map((/** @type {object} */ question, /** @type {number} */ i) =>
      i === index ? { ...question, correct } : question,
    );
    this.#room = { ...this.#room, quizData: { ...quizData, questions } };
  }

  /** Fetch a quiz that we know only by hearsay. One request at a time: no answer overtakes another. */
  async #fetchRoom() {
    if (this.#isFetchingRoom) return;
    this.#isFetchingRoom = true;
    try {
      while (this.#room.seq < this.#quizSeq) {
        const { seq, quizData } = await retrying(() => this.#api.room());
        if (this.#hasEnded || seq <= this.#room.seq) return; // older than what we have
        // Who is in it, the stream tells; it may be behind this answer.
        this.#room = { ...this.#room, seq, quizData };
        this.#dispatch("room", { room: this.room });
      }
    } catch (error) {
      if (error instanceof ApiError) this.#onError(error);
    } finally {
      this.#isFetchingRoom = false;
    }
  }

  /** @param {Participant[]} participants */
  #setParticipants(participants) {
    const present = new Set(participants.map(({ id }) => id));
    for (const id of this.#peers.keys()) if (!present.has(id)) this.#forgetPeer(id);
    this.#participants.clear();
    for (const participant of participants) this.#addParticipant(participant);
  }

  /** @param {Participant} participant */
  #addParticipant(participant) {
    this.#participants.set(participant.id, participant);
    if (this.#connectsTo(participant) && !this.#peers.has(participant.id)) {
      this.#peers.set(participant.id, this.#createPeer(participant.id));
    }
  }

  /** @param {Participant} participant */
  #connectsTo({ id, isHost }) {
    return id !== this.id && (this.#topology === "mesh" || isHost || this.isHost);
  }

  /** @param {string} id */
  #createPeer(id) {
    return new Peer({
      id,
      polite: this.id < id,
      iceServers: this.#iceServers,
      tracks: this.#tracks,
      post: (type, payload) => {
        this.#trace.add({ kind: "sent", type, peerId: id, payload });
        return this.#loop.post(id, type, payload);
      },
      onState: (state) => {
        this.#trace.add({ kind: "state", peerId: id, state });
        this.#dispatch("peer", { peerId: id, state });
      },
      // If the peer is gone, the service will say so, and nothing needs to be begun anew.
      onFailed: () => this.#loop.wake(),
      onData: (data) => this.#dispatch("message", { peerId: id, data }),
      maxMessageBytes: this.#maxMessageBytes,
      onTooLarge: (bytes) => this.#dispatch("message-dropped", { peerId: id, bytes }),
      onTrack: ({ track, streams }) => this.#dispatch("track", { peerId: id, track, streams }),
    });
  }

  /** @param {string} id */
  #forgetPeer(id) {
    this.#peers.get(id)?.close();
    this.#peers.delete(id);
    this.#loop.discard(id);
  }

  /** @param {ApiError} error */
  #onError(error) {
    if (this.#hasEnded) return;
    this.#isTroubled = true;
    this.#dispatch("error", { error });
  }

  /**
   * @param {EndReason} reason
   * @param {{correct?: number, standings?: Standing[]}} [outcome]  of a quiz that was played to its end
   */
  #onEnded(reason, outcome) {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#loop.stop();
    globalThis.removeEventListener?.("pagehide", this.#onPageHide);
    this.#keeper.forget(this.#seat);
    this.#keeper.release();
    for (const id of [...this.#peers.keys()]) this.#forgetPeer(id);
    this.#dispatch("ended", { reason, ...outcome });
  }

  /**
   * @template {keyof PartyEvents} Type
   * @param {Type} type
   * @param {PartyEvents[Type]} detail
   */
  #dispatch(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * Where the service is mounted, as an absolute address with a slash at its end.
 *
 * @param {PageOptions} page
 */
function serviceUrl({ baseUrl }) {
  // This module lies in the service's folder for static files: the service itself is one level up.
  const given = baseUrl ?? (OWN_ADDRESS && new URL("../", OWN_ADDRESS));
  const url = given && new URL(given, globalThis.document?.baseURI);
  if (!url || !/^https?:$/.test(url.protocol)) throw new TypeError('"baseUrl" has to say where the service is.');
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

function noWebRtc() {
  const message = "This browser cannot connect to others: it has no WebRTC, or it is turned off.";
  return new ApiError({ code: "NO_WEBRTC", message, status: 0 });
}

/** @param {string} text */
function typedCode(text) {
  if (typeof text !== "string") throw new TypeError("A room code is a text.");
  const code = codeFrom(text);
  // Without a code, the address would be that of another call.
  if (!code) throw new ApiError({ code: "ROOM_NOT_FOUND", message: "That is no room code.", status: 404 });
  return code;
}

/**
 * Whether the seat or the room was gone already.
 *
 * @param {unknown} error
 */
function isGone(error) {
  return error instanceof ApiError && !error.isBlocked && [401, 410].includes(error.status);
}

/**
 * @param {StreamMessage} message
 * @returns {message is StreamMessage & Signal} otherwise it is an event
 */
function isSignal(message) {
  return ["offer", "answer", "ice"].includes(message.type);
}
