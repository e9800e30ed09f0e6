/** What can be left out: a line each. Nothing else names these files, but for the types of events in events.js. */

export { Quiz } from "./quiz.js";
