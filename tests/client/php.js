/**
 * A small client of the PHP backend's paths, for the tests (`php.html?http://127.0.0.1:8000`): ids and no
 * tokens, a poll for signals every 500 ms and one for the room every second. Whoever was there first calls.
 */

const service = decodeURIComponent(location.search.slice(1));
const SIGNALS_EVERY_MS = 500;
const ROOM_EVERY_MS = 1000;

const old = { id: "", code: "", channels: {}, messages: [], create, join, say };
globalThis.old = old;

/** By peer id: the connection, and the candidates that came before its description. */
const peers = {};

async function call(method, path, body) {
  const response = await fetch(`${service}/endpoints/${path}`, {
    method,
    headers: body && { "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const { success, data, error } = await response.json();
  if (!success) throw new Error(error.message);
  return data;
}

async function create(id) {
  const room = await call("POST", "rooms.php", { hostId: id, hostName: id });
  enter(room.code, id);
  return room.code;
}

async function join(code, id) {
  await call("POST", `rooms.php/${code}/join`, { participantId: id, name: id });
  enter(code, id);
}

function enter(code, id) {
  Object.assign(old, { code, id });
  repeat(SIGNALS_EVERY_MS, pollSignals);
  repeat(ROOM_EVERY_MS, pollRoom);
}

function say(peerId, text) {
  old.channels[peerId].send(text);
}

async function repeat(ms, poll) {
  for (;;) {
    await poll();
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

async function pollRoom() {
  const { participants } = await call("GET", `rooms.php/${old.code}`);
  const ids = participants.map(({ id }) => id);
  // Those who came after this page.
  for (const id of ids.slice(ids.indexOf(old.id) + 1)) {
    if (!peers[id]) await offer(id);
  }
}

async function pollSignals() {
  const { messages } = await call("GET", `signal.php/${old.code}/${old.id}`);
  for (const { fromId, type, payload } of messages) await receive(fromId, type, payload);
}

async function receive(fromId, type, payload) {
  const peer = peers[fromId] ?? connect(fromId);
  if (type === "ice") {
    if (peer.connection.remoteDescription) await peer.connection.addIceCandidate(payload);
    else peer.early.push(payload);
    return;
  }
  await peer.connection.setRemoteDescription(payload);
  for (const candidate of peer.early.splice(0)) await peer.connection.addIceCandidate(candidate);
  if (type === "offer") {
    await peer.connection.setLocalDescription();
    await send(fromId, "answer", peer.connection.localDescription.toJSON());
  }
}

async function offer(peerId) {
  const { connection } = connect(peerId);
  listen(peerId, connection.createDataChannel("game"));
  await connection.setLocalDescription();
  await send(peerId, "offer", connection.localDescription.toJSON());
}

function connect(peerId) {
  const connection = new RTCPeerConnection();
  connection.onicecandidate = ({ candidate }) => candidate && send(peerId, "ice", candidate.toJSON());
  connection.ondatachannel = ({ channel }) => listen(peerId, channel);
  return (peers[peerId] = { connection, early: [] });
}

function listen(peerId, channel) {
  old.channels[peerId] = channel;
  channel.onmessage = ({ data }) => old.messages.push(`${peerId}: ${data}`);
}

function send(toId, type, payload) {
  return call("POST", "signal.php", { roomCode: old.code, fromId: old.id, toId, type, payload });
}
