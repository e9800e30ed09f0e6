/** Who is in the room, in which part and on which seat, and how they are connected. */

import { initActions, showActions } from "./actions.js";
import { button, element, fromTemplate, part, setText } from "./dom.js";
import { whyNotConnected } from "./why.js";

/** @typedef {import("../party.js").Party} Party */
/** @typedef {Party["participants"][number]} Member */

const STATE_TEXTS = {
  connecting: "connecting …",
  open: "connected",
  interrupted: "interrupted",
  relayed: "through the service",
  failed: "not connected",
};

/** @type {Record<string, string>} */
const ROOM_STATE_TEXTS = { waiting: "waiting to start", playing: "started", ended: "closed" };

/** A room is started with company. */
const FEWEST_TO_START = 2;

const lists = { players: element("participants"), spectators: element("spectators") };
const title = element("people-title");
const startButton = button("start");

/**
 * @param {() => Party|null} current
 * @param {(reason: unknown) => void} onRefused
 */
export function initPeople(current, onRefused) {
  startButton.addEventListener("click", () => {
    current()?.start().catch(onRefused);
  });
  initActions(Object.values(lists), current, onRefused);
}

/** @param {Party} party */
export function showPeople(party) {
  const members = party.participants;
  const ids = new Set(members.map(({ id }) => id));
  for (const item of items()) if (!ids.has(item.dataset.participant ?? "")) item.remove();
  for (const member of members) showMember(member, party);
  element("watching").hidden = lists.spectators.children.length === 0;
  showStatus(members);
  showControls(party);
}

export function forgetPeople() {
  for (const list of Object.values(lists)) list.replaceChildren();
}

/**
 * An item stays the same element while its person is here, so that focus stays where it is.
 *
 * @param {Member} member
 * @param {Party} party
 */
function showMember(member, party) {
  const { id, name, role, isYou, state } = member;
  const known = items().find((item) => item.dataset.participant === id);
  const item = known ?? fromTemplate("participant-template");
  item.dataset.participant = id;
  item.dataset.state = isYou ? "you" : (state ?? "");
  setText(part(item, ".name"), name);
  setText(part(item, ".role"), partOf(member));
  setText(part(item, ".state"), isYou ? "you" : stateOf(member));
  setText(part(item, ".why"), whyNotConnected(member));
  showActions(item, member, party);
  const list = role === "spectator" ? lists.spectators : lists.players;
  if (item.parentElement !== list) list.append(item);
}

/** @param {Member} member */
function partOf({ role, seat }) {
  const texts = [role === "host" ? "host" : "", seat === null || seat === undefined ? "" : `seat ${seat + 1}`];
  return texts.filter(Boolean).join(", ");
}

/** @param {Member} member */
function stateOf({ presence, state }) {
  return presence === "online" || state === "open" || state === "relayed" ? STATE_TEXTS[state ?? "connecting"] : presence;
}

/** @param {Member[]} members */
function showStatus(members) {
  const others = members.filter(({ isYou }) => !isYou);
  const connected = others.filter(({ state }) => state === "open").length;
  const relayed = others.filter(({ state }) => state === "relayed").length;
  const rest = relayed ? ` Short messages reach ${relayed} more through the service.` : "";
  const text = `Connected to ${connected} of ${others.length}.${rest}`;
  setText(element("status"), others.length ? text : "Nobody else is here yet.");
}

/** @param {Party} party */
function showControls({ isHost, room, settings, participants }) {
  showWhere(startButton, isHost && room.status === "waiting");
  startButton.disabled = participants.length < FEWEST_TO_START;
  showWhere(button("close"), isHost);
  // A room that ends without its host, the host can only close.
  showWhere(button("leave"), !isHost || settings.hostGone === "promote");
  const state = ROOM_STATE_TEXTS[room.status] ?? room.status;
  setText(element("room-state"), settings.locked ? `${state}, locked` : state);
  element("room-state").dataset.status = room.status;
}

/**
 * @param {HTMLButtonElement} control
 * @param {boolean} isShown
 */
function showWhere(control, isShown) {
  if (!isShown && document.activeElement === control) title.focus();
  control.hidden = !isShown;
}

function items() {
  return /** @type {HTMLElement[]} */ (Object.values(lists).flatMap(({ children }) => [...children]));
}
