/** The quiz as a feature of a party, with a scripted service and without a network. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { NETWORK_FAILS, clock, join, record, refusal, service } from "../js/fake-service.js";

test("a start whose answer was lost has succeeded", async () => {
  const party = await join();
  const refused = () => refusal(409, "WRONG_STATUS");
  const fates = [NETWORK_FAILS, refused, refused];
  service.special["POST rooms/CODE/start"] = () => /** @type {any} */ (fates.shift())();
  const done = party.start();
  await clock.advance(5_000);
  await done;
  await assert.rejects(party.start(), { code: "WRONG_STATUS" });
});

test("a new quiz is asked for until it is there, and an older answer does not replace a newer one", async () => {
  const party = await join();
  const rooms = record(party, "room");
  const before = { ...service.room };
  service.add("quiz-updated", {});
  service.room = { ...service.room, quizData: { n: 1 } };
  const fates = [NETWORK_FAILS, () => refusal(500, "INTERNAL"), () => before];
  service.special["GET rooms/CODE"] = () => fates.shift()?.() ?? service.room;
  await clock.advance(10_000);
  assert.deepEqual(rooms.map(({ room }) => room.quizData), [{ n: 1 }]);
  assert.equal(service.count("GET rooms/CODE"), 4);
  await clock.advance(10_000);
  assert.equal(service.count("GET rooms/CODE"), 4);
});

test("a quiz that changes while it is fetched is fetched again", async () => {
  const party = await join();
  const rooms = record(party, "room");
  service.add("quiz-updated", {});
  const first = { ...service.room, quizData: { n: 1 } };
  const fates = [() => new Promise((resolve) => setTimeout(() => resolve(first), 3_000))];
  service.special["GET rooms/CODE"] = () => fates.shift()?.() ?? service.room;
  await clock.advance(1_000);
  service.add("quiz-updated", {});
  service.room = { ...service.room, quizData: { n: 2 } };
  service.pollAfterMs = 60_000; // no occasion comes soon
  await clock.advance(5_000);
  assert.deepEqual(rooms.map(({ room }) => room.quizData.n), [1, 2]);
});

test("a question that is closed tells what was correct, and new scores are known", async () => {
  service.room.quizData = { title: "T", questions: [{ question: "a" }, { question: "b" }] };
  const party = await join();
  /** @type {any[]} */
  const seen = [];
  const look = (/** @type {any} */ { type, detail }) => {
    const { room, participants } = party;
    seen.push([type, detail, room.currentQuestion, room.quizData, participants.map(({ score }) => score)]);
  };
  for (const type of ["question-advanced", "score-changed"]) party.addEventListener(type, look);
  service.add("question-advanced", { currentQuestion: 1, correct: 2 });
  service.add("score-changed", { participantId: "me", score: 15 }, "me");
  service.add("score-changed", { participantId: "gone", score: 15 }, "gone");
  await clock.advance(2_000);
  const quiz = { title: "T", questions: [{ question: "a", correct: 2 }, { question: "b" }] };
  assert.deepEqual(seen, [
    ["question-advanced", { currentQuestion: 1, correct: 2 }, 1, quiz, [0, 0]],
    ["score-changed", { participantId: "me", score: 15 }, 1, quiz, [0, 15]],
    ["score-changed", { participantId: "gone", score: 15 }, 1, quiz, [0, 15]],
  ]);
});

test("a quiz that is played to its end ends the party with the standings", async () => {
  service.room = { ...service.room, quizData: { questions: [{ question: "a" }] }, status: "playing" };
  const party = await join();
  const ended = record(party, "ended");
  const standings = [{ participantId: "me", name: "me", score: 15 }];
  service.add("room-ended", { status: "ended", endedAt: "then", reason: "finished", correct: 1, standings });
  await clock.advance(2_000);
  assert.deepEqual(ended, [{ reason: "finished", correct: 1, standings }]);
  assert.deepEqual([party.room.status, party.room.endedAt], ["ended", "then"]);
  assert.deepEqual(party.room.quizData, { questions: [{ question: "a", correct: 1 }] });
});

test("the host moves on from the question that it knows, as often as it likes and once each time", async () => {
  const party = await join();
  const moves = () =>
    service.requests.filter(({ call }) => call === "POST rooms/CODE/next").map(({ body }) => body.fromQuestion);
  let current = 0;
  service.special["POST rooms/CODE/next"] = () => ({ ...service.room, currentQuestion: ++current });
  await party.next(); // its event comes later
  await party.next();
  assert.deepEqual(moves(), [0, 1]);
  for (const [status, code] of /** @type {[number, string][]} */ ([
    [409, "WRONG_QUESTION"],
    [410, "ROOM_ENDED"],
  ])) {
    const fates = [NETWORK_FAILS, () => refusal(status, code), () => refusal(status, code)];
    service.special["POST rooms/CODE/next"] = () => /** @type {any} */ (fates.shift())();
    const done = party.next(2);
    await clock.advance(5_000);
    await done; // only the answer was lost
    await assert.rejects(party.next(2), { code });
  }
});

test("an answer is for the current question unless said otherwise, and is given until it is heard", async () => {
  const party = await join();
  const result = { questionIndex: 0, isCorrect: true, points: 14, score: 29 };
  const fates = [NETWORK_FAILS, () => refusal(503, "UNAVAILABLE"), () => result, () => result];
  service.special["POST rooms/CODE/answer"] = () => /** @type {any} */ (fates.shift())();
  const answered = party.answer({ answerIndex: 2, timeMs: 8_400.6 });
  await clock.advance(10_000);
  assert.deepEqual(await answered, result);
  await party.answer({ answerIndex: -1, timeMs: 0, questionIndex: 3 });
  const bodies = service.requests.filter(({ call }) => call === "POST rooms/CODE/answer").map(({ body }) => body);
  const first = { questionIndex: 0, answerIndex: 2, timeMs: 8_401 };
  assert.deepEqual(bodies, [first, first, first, { questionIndex: 3, answerIndex: -1, timeMs: 0 }]);
  service.special["POST rooms/CODE/answer"] = () => refusal(409, "WRONG_QUESTION");
  await assert.rejects(party.answer({ answerIndex: 0, timeMs: 0 }), { code: "WRONG_QUESTION" });
});

test("rounds, closed questions and extra time are known as they come", async () => {
  const questions = [{ question: "a" }, { question: "b" }];
  Object.assign(service.room, { quizData: { questions }, round: 0, questionOpenedAt: null });
  const party = await join();
  const heard = Object.fromEntries(
    ["answered", "question-closed", "quiz-finished", "extra-time"].map((type) => [type, record(party, type)]),
  );
  const told = async (/** @type {string} */ type, /** @type {object} */ payload) => {
    service.add(type, payload);
    await clock.advance(3_000);
    return party.room;
  };
  service.add("score-changed", { participantId: "me", score: 15 }, "me");
  const startedAt = "2026-01-09T12:34:56.789Z";
  let room = await told("quiz-started", { status: "playing", startedAt, round: 1, keepScores: false });
  assert.deepEqual([room.status, room.round, room.questionOpenedAt], ["playing", 1, startedAt]);
  assert.deepEqual(party.participants.map(({ score }) => score), party.participants.map(() => 0));
  assert.equal("keepScores" in room, false);
  await told("answered", { participantId: "me", questionIndex: 0, answeredCount: 1 });
  room = await told("extra-time", { factor: 1.5 });
  assert.equal(room.extraTime, 1.5);
  room = await told("question-closed", { questionIndex: 0, correct: 1, answeredCount: 1, distribution: [0, 1] });
  assert.deepEqual([room.currentQuestion, room.questionOpenedAt, room.quizData.questions[0].correct], [0, null, 1]);
  room = await told("question-advanced", { currentQuestion: 1, correct: 1 });
  assert.equal(room.currentQuestion, 1);
  assert.notEqual(room.questionOpenedAt, null);
  room = await told("quiz-finished", { round: 1, correct: 0, standings: [] });
  assert.deepEqual([room.status, room.currentQuestion, room.questionOpenedAt], ["waiting", 0, null]);
  // It may be played again.
  assert.deepEqual(room.quizData, { questions });
  assert.deepEqual(Object.values(heard).map(({ length }) => length), [1, 1, 1, 1]);
});

test("an answer says in which round it was given, unless the page does", async () => {
  Object.assign(service.room, { status: "playing", round: 3 });
  const party = await join();
  service.special["POST rooms/CODE/answer"] = () => ({});
  await party.answer({ answerIndex: 1, timeMs: 10.4 });
  await party.answer({ answerIndex: 1, timeMs: 10, questionIndex: 2, round: 2 });
  const sent = service.requests.filter(({ call }) => call === "POST rooms/CODE/answer").map(({ body }) => body);
  assert.deepEqual(sent, [
    { questionIndex: 0, answerIndex: 1, timeMs: 10, round: 3 },
    { questionIndex: 2, answerIndex: 1, timeMs: 10, round: 2 },
  ]);
});
