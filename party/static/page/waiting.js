/** The page of somebody who waits to be let in, and the host's list of those who do. */

import { announce, button, element, fromTemplate, on, part, setText } from "./dom.js";

/** @typedef {import("../party.js").Party} Party */
/** @typedef {Party["requests"][number]} JoinRequest */

const list = element("request-list");

/**
 * @param {() => Party|null} current
 * @param {(reason: unknown) => void} onRefused
 */
export function initWaiting(current, onRefused) {
  button("withdraw").addEventListener("click", () => current()?.leave().catch(onRefused));
  button("accept-all").addEventListener("click", async () => {
    const party = current();
    element("people-title").focus(); // the button goes with those who wait
    for (const { id } of party?.requests ?? []) await party?.approve(id, true).catch(onRefused);
  });
  list.addEventListener("click", ({ target }) => {
    const pressed = /** @type {Element} */ (target).closest("button");
    const id = pressed?.closest("li")?.dataset.participant;
    if (!pressed || !id) return;
    element(list.children.length > 1 ? "requests-title" : "people-title").focus(); // the button goes with its person
    current()?.approve(id, pressed.classList.contains("accept")).catch(onRefused);
  });
}

/** @param {Party} party  waits to be let in */
export function showWaiting(party, isSpectator = false) {
  setText(element("waiting-text"), `${party.room.hostName} will let you in.`);
  element("waiting-spectator").hidden = !isSpectator;
  element("waiting").hidden = false;
  element("waiting-title").focus();
}

export function hideWaiting() {
  element("waiting").hidden = true;
}

/** @param {Party} party */
export function showRequests(party) {
  list.replaceChildren();
  update(party.requests);
  on(party, "requests", ({ requests }) => {
    const known = new Set(items().map(({ dataset }) => dataset.participant));
    const names = requests.filter((/** @type {JoinRequest} */ { id }) => !known.has(id)).map(nameOf);
    if (names.length > 0) announce(`${names.join(", ")} ${names.length > 1 ? "ask" : "asks"} to come in.`);
    update(requests);
  });
  // Who is not the host any more has nothing to decide.
  on(party, "room", () => update(party.requests));
}

/** @param {JoinRequest[]} requests */
function update(requests) {
  const ids = new Set(requests.map(({ id }) => id));
  for (const item of items()) if (!ids.has(item.dataset.participant ?? "")) item.remove();
  for (const request of requests) showRequest(request);
  element("requests").hidden = requests.length === 0;
  button("accept-all").hidden = requests.length < 2;
}

/** @param {JoinRequest} request */
function showRequest({ id, name, presence }) {
  const known = items().find(({ dataset }) => dataset.participant === id);
  const item = known ?? fromTemplate("request-template");
  item.dataset.participant = id;
  setText(part(item, ".name"), name);
  setText(part(item, ".state"), presence === "online" ? "" : presence);
  part(item, ".accept").setAttribute("aria-label", `Let ${name} in`);
  part(item, ".refuse").setAttribute("aria-label", `Refuse ${name}`);
  if (!known) list.append(item);
}

/** @param {JoinRequest} request */
function nameOf({ name }) {
  return name;
}

function items() {
  return /** @type {HTMLElement[]} */ ([...list.children]);
}
