/** What goes through a data channel, piece by piece. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { LARGEST_BYTES, Pipe, pack } from "../../party/static/client/pipe.js";

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
  pipe = new Pipe(channel, { onData: (data) => received.push(data) });
});

/** In bytes, without what is garbage. */
function memoryInUse() {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

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

test("the smallest frames, or empty ones, cost no more memory than the bytes in them", () => {
  const before = memoryInUse();
  channel.onmessage({ data: `+binary ${LARGEST_BYTES}` });
  const [nothing, little] = [new ArrayBuffer(0), new ArrayBuffer(1)];
  for (let i = 0; i < 1_000_000; i++) {
    channel.onmessage({ data: i % 2 ? nothing.slice(0) : little.slice(0) });
  }
  const grownBytes = memoryInUse() - before;
  assert.ok(grownBytes < 5_000_000, String(grownBytes));
});

test("data that comes in frames of any size is put together", () => {
  const bytes = new Uint8Array(70_000).map((_, i) => i % 251);
  channel.onmessage({ data: `+binary ${bytes.length}` });
  for (let start = 0, size = 0; start < bytes.length; start += size, size = (size * 3 + 1) % 5_000) {
    channel.onmessage({ data: bytes.slice(start, start + size).buffer });
  }
  assert.equal(received.length, 1);
  assert.deepEqual(new Uint8Array(received[0]), bytes);
});

test("what is larger than a page takes is dropped and told of, and what follows is taken", () => {
  /** @type {number[]} */
  const dropped = [];
  pipe = new Pipe(channel, {
    onData: (data) => received.push(data),
    maxBytes: 10,
    onTooLarge: (bytes) => dropped.push(bytes),
  });
  for (const data of ["x".repeat(11), new Uint8Array(11), "ü".repeat(6), "x".repeat(40_000)]) {
    pipe.send(pack(data));
    pipe.send(pack("ü".repeat(5)));
    pipe.send(pack(new Uint8Array(10)));
  }
  deliver();
  assert.deepEqual(dropped, [11, 11, 12, 40_000]);
  assert.equal(received.length, 8);
  assert.deepEqual(received.slice(0, 2), ["ü".repeat(5), new ArrayBuffer(10)]);
  for (const text of ["+text 99999999999999999999", "+file 5", "+text 5 6", "+text 5.5"]) channel.onmessage({ data: text });
  assert.equal(dropped.length, 4);
});
