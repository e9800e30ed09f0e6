/** The lobby: open a room, or join one by its code. */

import { button, element, part } from "./page-dom.js";

/** @typedef {{name: string, password?: string}} CreateValues */
/** @typedef {{code: string, name: string, password?: string}} JoinValues */

const lobby = element("lobby");
const joinCode = /** @type {HTMLInputElement} */ (element("join-code"));

/**
 * @param {object} handlers
 * @param {(values: CreateValues) => Promise<void>} handlers.create  fulfilled when the room was entered
 * @param {(values: JoinValues) => Promise<void>} handlers.join
 * @param {() => void} handlers.onTry
 * @param {(reason: unknown) => void} handlers.onRefused
 */
export function initLobby({ create, join, onTry, onRefused }) {
  const handlers = { create, join };
  for (const kind of /** @type {const} */ (["create", "join"])) {
    const form = /** @type {HTMLFormElement} */ (element(`${kind}-form`));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      onTry();
      button(kind).disabled = true;
      try {
        await handlers[kind](valuesOf(form));
        form.reset();
      } catch (reason) {
        onRefused(reason);
      } finally {
        button(kind).disabled = false;
      }
    });
  }
}

/** @param {{focus: boolean}} options  whether to take the focus there, as another view has just gone */
export function showLobby({ focus }) {
  lobby.hidden = false;
  if (!takeCodeFromAddress() && focus) element("create-title").focus();
}

export function hideLobby() {
  lobby.hidden = true;
}

/** `#ABC234` in the address is an invitation. */
export function codeInAddress() {
  const code = location.hash.slice(1).toUpperCase();
  return /^[A-Z0-9]{6}$/.test(code) ? code : null;
}

/** @returns {boolean} whether there was a code, so that only the name is missing */
export function takeCodeFromAddress() {
  const code = codeInAddress();
  lobby.classList.toggle("invited", code !== null);
  if (!code) return false;
  joinCode.value = code;
  part(element("join-form"), "[name=name]").focus();
  return true;
}

/**
 * @param {HTMLFormElement} form
 * @returns {any} empty fields are left out
 */
function valuesOf(form) {
  return Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
}
