/** The lobby: open a room, or join one by its code. */

import { codeFrom, isBlank, isCode } from "../client/input.js";
import { button, element, fromTemplate, part, setText } from "./dom.js";

/** @typedef {import("../party.js").ApiError} ApiError */
/** @typedef {import("../party.js").RoomPreview} RoomPreview */
/** @typedef {Parameters<typeof import("../party.js").Party.create>[0]} CreateValues */
/** @typedef {{code: string, name: string, password?: string, spectate?: boolean}} JoinValues */

const NO_NAME = "Please type a name that the others can see.";
const NO_CODE = "A room code has six letters and digits, such as ABC234.";
/** As people type one: nothing beside it, and at most one gap in the middle. */
const BARE_CODE = /^[\p{L}\p{N}]{3}[\s-]?[\p{L}\p{N}]{3}$/u;
const UNKNOWN_CODE = "There is no room with this code.";
const OVER = "This room is over.";
const PASSWORD_HINTS = { unknown: "if the room has one", needed: "this room has one", none: "this room has none" };

const lobby = element("lobby");
const listed = /** @type {HTMLDetailsElement} */ (element("listed"));
const joinForm = element("join-form");
const joinCode = /** @type {HTMLInputElement} */ (element("join-code"));
const joinPassword = /** @type {HTMLInputElement} */ (element("join-password"));

/** @type {(code: string) => Promise<RoomPreview>} */
let lookAt;
/** @type {() => Promise<{rooms: RoomPreview[]}>} */
let list;
/** The code whose room is shown, or is being asked for. */
let lookedAt = "";

/**
 * @param {object} handlers
 * @param {(values: CreateValues) => Promise<void>} handlers.create  fulfilled when the room was entered
 * @param {(values: JoinValues) => Promise<void>} handlers.join
 * @param {(code: string) => Promise<RoomPreview>} handlers.preview
 * @param {() => Promise<{rooms: RoomPreview[]}>} handlers.findRooms
 * @param {() => void} handlers.onTry
 * @param {(reason: unknown) => void} handlers.onRefused
 */
export function initLobby({ create, join, preview, findRooms, onTry, onRefused }) {
  lookAt = preview;
  list = findRooms;
  listed.addEventListener("toggle", showListed);
  const handlers = { create, join };
  for (const kind of /** @type {const} */ (["create", "join"])) {
    const form = /** @type {HTMLFormElement} */ (element(`${kind}-form`));
    const name = /** @type {HTMLInputElement} */ (part(form, "[name=name]"));
    name.addEventListener("input", () => name.setCustomValidity(isBlank(name.value) ? NO_NAME : ""));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      onTry();
      button(kind).disabled = true;
      try {
        await handlers[kind](valuesOf(form));
        form.reset();
        showRoom("", "unknown");
      } catch (reason) {
        onRefused(reason);
      } finally {
        button(kind).disabled = false;
      }
    });
  }
  joinCode.addEventListener("input", (event) => {
    onCode(/** @type {InputEvent} */ (event).inputType === "insertFromPaste");
  });
  joinCode.addEventListener("change", () => onCode(true));
  showRoom("", "unknown");
}

/** @param {{focus: boolean}} options  whether to take the focus there, as another view has just gone */
export function showLobby({ focus }) {
  lobby.hidden = false;
  listed.open = false; // whoever opens it again sees what there is then
  if (!takeCodeFromAddress() && focus) element("create-title").focus();
}

export function hideLobby() {
  lobby.hidden = true;
}

/** Whoever has no code finds the rooms whose hosts want that. */
async function showListed() {
  if (!listed.open) return;
  try {
    const { rooms } = await list();
    element("listed-rooms").replaceChildren(...rooms.map(listedRoom));
    setText(element("listed-text"), rooms.length === 0 ? "There is none at the moment." : "");
  } catch (reason) {
    setText(element("listed-text"), /** @type {Error} */ (reason).message);
  }
}

/** @param {RoomPreview} room */
function listedRoom({ code, name, gameType, hostName, participantCount, maxParticipants }) {
  const item = fromTemplate("listed-template");
  const link = /** @type {HTMLAnchorElement} */ (part(item, "a"));
  link.href = `#${code}`;
  link.textContent = name ?? `${hostName}’s room`;
  const count = `${participantCount} of ${maxParticipants} there`;
  setText(part(item, ".state"), [gameType, name && hostName, count].filter(Boolean).join(", "));
  return item;
}

/** `#ABC234` in the address is an invitation. */
export function codeInAddress() {
  const code = codeFrom(decoded(location.hash));
  return isCode(code) ? code : null;
}

/** @returns {boolean} whether there was a code, so that only the name is missing */
export function takeCodeFromAddress() {
  const code = codeInAddress();
  lobby.classList.toggle("invited", code !== null);
  if (!code) return false;
  joinCode.value = code;
  onCode(true);
  part(joinForm, "[name=name]").focus();
  return true;
}

/**
 * A look is a knock, too: the host's page polls quickly by the time that a name is typed.
 *
 * @param {boolean} isWhole  otherwise somebody is typing, and what looks like a code may be half a link
 */
function onCode(isWhole) {
  const code = codeFrom(joinCode.value);
  joinCode.setCustomValidity(isCode(code) ? "" : NO_CODE);
  if (isWhole && isCode(code)) joinCode.value = code;
  const isBare = BARE_CODE.test(joinCode.value.trim());
  if (code !== lookedAt) showRoomOf(isWhole || isBare ? code : "");
}

/**
 * Tell whose room it is, before anybody types a password that it does not have.
 *
 * @param {string} code
 */
async function showRoomOf(code) {
  lookedAt = code;
  showRoom("", "unknown");
  if (!isCode(code)) return;
  try {
    const room = await lookAt(code);
    if (lookedAt !== code) return;
    showRoom(described(room), room.needsPassword ? "needed" : "none");
  } catch (reason) {
    // Anything else is told when it comes to joining.
    const isUnknown = /** @type {ApiError} */ (reason).code === "ROOM_NOT_FOUND";
    if (lookedAt === code && isUnknown) showRoom(UNKNOWN_CODE, "unknown");
  }
}

/** @param {RoomPreview} room */
function described({ status, name, hostName, participantCount, maxParticipants, approval, locked }) {
  if (status === "ended") return OVER;
  const text = `${name ? `${name}: ` : ""}${hostName}’s room, ${participantCount} of ${maxParticipants} there.`;
  if (locked) return `${text} It is locked: nobody can join.`;
  return approval ? `${text} ${hostName} lets people in.` : text;
}

/**
 * @param {string} text
 * @param {keyof typeof PASSWORD_HINTS} password
 */
function showRoom(text, password) {
  setText(element("join-room"), text);
  setText(element("join-password-hint"), PASSWORD_HINTS[password]);
  joinPassword.required = password === "needed";
}

/** @param {string} hash */
function decoded(hash) {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash;
  }
}

/**
 * @param {HTMLFormElement} form
 * @returns {any} empty fields are left out
 */
function valuesOf(form) {
  const fields = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("input")]);
  return Object.fromEntries(
    fields
      .filter(({ type, checked, value }) => (type === "checkbox" ? checked : value !== ""))
      .map((field) => [field.name, valueOf(field)]),
  );
}

/** @param {HTMLInputElement} field  a box that is checked, or one that is filled in */
function valueOf(field) {
  if (field.type === "number") return Number(field.value);
  return field.type === "checkbox" && !field.hasAttribute("value") ? true : field.value;
}
