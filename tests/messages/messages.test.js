/** Messages as a feature of a party, with a scripted service and without a network. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { NETWORK_FAILS, clock, join, record, refusal, service } from "../js/fake-service.js";

const SAY = "POST rooms/CODE/messages";

/** @param {any} message */
function posted(message) {
  service.add("message-posted", { message });
}

test("what is said is said once and in order, whatever answers get lost and however fast it comes", async () => {
  let id = 10;
  /** @type {Map<string, number>} */
  const known = new Map();
  let calls = 0;
  service.special[SAY] = () => {
    const { clientMsgId } = service.requests.at(-1)?.body;
    calls += 1;
    if (calls === 2) return refusal(429, "RATE_LIMITED");
    if (!known.has(clientMsgId)) known.set(clientMsgId, ++id);
    if (calls === 3) return NETWORK_FAILS();
    return { messageId: known.get(clientMsgId) };
  };
  const party = await join();
  const drawing = { operations: [], width: 10, height: 10 };
  const said = [party.say("one"), party.say(drawing), party.say({ imageId: "x" })];
  await clock.advance(10_000);
  assert.deepEqual(await Promise.all(said), [11, 12, 13]);
  const bodies = service.requests.filter(({ call }) => call === SAY).map(({ body }) => [body.type, body.content]);
  assert.deepEqual(bodies, [["text", "one"], ...Array(3).fill(["drawing", drawing]), ["image", { imageId: "x" }]]);
  assert.equal(known.size, 3);
});

test("what is said at once is sent as slowly as the service takes it", async () => {
  let id = 0;
  let readyAt = 0;
  service.special[SAY] = async () => {
    await new Promise((resolve) => setTimeout(resolve, 70));
    if (performance.now() < readyAt) return refusal(429, "RATE_LIMITED");
    readyAt = performance.now() + 1_000;
    return { messageId: ++id };
  };
  const party = await join();
  const said = ["one", "two", "three"].map((text) => party.say(text));
  await clock.advance(3_000);
  assert.deepEqual(await Promise.all(said), [1, 2, 3]);
  assert.equal(service.count(SAY), 3);
  // Nor does it wait where there has been a pause.
  await clock.advance(1_000);
  const later = party.say("later");
  await clock.advance(100);
  assert.equal(await later, 4);
});

test("what is refused does not hold up what is said after it", async () => {
  const fates = [() => refusal(400, "VALIDATION_ERROR"), () => ({ messageId: 1 })];
  service.special[SAY] = () => fates.shift()?.();
  const party = await join();
  const refused = assert.rejects(party.say(""), { code: "VALIDATION_ERROR" });
  const said = party.say("one");
  await clock.advance(100);
  await refused;
  assert.equal(await said, 1);
});

test("the stream tells what was said in its order, once, and nothing of what is deleted", async () => {
  const party = await join();
  /** @type {any[]} */
  const told = [];
  for (const type of ["chat", "chat-reaction", "chat-deleted", "participants", "chat-missed"]) {
    party.addEventListener(/** @type {any} */ (type), ({ type, detail }) => told.push([type, detail]));
  }
  const image = { id: 9, type: "image", content: { url: "/party/rooms/ABC234/images/x", width: 1, height: 1 } };
  posted({ id: 6, type: "text", content: "hello" });
  posted({ id: 7 });
  service.add("message-reacted", { messageId: 6, reactions: [] });
  service.add("participant-left", { participantId: "ada" });
  posted(image);
  service.add("message-deleted", { messageId: 7 });
  await clock.advance(1_000);
  assert.deepEqual(told.map(([type]) => type), ["chat", "chat-reaction", "participants", "chat", "chat-deleted"]);
  assert.equal(told[3][1].message.content.url, "https://service.test/party/rooms/ABC234/images/x");
  // After a gap the Room has all but what was said.
  posted({ id: 12, type: "text", content: "meanwhile" });
  service.extra = { gap: true, room: { ...service.room, you: { id: "me", role: "player" } } };
  told.splice(0);
  await clock.advance(3_000);
  assert.deepEqual(told.filter(([type]) => type.startsWith("chat")), [
    ["chat", { message: { id: 12, type: "text", content: "meanwhile" } }],
    ["chat-missed", {}],
  ]);
});

test("the history can be asked for, and messages deleted and reacted to", async () => {
  service.special["GET rooms/CODE/messages"] = () => ({ messages: [{ id: 1, type: "text", content: "x" }], more: true });
  service.special["POST rooms/CODE/messages/1/react"] = () => ({ reactions: [{ emoji: "star", participantIds: ["me"] }] });
  const party = await join();
  assert.deepEqual(await party.messages(), { messages: [{ id: 1, type: "text", content: "x" }], more: true });
  await party.messages({ before: 9, limit: 100 });
  assert.ok(service.requests.some(({ url }) => url.endsWith("/messages?before=9&limit=100")));
  assert.deepEqual(await party.react(1, "star"), [{ emoji: "star", participantIds: ["me"] }]);
  await party.deleteMessage(1);
  assert.equal(service.count("POST rooms/CODE/messages/1/delete"), 1);
});
