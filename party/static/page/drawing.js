/** Drawings: made with a mouse, a finger, a pen or the keyboard, and shown as they were made. */

import { button, element, part } from "./dom.js";

/** @typedef {import("../party.js").Drawing} Drawing */
/** @typedef {{tool: "pen", color: string, width: number, points: [x: number, y: number][]}} Stroke */

/** What this page draws on; other apps' drawings may have other sides. */
const SIDES = { width: 480, height: 360 };
const PEN_WIDTH = 4;
/** Points closer to each other than this are one. */
const LEAST_STEP = 2;
const KEY_STEP = 8;
/** The service takes 64 KiB. */
const MOST_CHARACTERS = 60_000;
/** Larger ones are shown smaller: a canvas takes memory for each of its pixels. */
const LONGEST_SIDE = 640;
const REPLAY_MS = 1_500;

/** @type {Record<string, [x: number, y: number]>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const dialog = /** @type {HTMLDialogElement} */ (element("drawing"));
const pad = /** @type {HTMLCanvasElement} */ (element("pad"));
/** @type {Stroke[]} */
let strokes = [];
/** Where the pen of the keyboard is, and whether it is down; null while it is not used. */
/** @type {{x: number, y: number, isDown: boolean}|null} */
let pen = null;

/** @param {(drawing: Drawing) => void} onDrawn */
export function initDrawing(onDrawn) {
  Object.assign(pad, SIDES);
  button("draw").hidden = !dialog.showModal; // Safari before 15.4
  button("draw").addEventListener("click", () => {
    strokes = [];
    pen = null;
    showPad();
    dialog.returnValue = "";
    dialog.showModal();
  });
  button("drawing-cancel").addEventListener("click", () => dialog.close(""));
  button("drawing-undo").addEventListener("click", () => {
    strokes.pop();
    showPad();
  });
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes" && strokes.length > 0) onDrawn({ operations: strokes, ...SIDES });
  });
  // To the browser a quick stroke is a fling, and it would take a tap soon after for the end of that.
  pad.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    begin(...positionOf(event));
  });
  pad.addEventListener("pointermove", (event) => {
    if (pad.hasPointerCapture(event.pointerId)) go(...positionOf(event));
  });
  pad.addEventListener("keydown", onKey);
}

/** @param {PointerEvent} event */
function positionOf({ clientX, clientY }) {
  const { left, top, width } = pad.getBoundingClientRect();
  const scale = SIDES.width / width;
  return /** @type {[number, number]} */ ([Math.round((clientX - left) * scale), Math.round((clientY - top) * scale)]);
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const step = STEPS[event.key];
  if (!step && event.key !== " ") return;
  event.preventDefault();
  pen ??= { x: SIDES.width / 2, y: SIDES.height / 2, isDown: false };
  if (step) {
    pen.x = Math.min(SIDES.width, Math.max(0, pen.x + KEY_STEP * step[0]));
    pen.y = Math.min(SIDES.height, Math.max(0, pen.y + KEY_STEP * step[1]));
    if (pen.isDown) go(pen.x, pen.y);
  } else {
    pen.isDown = !pen.isDown;
    if (pen.isDown) begin(pen.x, pen.y);
  }
  showPad();
}

/**
 * @param {number} x
 * @param {number} y
 */
function begin(x, y) {
  const color = /** @type {HTMLInputElement} */ (part(dialog, "[name=color]:checked")).value;
  strokes.push({ tool: "pen", color, width: PEN_WIDTH, points: [[x, y]] });
  showPad();
}

/**
 * @param {number} x
 * @param {number} y
 */
function go(x, y) {
  const { points } = strokes[strokes.length - 1];
  const [lastX, lastY] = points[points.length - 1];
  if (Math.hypot(x - lastX, y - lastY) < LEAST_STEP || JSON.stringify(strokes).length > MOST_CHARACTERS) return;
  points.push([x, y]);
  showPad();
}

function showPad() {
  draw(pad, { operations: strokes, ...SIDES }, 1);
  button("drawing-send").disabled = button("drawing-undo").disabled = strokes.length === 0;
  if (!pen) return;
  const context = /** @type {CanvasRenderingContext2D} */ (pad.getContext("2d"));
  context.strokeStyle = "#1f1c33";
  context.lineWidth = pen.isDown ? 3 : 1;
  context.beginPath();
  context.arc(pen.x, pen.y, 8, 0, 2 * Math.PI);
  context.stroke();
}

/**
 * Show a drawing, which can be seen being made again.
 *
 * @param {HTMLElement} place
 * @param {Drawing} drawing
 * @param {string} name
 * @param {boolean} isNew  it has just been made, and is shown so
 */
export function showDrawing(place, drawing, name, isNew) {
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, LONGEST_SIDE / Math.max(drawing.width, drawing.height));
  canvas.width = Math.max(1, Math.round(drawing.width * scale));
  canvas.height = Math.max(1, Math.round(drawing.height * scale));
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Drawing from ${name}`);
  const again = document.createElement("button");
  again.type = "button";
  again.className = "reaction";
  again.textContent = "Replay";
  again.addEventListener("click", () => replay(canvas, drawing));
  place.replaceChildren(canvas, again);
  draw(canvas, drawing, 1);
  if (isNew && !matchMedia("(prefers-reduced-motion: reduce)").matches) replay(canvas, drawing);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Drawing} drawing
 */
function replay(canvas, drawing) {
  const startedAt = performance.now();
  canvas.dataset.replays = String(Number(canvas.dataset.replays ?? 0) + 1);
  const step = () => {
    const share = Math.min(1, (performance.now() - startedAt) / REPLAY_MS);
    draw(canvas, drawing, share);
    if (share < 1 && canvas.isConnected) requestAnimationFrame(step);
  };
  requestAnimationFrame(step); // by then it is in the page
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Drawing} drawing  perhaps by another app: of what it has, strokes of a pen are drawn
 * @param {number} share  so much of it, 0 to 1
 */
function draw(canvas, { operations, width }, share) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.scale(canvas.width / width, canvas.width / width);
  context.lineCap = context.lineJoin = "round";
  const lines = operations.filter(isStroke);
  let left = Math.ceil(share * lines.reduce((sum, { points }) => sum + points.length, 0));
  for (const { color, width, points } of lines) {
    const shown = points.slice(0, left);
    left -= shown.length;
    context.strokeStyle = "#1f1c33";
    context.strokeStyle = String(color); // one that is none changes nothing
    context.lineWidth = Math.min(100, Math.max(1, Number(width) || 1));
    context.beginPath();
    for (const [x, y] of shown) context.lineTo(Number(x), Number(y));
    if (shown.length === 1) context.lineTo(Number(shown[0][0]) + 0.01, Number(shown[0][1])); // a dot
    context.stroke();
  }
}

/**
 * @param {any} operation
 * @returns {operation is Stroke}
 */
function isStroke({ tool, points }) {
  return tool === "pen" && Array.isArray(points) && points.every(Array.isArray);
}
