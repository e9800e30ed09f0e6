/** Quizzes as people write them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { asText, readQuiz, rowsOf } from "../../party/static/play/quiz-text.js";

const SPIDER = { question: "How many legs has a spider?", answers: ["6", "8", "10"], correct: 1 };
const SUM = { question: "2 + 2?", answers: ["3", "4"], correct: 1 };

test("a text has a question in each block, and a star before what is right", () => {
  const text = "1. How many legs has a spider?\n- 6\n* 8\n- 10\n\n\n2 + 2?\r\nA) 3\r\n* B) 4\r\n";
  assert.deepEqual(readQuiz(text).questions, [SPIDER, SUM]);
  assert.deepEqual(readQuiz(asText({ title: "", questions: [SPIDER, SUM] })).questions, [SPIDER, SUM]);
});

test("a table has a question in each row, with the number or letter of what is right", () => {
  const expected = [SPIDER, { ...SUM, questionSeconds: 10 }];
  const heading = "Question;A;B;C;Correct;Seconds";
  assert.deepEqual(readQuiz(`\ufeff${heading}\n${SPIDER.question};6;8;10;2;\n2 + 2?;3;4;;B;10\n`).questions, expected);
  assert.deepEqual(readQuiz(`${SPIDER.question}\t6\t8\t10\t2\n2 + 2?\t3\t4\t\tb`).questions, [SPIDER, SUM]);
});

test("cells may be quoted, with commas, quotes and lines in them", () => {
  assert.deepEqual(rowsOf('"a,""b""",c\r\n"d\ne",f'), [['a,"b"', "c"], ["d\ne", "f"]]);
});

test("JSON may be a quiz or a list, with answers or options", () => {
  const quiz = { title: "T", questions: [{ ...SPIDER, hint: 1, questionSeconds: 20 }, { question: "?", options: ["a"] }] };
  assert.deepEqual(readQuiz(JSON.stringify(quiz)), { title: "T", questions: [{ ...SPIDER, questionSeconds: 20 }] });
  const list = [{ question: "2 + 2?", options: ["3", 4], correct: 1 }];
  assert.deepEqual(readQuiz(JSON.stringify(list)).questions, [SUM]);
});

test("without empty answers the right one is still the right one", () => {
  const given = [{ question: " 2 + 2? ", answers: ["", "3", " ", "4"], correct: 3, questionSeconds: 4 }];
  assert.deepEqual(readQuiz(JSON.stringify(given)).questions, [SUM]);
});

test("what is no quiz gives none", () => {
  for (const text of ["", "hello", "{", "[1, null]", '{"questions": 5}', "a,b\nc", "Question\n- a\n- b"]) {
    assert.deepEqual(readQuiz(text).questions, [], text);
  }
});
