/** The quiz, as a feature: what it adds to a party, and what its events make of the Room. */

import { ApiError } from "./errors.js";
import { membershipOf } from "./membership.js";
import { withChanges } from "./room.js";
import { retrying, retryingChange } from "./timing.js";

/** @typedef {import("./contract.js").AnswerResult} AnswerResult */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./contract.js").RoundResult} RoundResult */
/** @typedef {import("./contract.js").Standing} Standing */
/** @typedef {import("./contract.js").StreamMessage} StreamMessage */
/** @typedef {import("./membership.js").Membership} Membership */

/**
 * @typedef {object} QuizEvents
 * @property {{participantId: string, questionIndex: number, answeredCount: number}} answered  somebody has
 *   answered, whatever it was
 * @property {{questionIndex: number, correct: number, answeredCount: number, distribution: number[]}}
 *   question-closed  and how often each answer was given
 * @property {{currentQuestion: number, correct: number}} question-advanced  another question is open;
 *   `correct` is the right answer to the one before it
 * @property {{participantId: string, score: number}} score-changed  a participant has won points
 * @property {{round: number, correct: number, standings: Standing[]}} quiz-finished  the last question is closed,
 *   and the room waits for another round
 * @property {{factor: number}} extra-time  what this participant's time is multiplied by from now on
 */

/** What a page is told as it comes. */
const TOLD = ["answered", "question-closed", "question-advanced", "score-changed", "quiz-finished", "extra-time"];

/** What a party can do with a quiz. */
export class Quiz {
  /** Options of `create` that are for the service. */
  static createFields = ["quizData", "secondsPerQuestion", "afterQuiz"];

  /**
   * Start a round, as the host.
   *
   * @param {object} [options]
   * @param {boolean} [options.keepScores]  of the round before; otherwise all begin at 0
   * @param {boolean} [options.autoAdvance]  questions close and open by themselves
   * @param {number} [options.pauseSeconds]  between two of them, 0 to 60: 5, unless given
   */
  async start(options = {}) {
    await retryingChange(() => membershipOf(this).api.post("start", options), "WRONG_STATUS");
  }

  /**
   * Replace the quiz, as the host, while the room is waiting.
   *
   * @param {Record<string, any>} quizData
   */
  async setQuiz(quizData) {
    await retrying(() => membershipOf(this).api.post("quiz", { quizData }));
  }

  /**
   * Move on from the current question, as the host. After the last one the room ends, or waits for another round.
   *
   * @param {number} [fromQuestion]  the question to be left: the current one as far as this page knows,
   *   unless given. Where another one is open, the service refuses with WRONG_QUESTION, and nothing moves
   */
  async next(fromQuestion = membershipOf(this).room.currentQuestion) {
    const membership = membershipOf(this);
    const move = () => membership.api.post("next", { fromQuestion });
    const answer = await retryingChange(move, "WRONG_QUESTION", "ROOM_ENDED");
    // The next call need not wait for the event.
    const { round, currentQuestion, questionOpenedAt } = answer ?? {};
    if (round !== membership.room.round || !(currentQuestion > membership.room.currentQuestion)) return;
    membership.room = { ...membership.room, currentQuestion, questionOpenedAt };
  }

  /**
   * Answer a question. Only the first answer counts, and whoever gives another gets the first one's result.
   *
   * @param {object} given
   * @param {number} given.answerIndex  -1: no answer
   * @param {number} given.timeMs  how long it took; the service counts no less than it saw pass itself
   * @param {number} [given.questionIndex]  the current one, unless given
   * @param {number} [given.round]  the one that is played as far as this page knows, unless given: in another one
   *   it does not count
   * @returns {Promise<AnswerResult>}
   */
  async answer({ answerIndex, timeMs, questionIndex = membershipOf(this).room.currentQuestion, round }) {
    const { room } = membershipOf(this);
    // Whoever has just started it may not have heard of the new round.
    const current = room.status === "playing" ? room.round : undefined;
    const given = { questionIndex, answerIndex, timeMs: Math.round(timeMs), round: round ?? current };
    return retrying(() => membershipOf(this).api.post("answer", given));
  }

  /**
   * Give a participant more time than others, as the host.
   *
   * @param {string} participantId
   * @param {1|1.25|1.5|2} factor  what its time is multiplied by
   */
  async giveExtraTime(participantId, factor) {
    const membership = membershipOf(this);
    const { extraTimes } = await retrying(() => membership.api.post("extra-time", { participantId, factor }));
    membership.room = { ...membership.room, extraTimes };
  }

  /**
   * How the rounds went, for the host.
   *
   * @returns {Promise<{rounds: RoundResult[]}>}
   */
  async results() {
    return retrying(() => membershipOf(this).api.get("results"));
  }

  /**
   * @param {Membership} membership
   * @returns {import("./answers.js").Follower}
   */
  static follow(membership) {
    /** The number of the last event that told of a new quiz, which is known only by hearsay. */
    let heardOf = 0;
    let known = 0;
    let isFetching = false;
    return {
      after: afterQuizEvent,
      onEvent({ seq, type, payload }) {
        if (type === "quiz-updated") heardOf = seq;
        if (type === "quiz-started" || type === "quiz-finished") membership.tellRoom();
        if (TOLD.includes(type)) membership.dispatch(/** @type {any} */ (type), /** @type {any} */ (payload));
      },
      // Asked at every answer, until it is known; one request at a time, so that no answer overtakes another.
      async onAnswer() {
        if (isFetching) return;
        isFetching = true;
        try {
          while (Math.max(known, membership.enteredAt) < heardOf) {
            const { seq, quizData } = await retrying(() => membership.api.room());
            if (membership.hasEnded || seq <= Math.max(known, membership.enteredAt)) return; // older than what we have
            known = seq;
            membership.room = { ...membership.room, quizData };
            membership.tellRoom();
          }
        } catch (error) {
          if (error instanceof ApiError) membership.onError(error);
        } finally {
          isFetching = false;
        }
      },
    };
  }
}

/**
 * What an event of the quiz makes of the Room.
 *
 * @param {RoomWithYou} room
 * @param {StreamMessage} message
 * @returns {RoomWithYou}
 */
export function afterQuizEvent(room, { type, payload, createdAt }) {
  if (type === "quiz-started") return started(room, /** @type {any} */ (payload));
  if (type === "score-changed") return withChanges(room, payload.participantId, { score: payload.score });
  if (type === "extra-time") return { ...room, extraTime: payload.factor };
  if (type === "question-closed") {
    return { ...withClosed(room, payload.questionIndex, payload.correct), questionOpenedAt: null };
  }
  if (type === "question-advanced") {
    const { currentQuestion, correct } = payload;
    return { ...withClosed(room, currentQuestion - 1, correct), currentQuestion, questionOpenedAt: createdAt };
  }
  if (type === "quiz-finished") {
    return { ...withoutAnswers(room), status: "waiting", currentQuestion: 0, questionOpenedAt: null };
  }
  const isPlayed = type === "room-ended" && payload.reason === "finished";
  return isPlayed ? withClosed(room, room.currentQuestion, payload.correct) : room;
}

/**
 * A round has begun.
 *
 * @param {RoomWithYou} room
 * @param {{status: "playing", startedAt: string, round: number, keepScores: boolean}} payload
 * @returns {RoomWithYou}
 */
function started(room, { keepScores, ...payload }) {
  const participants = keepScores ? room.participants : room.participants.map((each) => ({ ...each, score: 0 }));
  const questionOpenedAt = room.quizData?.questions ? payload.startedAt : null;
  return { ...room, ...payload, participants, currentQuestion: 0, questionOpenedAt };
}

/**
 * The quiz may be played again, so only the host knows what is right.
 *
 * @param {RoomWithYou} room
 * @returns {RoomWithYou}
 */
function withoutAnswers(room) {
  const { quizData, you } = room;
  if (!quizData?.questions || you.role === "host") return room;
  const questions = quizData.questions.map((/** @type {any} */ { correct, ...question }) => question);
  return { ...room, quizData: { ...quizData, questions } };
}

/**
 * A question has been closed, and which answer was right is no secret any more.
 *
 * @param {RoomWithYou} room
 * @param {number} index
 * @param {number} correct
 * @returns {RoomWithYou}
 */
function withClosed(room, index, correct) {
  const { quizData } = room;
  if (!quizData?.questions) return room; // a new quiz that is still being fetched will say so itself
  const questions = quizData.questions.map((/** @type {object} */ question, /** @type {number} */ i) =>
    i === index ? { ...question, correct } : question,
  );
  return { ...room, quizData: { ...quizData, questions } };
}
