/** Who is in the room, how they are connected, and what the host can do about it. */

import { ask, button, element, fromTemplate, part, setText } from "./dom.js";

/** @typedef {import("../party.js").Party} Party */
/** @typedef {Party["participants"][number]} Member */

const STATE_TEXTS = { connecting: "connecting …", open: "connected", interrupted: "interrupted" };

/** @type {Record<string, string>} */
const ROOM_STATE_TEXTS = { waiting: "waiting to start", playing: "started", ended: "closed" };

/** A room is started with company. */
const FEWEST_TO_START = 2;

const list = element("participants");
const title = element("people-title");
const startButton = button("start");
const leaveButton = button("leave");

/**
 * @param {() => Party|null} current
 * @param {(reason: unknown) => void} onRefused
 */
export function initPeople(current, onRefused) {
  startButton.addEventListener("click", () => {
    current()?.start().catch(onRefused);
  });
  leaveButton.addEventListener("click", () => {
    const party = current();
    if (party) (party.isHost ? close(party) : party.leave()).catch(onRefused);
  });
  list.addEventListener("click", ({ target }) => {
    const pressed = /** @type {Element} */ (target).closest(".remove");
    const id = /** @type {HTMLElement|null|undefined} */ (pressed?.closest("li"))?.dataset.participant;
    const party = current();
    if (party && id) remove(party, id).catch(onRefused);
  });
}

/** @param {Party} party */
async function close(party) {
  const text = "It ends for everybody, and its code leads nowhere from then on.";
  if (await ask({ title: "Close the room?", text, action: "Close the room" })) await party.end();
}

/**
 * @param {Party} party
 * @param {string} id
 */
async function remove(party, id) {
  const member = () => party.participants.find((each) => each.id === id);
  const name = member()?.name ?? id;
  const text = "Whoever has the code may still come back with it.";
  if (!(await ask({ title: `Remove ${name}?`, text, action: "Remove" })) || !member()) return;
  title.focus(); // the button goes with its person
  await party.remove(id);
}

/** @param {Party} party */
export function showPeople(party) {
  const members = party.participants;
  const ids = new Set(members.map(({ id }) => id));
  for (const item of items()) if (!ids.has(item.dataset.participant ?? "")) item.remove();
  for (const member of members) showMember(member, party.isHost);
  showStatus(members);
  showControls(party);
}

export function forgetPeople() {
  list.replaceChildren();
}

/**
 * An item stays the same element while its person is here, so that focus stays where it is.
 *
 * @param {Member} member
 * @param {boolean} canRemove
 */
function showMember({ id, name, isHost, isYou, state }, canRemove) {
  const known = items().find((item) => item.dataset.participant === id);
  const item = known ?? fromTemplate("participant-template");
  item.dataset.participant = id;
  item.dataset.state = isYou ? "you" : (state ?? "");
  setText(part(item, ".name"), name);
  setText(part(item, ".role"), isHost ? "host" : "");
  setText(part(item, ".state"), isYou ? "you" : STATE_TEXTS[state ?? "connecting"]);
  const remove = part(item, ".remove");
  remove.hidden = isYou || !canRemove;
  remove.setAttribute("aria-label", `Remove ${name}`);
  if (!known) list.append(item);
}

/** @param {Member[]} members */
function showStatus(members) {
  const others = members.filter(({ isYou }) => !isYou);
  const connected = others.filter(({ state }) => state === "open").length;
  const text = `Connected to ${connected} of ${others.length}.`;
  setText(element("status"), others.length ? text : "Nobody else is here yet.");
}

/** @param {Party} party */
function showControls({ isHost, room, participants }) {
  const canStart = isHost && room.status === "waiting";
  if (!canStart && document.activeElement === startButton) title.focus();
  startButton.hidden = !canStart;
  startButton.disabled = participants.length < FEWEST_TO_START;
  leaveButton.textContent = isHost ? "Close the room" : "Leave";
  setText(element("room-state"), ROOM_STATE_TEXTS[room.status] ?? room.status);
  element("room-state").dataset.status = room.status;
}

function items() {
  return /** @type {HTMLElement[]} */ ([...list.children]);
}
