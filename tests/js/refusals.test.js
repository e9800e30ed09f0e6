import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../party/static/api.js";
import { refusalText } from "../../party/static/page-refusals.js";

/** @param {number} seconds */
const limited = (seconds) =>
  new ApiError({ code: "RATE_LIMITED", message: "Too many.", status: 429, retryAfterMs: seconds * 1000 });

test("a limit is told by what it was for and by when it is over", () => {
  assert.match(refusalText(limited(2_201), "create"), /rooms.* again in 37 minutes\./);
  assert.match(refusalText(limited(40), "join"), /join.* again in 40 seconds\./);
  assert.match(refusalText(limited(1), "stay"), /This page.* in 1 second\./);
  assert.match(refusalText(limited(0), "stay"), / in 1 second\./);
  assert.match(refusalText(limited(120), "join"), / in 2 minutes\./);
});

test("other refusals are told as the service tells them", () => {
  const full = new ApiError({ code: "MAILBOX_FULL", message: "It is full.", status: 429, retryAfterMs: 1000 });
  assert.equal(refusalText(full, "stay"), "It is full.");
  assert.equal(refusalText("odd", "join"), "odd");
});
