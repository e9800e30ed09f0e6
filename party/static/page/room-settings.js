/** What can be set in a room besides its two buttons: when it is opened, and later by its host. */

import { button, element, fromTemplate, setText } from "./dom.js";

/** @typedef {import("../party.js").Party} Party */

const dialog = /** @type {HTMLDialogElement} */ (element("settings-dialog"));
const name = element("room-name");

/**
 * @param {() => Party|null} current
 * @param {(reason: unknown) => void} onRefused
 */
export function initSettings(current, onRefused) {
  for (const id of ["create-settings", "settings-fields"]) {
    element(id).append(...fromTemplate("settings-template").children);
  }
  button("settings").hidden = !dialog.showModal; // Safari before 15.4
  button("settings").addEventListener("click", () => {
    const party = current();
    if (party) open(party);
  });
  button("settings-cancel").addEventListener("click", () => dialog.close(""));
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") current()?.setSettings(given()).catch(onRefused);
  });
}

/** @param {Party} party */
export function showSettings({ settings }) {
  setText(name, settings.name ?? "");
  name.hidden = !settings.name;
}

/** @param {Party} party */
function open({ settings, room }) {
  const { name: roomName, ...others } = settings;
  /** @type {Record<string, any>} */
  const values = { ...others, roomName, maxParticipants: room.maxParticipants };
  for (const field of fields()) {
    if (field.type === "checkbox") field.checked = values[field.name];
    else field.value = values[field.name] ?? "";
  }
  dialog.returnValue = ""; // for those who close it by the keyboard
  dialog.showModal();
}

/** @returns {Parameters<Party["setSettings"]>[0]} a number that was emptied stays as it is */
function given() {
  const values = fields().map(({ name, type, checked, value }) => {
    if (type === "number") return [name, value === "" ? undefined : Number(value)];
    return [name, type === "checkbox" ? checked : value || null];
  });
  const { roomName, ...others } = Object.fromEntries(values);
  return { ...others, name: roomName };
}

function fields() {
  return [...dialog.querySelectorAll("input")];
}
