/** The quiz, as a feature: what it adds to a party, and what its events make of the Room. */

import { ApiError } from "./errors.js";
import { membershipOf } from "./membership.js";
import { withChanges } from "./room.js";
import { retrying, retryingChange } from "./timing.js";

/** @typedef {import("./contract.js").AnswerResult} AnswerResult */
/** @typedef {import("./contract.js").RoomWithYou} RoomWithYou */
/** @typedef {import("./contract.js").StreamMessage} StreamMessage */
/** @typedef {import("./membership.js").Membership} Membership */

/**
 * @typedef {object} QuizEvents
 * @property {{currentQuestion: number, correct: number}} question-advanced  another question is open;
 *   `correct` is the right answer to the one before it
 * @property {{participantId: string, score: number}} score-changed  a participant has won points
 */

/** What a party can do with a quiz. */
export class Quiz {
  /** Options of `create` that are for the service. */
  static createFields = ["quizData", "secondsPerQuestion"];

  /** Start the game, as the host. */
  async start() {
    await retryingChange(() => membershipOf(this).api.post("start"), "WRONG_STATUS");
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
   * Move on from the current question, as the host. After the last one the room ends.
   *
   * @param {number} [fromQuestion]  the question to be left: the current one as far as this page knows,
   *   unless given. Where another one is open, the service refuses with WRONG_QUESTION, and nothing moves
   */
  async next(fromQuestion = membershipOf(this).room.currentQuestion) {
    const membership = membershipOf(this);
    const move = () => membership.api.post("next", { fromQuestion });
    const answer = await retryingChange(move, "WRONG_QUESTION", "ROOM_ENDED");
    // The next call need not wait for the event.
    const currentQuestion = Math.max(membership.room.currentQuestion, answer?.currentQuestion ?? 0);
    membership.room = { ...membership.room, currentQuestion };
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
  async answer({ answerIndex, timeMs, questionIndex = membershipOf(this).room.currentQuestion }) {
    const given = { questionIndex, answerIndex, timeMs: Math.round(timeMs) };
    return retrying(() => membershipOf(this).api.post("answer", given));
  }

  /**
   * @param {Membership} membership
   * @returns {import("./membership.js").Follower}
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
        if (type === "quiz-started") membership.tellRoom();
        if (type === "question-advanced" || type === "score-changed") membership.dispatch(type, /** @type {any} */ (payload));
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
export function afterQuizEvent(room, { type, payload }) {
  if (type === "quiz-started") return { ...room, ...payload };
  if (type === "score-changed") return withChanges(room, payload.participantId, { score: payload.score });
  if (type === "question-advanced") {
    const { currentQuestion, correct } = payload;
    return { ...withClosed(room, currentQuestion - 1, correct), currentQuestion };
  }
  const isPlayed = type === "room-ended" && payload.reason === "finished";
  return isPlayed ? withClosed(room, room.currentQuestion, payload.correct) : room;
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
