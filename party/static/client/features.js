/** What can be left out: a line each. Nothing else names these files, but for the types of events in events.js. */

export { Images } from "./images.js";
export { Messages } from "./messages.js";
export { Quiz } from "./quiz.js";
export { Relay } from "./relay.js";
export { Reports } from "./reports.js";
export { State } from "./state.js";
