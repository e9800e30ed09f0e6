/** The quizzes that this browser keeps, and the one that is being written. */

const KEPT = "party-play-quizzes";
const DRAFT = "party-play-draft";

/** @typedef {import("./quiz-text.js").Quiz} Quiz */
/** @typedef {Quiz & {seconds: number, pause: number}} Written */

/** @returns {Written} */
export function emptyQuiz() {
  return { title: "", seconds: 20, pause: 10, questions: [emptyQuestion()] };
}

export function emptyQuestion() {
  return { question: "", answers: ["", "", "", ""], correct: 0 };
}

/** @returns {Written[]} */
export function keptQuizzes() {
  return read(KEPT) ?? [];
}

/**
 * Keep a quiz under its title.
 *
 * @param {Written} quiz
 */
export function keep(quiz) {
  write(KEPT, [quiz, ...keptQuizzes().filter(({ title }) => title !== quiz.title)]);
}

/** @param {string} title */
export function forget(title) {
  write(KEPT, keptQuizzes().filter((each) => each.title !== title));
}

/** @returns {Written|null} what was being written here last */
export function draft() {
  return read(DRAFT);
}

/** @param {Written} quiz */
export function keepDraft(quiz) {
  write(DRAFT, quiz);
}

/** @param {string} key */
function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {unknown} value
 */
function write(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // The browser keeps nothing, or is full: the quiz can still be saved as a file.
  }
}
