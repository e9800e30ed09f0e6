/** The raw stream: what the service delivered, as JSON. */

import { element, fromTemplate, on, part, setText } from "./dom.js";

/** @typedef {import("../party.js").Party} Party */

const MOST_ITEMS = 200;

const list = element("raw-stream");

/** @param {Party} party */
export function showStream(party) {
  let count = 0;
  list.replaceChildren();
  setText(element("raw-count"), "");
  const add = (/** @type {import("../client/trace.js").TraceRecord} */ record) => {
    if (record.kind !== "received") return;
    count += 1;
    setText(element("raw-count"), String(count));
    list.append(item(record.message));
    if (list.children.length > MOST_ITEMS) list.firstElementChild?.remove();
  };
  party.trace.forEach(add);
  on(party, "trace", add);
}

/** @param {import("../client/contract.js").StreamMessage} message */
function item(message) {
  const made = fromTemplate("raw-template");
  part(made, "summary").textContent = `${message.seq} · ${message.type}`;
  part(made, "pre").textContent = JSON.stringify(message, null, 2);
  return made;
}
