/** How others get in: the code, the link and the link's QR code. */

import { button, copiesOnClick, element, part } from "./dom.js";
import { qrMatrix, svgPath } from "../qr/qr.js";

/** Light modules around a QR code, as the standard wants them. */
const QUIET_ZONE = 4;

const link = /** @type {HTMLAnchorElement} */ (element("room-link"));
const shareButton = button("share-link");
/** Where people share by another app rather than by copy and paste. */
const hasShareSheet = "share" in navigator && matchMedia("(pointer: coarse)").matches;

/** @type {(code: string) => Promise<import("../party.js").RoomPreview>} */
let lookAt;

/** @param {typeof lookAt} preview */
export function initInvite(preview) {
  lookAt = preview;
  copiesOnClick(button("copy-code"), () => element("room-code").textContent ?? "");
  if (hasShareSheet) {
    shareButton.textContent = "Share link";
    shareButton.addEventListener("click", () => {
      // It rejects when the person changes their mind.
      navigator.share({ title: "Party", url: link.href }).catch(() => {});
    });
  } else {
    copiesOnClick(shareButton, () => link.href);
  }
}

/** @param {string} code */
export function showInvite(code) {
  history.replaceState(null, "", `#${code}`);
  element("room-code").textContent = code;
  link.href = location.href;
  link.textContent = location.href.replace(/^https?:\/\//, "");
  drawQrCode(location.href);
  element("room-code").focus();
  showWhetherPassword(code);
}

/** @param {string} code */
async function showWhetherPassword(code) {
  const show = (/** @type {boolean} */ hasPassword) => {
    element("room-password").hidden = element("password-too").hidden = !hasPassword;
  };
  show(false);
  // Those who are in a room are not told; strangers are. Where it cannot be learnt, nothing is said.
  const room = await lookAt(code).catch(() => null);
  if (room && element("room-code").textContent === code) show(room.needsPassword);
}

/** @param {string} text */
function drawQrCode(text) {
  const svg = element("qr");
  const matrix = qrMatrix(text);
  const size = matrix.length + 2 * QUIET_ZONE;
  svg.setAttribute("viewBox", `${-QUIET_ZONE} ${-QUIET_ZONE} ${size} ${size}`);
  part(svg, "path").setAttribute("d", svgPath(matrix));
}
