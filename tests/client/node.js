/**
 * A host in Node, where another package brings WebRTC: it opens a room, greets whoever comes, and tells on its
 * output, a line of JSON each, what happens.
 *
 *     node node.js http://127.0.0.1:8000/ FOLDER
 *
 * FOLDER is where the package `werift` has been installed.
 */

import { createRequire } from "node:module";

import { Party } from "../../party/static/party.js";

const [baseUrl, folder] = process.argv.slice(2);
const { RTCPeerConnection } = createRequire(`${folder}/`)("werift");
globalThis.RTCPeerConnection = RTCPeerConnection;

const tell = (what) => console.log(JSON.stringify(what));
const party = await Party.create({ name: "Node", participantId: "node", baseUrl });
tell({ code: party.code });
party.addEventListener("peer", ({ detail: { peerId, state } }) => {
  tell({ peerId, state });
  if (state === "open") party.send(peerId, "hello from Node");
});
party.addEventListener("message", ({ detail: { peerId, data } }) => {
  tell({ peerId, data: typeof data === "string" ? data.slice(0, 20) : data.byteLength });
  party.send(peerId, data);
});
party.addEventListener("error", ({ detail: { error } }) => tell({ error: error.message }));
party.addEventListener("ended", ({ detail: { reason } }) => {
  tell({ ended: reason });
  process.exit();
});
