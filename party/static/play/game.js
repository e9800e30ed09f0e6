/** What is being played, as one page sees it: made of the party's room and events; nothing here is shown. */

import { heard, serverNow } from "./clock.js";

const EVENTS = [
  "participants", "room", "answered", "score-changed", "question-closed", "question-advanced", "quiz-finished",
  "extra-time", "requests", "approved",
];

/** @typedef {{question: string, answers: string[], correct?: number, questionSeconds?: number}} Question */
/** @typedef {{id: string, name: string, score: number, place: number, rose: number}} Placed */

/** Its `change` comes whenever something of it may have changed. */
export class Game extends EventTarget {
  /** The last question that was closed: {questionIndex, correct, answeredCount, distribution}. @type {any} */
  closed = null;
  answeredCount = 0;
  /** @type {string|null} why it is over for this page */
  ended = null;
  /** @type {{participantId: string, name: string, score: number}[]|null} */
  finalStandings = null;
  /** Places when the current question opened, by id. @type {Map<string, number>} */
  #placesBefore = new Map();
  #storage;

  /**
   * @param {any} party
   * @param {Storage} storage  where the own answer outlives a reload
   */
  constructor(party, storage) {
    super();
    this.party = party;
    this.#storage = storage;
    heard(party.room.serverTime);
    this.#opened();
    for (const type of EVENTS) {
      party.addEventListener(type, (/** @type {CustomEvent} */ { detail }) => this.#onEvent(type, detail));
    }
    party.addEventListener("ended", (/** @type {CustomEvent} */ { detail }) => {
      this.ended = detail.reason;
      this.finalStandings = detail.standings ?? null;
      this.#tell("ended");
    });
    // A reload may have come before the answer was sent, or its result had arrived: it counts once in any case.
    const { given, index, room: { round } } = this;
    if (this.room.status === "playing" && given && !given.result) this.#give({ ...given, round, index }).catch(() => {});
  }

  get room() {
    return this.party.room;
  }

  /** @returns {"asking"|"lobby"|"question"|"closed"|"over"|"ended"} "asking" while the host has yet to let it in */
  get phase() {
    if (!this.ended && this.party.phase === "waiting") return "asking";
    if (this.ended) return this.finalStandings ? "over" : "ended";
    if (this.room.status === "playing") return this.room.questionOpenedAt ? "question" : "closed";
    return this.room.round > 0 ? "over" : "lobby";
  }

  /** What has to be shown anew when it changes. */
  get key() {
    return [this.phase, this.room.round, this.index, this.ended ?? ""].join("/");
  }

  get index() {
    return this.room.currentQuestion;
  }

  /** @returns {Question[]} */
  get questions() {
    const found = this.room.quizData?.questions ?? [];
    return found.map((/** @type {any} */ each) => ({ ...each, answers: each.answers ?? each.options ?? [] }));
  }

  /** @returns {Question|undefined} */
  get question() {
    return this.questions[this.index];
  }

  /** Who plays: everybody but the host and those who only look on. */
  get players() {
    return this.party.participants.filter((/** @type {any} */ each) => !each.isHost && each.role !== "spectator");
  }

  get me() {
    return this.party.participants.find((/** @type {any} */ { isYou }) => isYou);
  }

  /** @returns {Placed[]} the players, the best first; equal scores have equal places */
  get standings() {
    const known = this.finalStandings?.map(({ participantId, ...rest }) => ({ id: participantId, ...rest }));
    const isHost = (/** @type {any} */ { id }) => id === this.room.hostId;
    const who = known?.filter((each) => each.score > 0 || !isHost(each)) ?? this.players;
    const sorted = [...who].sort((one, other) => other.score - one.score);
    return sorted.map(({ id, name, score }) => {
      const place = 1 + sorted.filter((each) => each.score > score).length;
      return { id, name, score, place, rose: (this.#placesBefore.get(id) ?? place) - place };
    });
  }

  /** How long the open question may take in all, for this page, in milliseconds. */
  get questionMs() {
    const seconds = this.question?.questionSeconds ?? this.room.secondsPerQuestion;
    return seconds * 1000 * (this.room.extraTime ?? 1);
  }

  /** How much of that is left. */
  get leftMs() {
    const { questionOpenedAt } = this.room;
    if (!questionOpenedAt) return 0;
    return Math.max(0, Date.parse(questionOpenedAt) + this.questionMs - serverNow());
  }

  /** @returns {{answerIndex: number, timeMs: number, result: any}|null} what this page has answered to the current question */
  get given() {
    const text = this.#storage.getItem("party-play-answer");
    const { code, round, index, ...given } = text ? JSON.parse(text) : {};
    return code === this.party.code && round === this.room.round && index === this.index ? given : null;
  }

  /**
   * Answer the open question.
   *
   * @param {number} answerIndex
   */
  async answer(answerIndex) {
    const { index } = this;
    const { round } = this.room;
    const timeMs = Math.max(0, this.questionMs - this.leftMs);
    await this.#give({ round, index, answerIndex, timeMs });
  }

  /** @param {{round: number, index: number, answerIndex: number, timeMs: number}} given */
  async #give(given) {
    this.#keep(given, null);
    try {
      const { index, ...rest } = given;
      this.#keep(given, await this.party.answer({ ...rest, questionIndex: index }));
    } catch (error) {
      this.#storage.removeItem("party-play-answer");
      throw error;
    } finally {
      this.#tell("answer");
    }
  }

  /**
   * @param {object} given
   * @param {any} result
   */
  #keep(given, result) {
    const kept = { code: this.party.code, ...given, result };
    this.#storage.setItem("party-play-answer", JSON.stringify(kept));
  }

  /**
   * @param {string} type
   * @param {any} detail
   */
  #onEvent(type, detail) {
    heard(this.room.questionOpenedAt);
    if (type === "answered" && detail.questionIndex === this.index) this.answeredCount = detail.answeredCount;
    if (type === "question-closed") this.closed = detail;
    if (type === "question-advanced") this.#opened();
    if (type === "room" && this.room.status === "playing" && this.#round !== this.room.round) this.#opened();
    this.#tell(type);
  }

  #round = -1;

  /** A question has just been opened, or this page has just come. */
  #opened() {
    this.#round = this.room.round;
    this.answeredCount = 0;
    this.closed = null;
    this.#placesBefore = new Map();
    this.#placesBefore = new Map(this.standings.map(({ id, place }) => [id, place]));
  }

  /** @param {string} why */
  #tell(why) {
    this.dispatchEvent(new CustomEvent("change", { detail: why }));
  }
}
