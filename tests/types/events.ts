// What TypeScript accepts of a page that imports the client from the service, and what it refuses.

import { ApiError, Party } from "https://example.org/party/static/party.js";

declare const party: Party;

// Each event has its own detail.
party.addEventListener("message", ({ detail }) => {
  const { peerId, data } = detail;
  const text: string = typeof data === "string" ? data : `${data.byteLength} bytes from ${peerId.trim()}`;
  party.send(peerId, text);
});
party.addEventListener("participants", ({ detail }) => detail.participants.map(({ name, state }) => name + state));
party.addEventListener("room", ({ detail }) => detail.room.status === "playing");
party.addEventListener("question-advanced", ({ detail }) => detail.currentQuestion + detail.correct);
party.addEventListener("score-changed", ({ detail }) => detail.participantId.trim() + detail.score.toFixed());
party.addEventListener("peer", ({ detail }) => detail.state === "interrupted");
party.addEventListener("track", ({ detail }) => detail.track.stop());
party.addEventListener("error", ({ detail }) => detail.error.isOutage);
party.addEventListener("recovered", () => {}, { once: true });
party.addEventListener("ended", ({ detail }) => detail.reason === "finished" && detail.standings?.[0]?.score);
party.addEventListener("trace", ({ detail }) => detail.kind === "request" && detail.durationMs);

// Listeners may also be named, asynchronous, or objects.
const onPeer = async ({ detail }: CustomEvent<{ peerId: string }>) => party.reconnect(detail.peerId);
party.addEventListener("peer", onPeer);
party.removeEventListener("peer", onPeer);
party.addEventListener("ended", { handleEvent: ({ detail }) => detail.reason.length });
const any: EventTarget = party;
any.addEventListener("message", () => {});

// @ts-expect-error there is no such event
party.addEventListener("mesage", () => {});
// @ts-expect-error nor this one
party.addEventListener("Message", ({ detail }) => detail);
// @ts-expect-error no event of another class
party.removeEventListener("click", () => {});
// @ts-expect-error a message has no text
party.addEventListener("message", ({ detail }) => detail.text);
// @ts-expect-error data may be bytes
party.addEventListener("message", ({ detail }) => detail.data.trim());
// @ts-expect-error there is no such reason
party.addEventListener("ended", ({ detail }) => detail.reason === "over");

// What enters a room.
async function enter(code: string): Promise<void> {
  const preview = await Party.preview(code, { baseUrl: "/party/" });
  const password = preview.needsPassword ? "open sesame" : undefined;
  const joined: Party = await Party.join(preview.code, { name: "Ben", password, topology: "star" });
  const resumed: Party | null = await Party.resume();
  await (resumed ?? joined).leave().catch((error: unknown) => error instanceof ApiError && error.code);
  // @ts-expect-error a name is needed
  await Party.create({});
  // @ts-expect-error there is no such topology
  await Party.join(code, { name: "Ben", topology: "ring" });
}
void enter;

// What the room shares.
async function share(file: File): Promise<void> {
  const seq: number = await party.setState({ x: 1, y: undefined }, { scope: "me", visibleTo: ["ben"], ttlSeconds: 6 });
  party.addEventListener("state", ({ detail }) => detail.changes.map(({ by, key, removed }) => [by, key, removed, seq]));
  party.addEventListener("typing", ({ detail }) => party.typing(detail.participantIds.length > 0));
  party.addEventListener("chat", ({ detail: { message } }) => {
    const text: string = message.type === "text" ? message.content : message.name;
    return message.type === "image" && message.content.url + text;
  });
  party.addEventListener("chat-reaction", ({ detail }) => detail.reactions[0]?.participantIds.length);
  const id: number = await party.say(await party.upload(file));
  await party.react(id, "heart", false);
  const { messages, more } = await party.messages({ before: id });
  void [party.state.room.turn?.value, party.state.members.ben?.x?.seq, messages[0]?.reactions, more];
  // @ts-expect-error there is no such emoji
  await party.react(id, "hearts");
  // @ts-expect-error what is said is no number
  await party.say(5);
  // @ts-expect-error there is no such audience
  await party.setState({}, { visibleTo: "guests" });
}
void share;
