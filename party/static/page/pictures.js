/** Pictures: from a file, or pasted, into the chat. */

import { element, setText } from "./dom.js";

/** @typedef {import("../party.js").Party} Party */

/** What the service takes as it is; anything larger, or of another kind, is made a JPEG first. */
const MOST_BYTES = 2 * 1024 * 1024;
const TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const LONGEST_SIDE = 1_600;
const QUALITY = 0.85;

/** There only where the service takes images. */
const choose = /** @type {HTMLButtonElement|null} */ (document.getElementById("picture"));

/**
 * @param {() => Party|null} current
 * @param {(reason: unknown) => void} onRefused
 */
export function initPictures(current, onRefused) {
  if (!choose) return;
  const input = /** @type {HTMLInputElement} */ (element("picture-file"));
  const send = async (/** @type {File|undefined} */ file) => {
    const party = current();
    if (!party || !file || !maySend(party)) return;
    setText(element("sending"), "Sending a picture …");
    try {
      await party.say(await party.upload(await fitting(file)));
    } catch (reason) {
      onRefused(reason);
    } finally {
      setText(element("sending"), "");
    }
  };
  choose.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    send(input.files?.[0]);
    input.value = ""; // the same one may be chosen again
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (!file || !current()) return;
    event.preventDefault();
    send(file);
  });
}

/** @param {Party} party */
export function showWhetherPictures(party) {
  if (choose) choose.hidden = !maySend(party);
}

/** @param {Party} party */
function maySend(party) {
  return "upload" in party && "say" in party && party.role !== "spectator";
}

/**
 * A file that the service takes: a phone's photograph is larger.
 *
 * @param {File} file
 * @returns {Promise<Blob>}
 */
async function fitting(file) {
  if (file.size <= MOST_BYTES && TYPES.includes(file.type)) return file;
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) throw new Error("That is no picture that this browser can read.");
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? file), "image/jpeg", QUALITY));
}
