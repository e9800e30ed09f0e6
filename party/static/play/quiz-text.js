/** Quizzes as people write them: as text, as a table, as JSON. Nothing here is shown. */

export const MOST_ANSWERS = 6;

/** @typedef {{question: string, answers: string[], correct: number, questionSeconds?: number}} Question */
/** @typedef {{title: string, questions: Question[]}} Quiz */

/**
 * What somebody has pasted or loaded, whatever it is.
 *
 * @param {string} text
 * @returns {Quiz} without those questions that cannot be played
 */
export function readQuiz(text) {
  const trimmed = text.replace(/^\ufeff/, "").trim();
  const found = /^[[{]/.test(trimmed) ? fromJson(trimmed) : isTable(trimmed) ? fromTable(trimmed) : fromText(trimmed);
  return { title: String(found.title ?? "").slice(0, 100), questions: found.questions.map(cleaned).filter(isPlayable) };
}

/**
 * A quiz as text: questions apart by an empty line, an answer in each line below, a star before the right one.
 *
 * @param {Quiz} quiz
 */
export function asText({ questions }) {
  return questions
    .map(({ question, answers, correct }) =>
      [question, ...answers.map((answer, index) => `${index === correct ? "*" : "-"} ${answer}`)].join("\n"),
    )
    .join("\n\n");
}

/** @param {Question} question */
export function isPlayable({ question, answers, correct }) {
  return question !== "" && answers.length >= 2 && correct >= 0 && correct < answers.length;
}

/**
 * Without empty answers, and with the right one still the right one.
 *
 * @param {any} given
 * @returns {Question}
 */
export function cleaned({ question, answers, correct, questionSeconds }) {
  const texts = answers.map((/** @type {any} */ each) => String(each ?? "").trim());
  const right = Number.isInteger(correct) ? texts[correct] : undefined;
  const kept = texts.filter((/** @type {string} */ each) => each !== "").slice(0, MOST_ANSWERS);
  const before = texts.slice(0, correct).filter((/** @type {string} */ each) => each !== "").length;
  const index = right && before < kept.length ? before : -1;
  const isTime = Number.isInteger(questionSeconds) && questionSeconds >= 5 && questionSeconds <= 300;
  const found = { question: String(question ?? "").trim(), answers: kept, correct: index };
  return isTime ? { ...found, questionSeconds } : found;
}

/** @param {string} text */
function fromJson(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return { title: "", questions: [] };
  }
  const list = Array.isArray(value) ? value : value.questions;
  const questions = (Array.isArray(list) ? list : []).filter((each) => each && typeof each === "object");
  return {
    title: value.title ?? "",
    questions: questions.map((each) => ({ ...each, answers: [each.answers, each.options, []].find(Array.isArray) })),
  };
}

/** @param {string} text */
function fromText(text) {
  const blocks = text.split(/\n\s*\n/).map((block) => block.split("\n").map((line) => line.trim()).filter(Boolean));
  const questions = blocks.map(([question, ...lines]) => ({
    question: question?.replace(/^\d+[.)]\s+/, ""),
    answers: lines.map((line) => line.replace(/^[*+-]\s*/, "").replace(/^[A-Fa-f][.)]\s+/, "")),
    correct: lines.findIndex((line) => line.startsWith("*") || line.startsWith("+")),
  }));
  return { title: "", questions };
}

/** @param {string} text */
function isTable(text) {
  const [first] = text.split("\n");
  return /["\t;,]/.test(first) && rowsOf(text).every((row) => row.length >= 4);
}

/**
 * A question in each row: the question, its answers, and the number or letter of the right one; then, where there
 * is another column, its seconds. A first row without such a number is the heading.
 *
 * @param {string} text
 */
function fromTable(text) {
  const rows = rowsOf(text);
  const heading = rows[0].map((cell) => cell.trim().toLowerCase());
  const place = (/** @type {string} */ name) => heading.indexOf(name);
  const hasHeading = place("correct") > 0;
  const correctAt = hasHeading ? place("correct") : rows[0].length - 1;
  const secondsAt = hasHeading ? place("seconds") : -1;
  const questions = rows.slice(hasHeading ? 1 : 0).map((row) => ({
    question: row[0],
    answers: row.slice(1, correctAt),
    correct: numberOf(row[correctAt] ?? ""),
    questionSeconds: Number(row[secondsAt] ?? NaN),
  }));
  return { title: "", questions };
}

/** @param {string} cell  "2" or "B" */
function numberOf(cell) {
  const text = cell.trim().toUpperCase();
  return /^[A-F]$/.test(text) ? text.charCodeAt(0) - 65 : /^\d+$/.test(text) ? Number(text) - 1 : -1;
}

/**
 * The cells of a table with commas, semicolons or tabs between them.
 *
 * @param {string} text
 * @returns {string[][]}
 */
export function rowsOf(text) {
  const [first] = text.split("\n");
  const counts = ["\t", ";", ","].map((each) => first.split(each).length);
  const separator = ["\t", ";", ","][counts.indexOf(Math.max(...counts))];
  /** @type {string[][]} */
  const rows = [[""]];
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const row = rows[rows.length - 1];
    const character = text[at];
    if (isQuoted && character === '"' && text[at + 1] === '"') row[row.length - 1] += text[++at];
    else if (character === '"' && (isQuoted || row[row.length - 1] === "")) isQuoted = !isQuoted;
    else if (!isQuoted && character === separator) row.push("");
    else if (!isQuoted && character === "\n") rows.push([""]);
    else if (isQuoted || character !== "\r") row[row.length - 1] += character;
  }
  return rows.filter((row) => row.some((cell) => cell.trim() !== ""));
}
