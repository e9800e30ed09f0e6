import assert from "node:assert/strict";
import { test } from "node:test";

import { codeFrom, isBlank, isCode } from "../../party/static/client/input.js";

test("a code is understood however it is typed", () => {
  for (const text of [
    "ABC234",
    "abc234",
    " abc 234 ",
    "abc-234",
    "A.B.C 2–3–4",
    "ＡＢＣ２３４",
    "ａｂｃ－２３４",
    "ABC\u200b234\u202c",
    "\u201cABC234\u201d",
    "#ABC234",
    "𝐀𝐁𝐂𝟐𝟑𝟒",
  ]) {
    assert.equal(codeFrom(text), "ABC234", text);
  }
});

test("a letter that no code has was misread", () => {
  assert.equal(codeFrom("o0-Ｏ０-2a"), "QQQQ2A");
  assert.equal(codeFrom("i1L ｌ１ｉ"), "JJJJJJ");
  assert.equal(codeFrom("https://example.org/10/#abco1l"), "ABCQJJ");
});

test("a code is found in a link", () => {
  for (const text of [
    "https://example.org/party/#ABC234",
    "example.org/party/#abc234",
    "https://example.org/hello.html?name=Ben#ABC234",
    "Join me: https://example.org/#ABC234 at ten",
    "https://example.org/#abc-234",
  ]) {
    assert.equal(codeFrom(text), "ABC234", text);
  }
});

test("what is no code does not become one", () => {
  for (const text of ["", "   ", "ABC23", "ABC2345", "#ABC2345", "https://example.org/", "АВС234", "../../x"]) {
    assert.equal(isCode(codeFrom(text)), false, text);
  }
  assert.equal(codeFrom(".."), "");
});

test("a text of nothing but invisible characters is blank", () => {
  for (const text of ["", " ", "\t\n", "\u00a0\u3000", "\u200b", "\u3164", "\u2800", "\u00ad\u2060\ufeff"]) {
    assert.equal(isBlank(text), true, JSON.stringify(text));
  }
  for (const text of ["\u034f", "\u115f\u1160", "\uffa0", "\u{e0020}\u{e007f}", "\ufe0f", "\u{1d159}"]) {
    assert.equal(isBlank(text), true, JSON.stringify(text));
  }
  for (const text of ["a", ".", "\u200bAda", "👩‍👩‍👧", "न", "é", "عمر"]) assert.equal(isBlank(text), false, text);
});
