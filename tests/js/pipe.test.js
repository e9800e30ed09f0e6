/** What goes through a data channel, piece by piece. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { LARGEST_BYTES, Pipe, pack } from "../../party/static/pipe.js";

/** @type {any[]} */
let received;
/** @type {any[]} the frames that were sent */
let frames;
/** @type {any} */
let channel;
/** @type {Pipe} */
let pipe;

beforeEach(() => {
  [received, frames] = [[], []];
  channel = { readyState: "open", bufferedAmount: 0, send: (/** @type {any} */ frame) => frames.push(frame) };
  pipe = new Pipe(channel, (data) => received.push(data));
});

/** Hand the frames that were sent to the receiving side of the same pipe. */
function deliver() {
  for (const frame of frames.splice(0)) {
    channel.onmessage({ data: typeof frame === "string" ? frame : frame.slice().buffer });
  }
}

test("texts and binary data arrive as they were when they were sent", () => {
  const bytes = new Uint8Array(100_000).map((_, i) => i % 251);
  const before = bytes.slice();
  const text = "größer 😀 ".repeat(10_000);
  for (const data of ["", "short", text, bytes, bytes.subarray(7, 20), bytes.buffer, new ArrayBuffer(0)]) {
    pipe.send(pack(data));
  }
  bytes.fill(0);
  deliver();
  assert.deepEqual(received.slice(0, 3), ["", "short", text]);
  const expected = [before, before.subarray(7, 20), before, new Uint8Array(0)];
  assert.deepEqual(received.slice(3).map((buffer) => new Uint8Array(buffer)), expected);
});

test("what was packed once can be sent to many", () => {
  const packed = pack(new Uint8Array(50_000).fill(3));
  pipe.send(packed);
  pipe.send(packed);
  deliver();
  assert.deepEqual(received[0], received[1]);
  assert.equal(received.length, 2);
});

test("what is no data is refused with a TypeError, what is too much with a RangeError", () => {
  for (const data of [undefined, null, 7, {}, [1, 2], { byteLength: 3 }]) {
    assert.throws(() => pack(/** @type {any} */ (data)), TypeError);
  }
  assert.throws(() => pack(new Uint8Array(LARGEST_BYTES + 1)), RangeError);
});

test("an announcement costs no memory before anything comes", () => {
  const { arrayBuffers } = process.memoryUsage();
  for (let i = 0; i < 20; i++) channel.onmessage({ data: `+binary ${LARGEST_BYTES}` });
  assert.ok(process.memoryUsage().arrayBuffers - arrayBuffers < 1024 * 1024);
});

test("what is announced badly or as too large is dropped, and what follows is taken", () => {
  for (const announcement of [`+binary ${LARGEST_BYTES + 1}`, "+binary", "+binary -1", "+text 1e3", "nonsense"]) {
    channel.onmessage({ data: announcement });
    channel.onmessage({ data: new ArrayBuffer(5) });
  }
  channel.onmessage({ data: "+binary 2" });
  channel.onmessage({ data: new ArrayBuffer(3) });
  channel.onmessage({ data: "=here" });
  assert.deepEqual(received, ["here"]);
});
