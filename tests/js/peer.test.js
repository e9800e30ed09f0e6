/** Negotiation between two peers, over a scripted transport that delays what it carries. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Peer } from "../../party/static/client/peer.js";
import { pack } from "../../party/static/client/pipe.js";
import { FakeClock } from "./fake-clock.js";
import { FakePeerConnection } from "./fake-webrtc.js";

/** @type {FakeClock} */
let clock;

beforeEach(() => {
  clock = new FakeClock();
  clock.install();
  FakePeerConnection.all = [];
  globalThis.RTCPeerConnection = /** @type {any} */ (FakePeerConnection);
  console.warn = () => {};
});

/** @type {RTCIceServer[]} */
const none = [];
const NO_SERVERS = { current: none, fresh: async () => none };

/** Two participants, "a" and "b", and the signals between them: in order, each after `delayMs()`. */
class Pair {
  /** @type {Record<string, Peer>} */
  peers = {};
  /** @type {Record<string, string[]>} */
  states = { a: [], b: [] };
  /** @type {Record<string, any[]>} */
  data = { a: [], b: [] };
  /** @type {{from: string, type: any, payload: any}[]} */
  posted = [];
  #arrivesAt = { a: 0, b: 0 };
  /** How many pages each seat has had: what was under way to or from a former one is dropped. */
  #pages = { a: 0, b: 0 };

  /** @param {() => number} delayMs */
  constructor(delayMs = () => 100) {
    this.delayMs = delayMs;
    this.peers = { a: this.#make("a", "b"), b: this.#make("b", "a") };
  }

  /**
   * @param {"a"|"b"} id
   * @param {"a"|"b"} other
   */
  #make(id, other) {
    this.#pages[id]++;
    return new Peer({
      id: other,
      polite: id < other,
      iceServers: NO_SERVERS,
      tracks: new Map(),
      post: (type, payload) => {
        this.posted.push({ from: id, type, payload });
        const copy = structuredClone(payload);
        this.deliver(other, () => this.peers[other].receive(type, copy));
        return `message ${this.posted.length}`;
      },
      onState: (state) => this.states[id].push(state),
      onFailed: () => {},
      onData: (data) => this.data[id].push(data),
      onTrack: () => {},
    });
  }

  /**
   * @param {"a"|"b"} to
   * @param {() => void} arrive
   */
  deliver(to, arrive) {
    const at = Math.max(clock.now + this.delayMs(), this.#arrivesAt[to]);
    this.#arrivesAt[to] = at;
    const pages = { ...this.#pages };
    const isForThesePages = () => pages.a === this.#pages.a && pages.b === this.#pages.b;
    setTimeout(() => isForThesePages() && arrive(), at - clock.now);
  }

  /**
   * A new page takes a seat, and the other side is told so in its stream.
   *
   * @param {"a"|"b"} id
   */
  reload(id) {
    const other = id === "a" ? "b" : "a";
    this.peers[id].close();
    this.peers[id] = this.#make(id, other);
    this.deliver(other, () => this.peers[other].close());
  }

  /** Both are open, and what one says the other hears. */
  async assertConnected() {
    assert.deepEqual([this.peers.a.state, this.peers.b.state], ["open", "open"]);
    this.data = { a: [], b: [] };
    assert.ok(this.peers.a.send(pack("to b")) && this.peers.b.send(pack("to a")));
    await clock.advance(1);
    assert.deepEqual(this.data, { a: ["to a"], b: ["to b"] });
  }
}

/** Numbers that look random and are the same in every run (mulberry32). */
function randomNumbers(/** @type {number} */ seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

for (const who of /** @type {("a"|"b")[]} */ (["a", "b"])) {
  test(`one offer and one answer connect, when ${who} begins`, async () => {
    const pair = new Pair();
    pair.peers[who].start();
    await clock.advance(1_000);
    await pair.assertConnected();
    assert.deepEqual(
      pair.posted.filter(({ type }) => type !== "ice").map(({ type }) => type),
      ["offer", "answer"],
    );
    assert.equal(FakePeerConnection.all.length, 2);
    assert.deepEqual(FakePeerConnection.all.map(({ candidates }) => candidates.length), [1, 1]);
  });
}

test("candidates that come before their offer are kept for it", async () => {
  const pair = new Pair();
  const { b } = pair.peers;
  const sdp = "offer of somebody";
  b.receive("ice", { connection: "x", negotiation: 1, candidates: [{ candidate: "early", sdpMid: sdp }] });
  b.receive("offer", { connection: "x", negotiation: 1, description: { type: "offer", sdp } });
  await clock.advance(10);
  assert.deepEqual(FakePeerConnection.all[0].candidates, [{ candidate: "early", sdpMid: sdp }]);
});

test("when both begin at the same moment, both end up with the same one connection", async () => {
  const pair = new Pair();
  pair.peers.a.start();
  pair.peers.b.start();
  await clock.advance(1_000);
  await pair.assertConnected();
  const connections = new Set(
    pair.posted.filter(({ type }) => type === "answer").map(({ payload }) => payload.connection),
  );
  assert.equal(connections.size, 1);
});

test("whenever the two begin, begin again or reload, they end up connected", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    FakePeerConnection.all = [];
    const random = randomNumbers(seed);
    const pair = new Pair(() => random() * 300);
    for (let i = 0; i < 6; i++) {
      const who = random() < 0.5 ? "a" : "b";
      if (random() < 0.3) pair.reload(who); // and then it begins, as every page that comes
      pair.peers[who].start();
      await clock.advance(random() * 400);
    }
    await clock.advance(180_000);
    await pair.assertConnected();
    const open = FakePeerConnection.all.filter(({ signalingState }) => signalingState !== "closed");
    assert.equal(open.length, 2, `seed ${seed} leaks connections`);
  }
});

test("when both renegotiate at the same moment, the polite one gives way", async () => {
  const pair = new Pair();
  pair.peers.a.start();
  await clock.advance(1_000);
  const [one, two] = FakePeerConnection.all;
  for (const pc of [one, two]) pc.onnegotiationneeded?.();
  await clock.advance(1_000);
  assert.deepEqual([one.signalingState, two.signalingState], ["stable", "stable"]);
  assert.equal(one.localDescription?.sdp, two.remoteDescription?.sdp);
  assert.equal(two.localDescription?.sdp, one.remoteDescription?.sdp);
  const answers = pair.posted.filter(({ type }) => type === "answer");
  assert.deepEqual(answers.map(({ from }) => from), ["b", "a"]); // "a" is the polite one
  await pair.assertConnected();
});

test("a malformed signal to a peer without a connection does no harm", async () => {
  const pair = new Pair();
  for (const type of ["ice", "answer"]) pair.peers.a.receive(type, /** @type {any} */ ({}));
  await clock.advance(60_000);
  pair.peers.b.start();
  await clock.advance(60_000);
  await pair.assertConnected();
});

test("when the polite side drops an offer before it answers, they do not wait for each other for ever", async () => {
  const pair = new Pair();
  pair.peers.b.start();
  await clock.advance(100);
  pair.peers.a.close(); // the offer is acknowledged, and lost
  pair.peers.a.start();
  await clock.advance(60_000);
  await pair.assertConnected();
});

test("an answer to an offer that was taken back does no harm", async () => {
  const pair = new Pair();
  pair.peers.a.start();
  await clock.advance(1_000);
  const { payload } = /** @type {any} */ (pair.posted.find(({ type }) => type === "answer"));
  pair.peers.a.receive("answer", payload);
  pair.peers.a.receive("answer", { ...payload, connection: "unknown" });
  pair.peers.a.receive("ice", { connection: "unknown", negotiation: 1, candidates: [{ sdp: "x" }] });
  await clock.advance(1_000);
  await pair.assertConnected();
  assert.equal(FakePeerConnection.all.length, 2);
});

test("a moment without packets is waited out", async () => {
  const pair = new Pair();
  pair.peers.a.start();
  await clock.advance(1_000);
  FakePeerConnection.all[0].setState("disconnected");
  assert.equal(pair.peers.a.state, "interrupted");
  await clock.advance(3_000);
  FakePeerConnection.all[0].setState("connected");
  await clock.advance(60_000);
  assert.equal(FakePeerConnection.all[0].restarts, 0);
  await pair.assertConnected();
});

test("when packets stay away, ICE is restarted over the signaling, on the same connection", async () => {
  const pair = new Pair();
  pair.peers.a.start();
  await clock.advance(1_000);
  for (const pc of FakePeerConnection.all) pc.setState("disconnected");
  await clock.advance(5_000);
  assert.deepEqual(FakePeerConnection.all.map(({ restarts }) => restarts), [0, 1]);
  for (const pc of FakePeerConnection.all) pc.setState("connected");
  await clock.advance(60_000);
  assert.equal(FakePeerConnection.all.length, 2);
  assert.equal(pair.posted.filter(({ type }) => type === "offer").length, 2);
  await pair.assertConnected();
});

test("when no path is found, the connection is begun anew until it works", async () => {
  const pair = new Pair();
  pair.peers.a.start();
  await clock.advance(1_000);
  for (const pc of FakePeerConnection.all.slice()) pc.setState("failed");
  await clock.advance(60_000);
  assert.ok(FakePeerConnection.all.length > 2);
  await pair.assertConnected();
});

test("whoever has just hung up is not called before the news of its leaving can have come", async () => {
  const pair = new Pair();
  pair.peers.a.start();
  await clock.advance(1_000);
  const before = pair.posted.length;
  pair.peers.a.close(); // as a page does that leaves
  await clock.advance(1_000);
  assert.equal(pair.posted.length, before);
  await clock.advance(10_000);
  assert.ok(pair.posted.length > before);
});

test("when the other page is gone, it is tried ever more rarely", async () => {
  const pair = new Pair();
  pair.peers.a.start();
  await clock.advance(1_000);
  pair.deliver = () => {}; // nothing arrives any more
  for (let i = 0; i < 200; i++) {
    FakePeerConnection.all.at(-1)?.setState("failed");
    await clock.advance(10_000);
  }
  assert.ok(FakePeerConnection.all.length < 80, String(FakePeerConnection.all.length));
});

test("a signal that expired begins again the attempt that it belonged to, and no newer one", async () => {
  const pair = new Pair();
  pair.deliver = () => {}; // the other side sleeps
  const { a } = pair.peers;
  const attempts = () => FakePeerConnection.all.length;
  a.start();
  await clock.advance(10);
  const first = `message ${pair.posted.length}`;
  a.onExpired(first);
  await clock.advance(10);
  assert.equal(attempts(), 2);
  const second = `message ${pair.posted.length}`;
  a.onExpired(first);
  a.onExpired("message of a former page");
  await clock.advance(10);
  assert.equal(attempts(), 2);
  a.onExpired(second);
  assert.equal(attempts(), 3);
});

test("a peer is expected until its connection is open, or it has given no sign of life for long", async () => {
  const pair = new Pair();
  const { a, b } = pair.peers;
  a.start();
  assert.ok(a.isExpected && b.isExpected);
  await clock.advance(100_000);
  assert.ok(!a.isExpected && !b.isExpected);
  pair.deliver = () => {};
  a.close();
  await clock.advance(50_000);
  assert.ok(a.isExpected);
  a.receive("ice", { connection: "new", negotiation: 1, candidates: [] });
  await clock.advance(50_000);
  assert.ok(a.isExpected);
  await clock.advance(20_000);
  assert.ok(!a.isExpected);
});

test("a closed peer posts nothing more and leaks no connection", async () => {
  const pair = new Pair();
  pair.peers.a.start();
  pair.peers.b.start();
  await clock.advance(90);
  pair.peers.a.close();
  pair.peers.b.close();
  pair.peers.a.receive = pair.peers.b.receive = () => {}; // as a party does that has forgotten them
  const count = pair.posted.length;
  await clock.advance(60_000);
  assert.equal(pair.posted.length, count);
  assert.ok(FakePeerConnection.all.every(({ signalingState }) => signalingState === "closed"));
});

/** @param {Pair} pair */
const lastOffer = (pair) => pair.posted.filter(({ type }) => type === "offer").at(-1)?.payload.description.sdp;

/** @param {string} kind */
const media = (kind) => /** @type {any[]} */ ([{ kind }, { id: "stream" }]);

test("a track takes the place of one that is sent no more: offers do not grow", async () => {
  const pair = new Pair();
  const { a } = pair.peers;
  a.start();
  await clock.advance(1_000);
  for (let i = 0; i < 20; i++) {
    for (const kind of ["video", "audio"]) {
      const [track, stream] = media(kind);
      a.addTrack(track, stream);
      await clock.advance(1_000);
      assert.deepEqual(FakePeerConnection.all[0].tracks, [track]);
      a.removeTrack(track);
      await clock.advance(1_000);
      assert.deepEqual(FakePeerConnection.all[0].tracks, []);
    }
  }
  assert.match(lastOffer(pair), /with 2 m-lines/);
  const directions = FakePeerConnection.all[0].transceivers.map(({ direction }) => direction);
  assert.deepEqual(directions, ["recvonly", "recvonly"]);
  assert.equal(FakePeerConnection.all.length, 2);
  await pair.assertConnected();
});

test("tracks that are sent at the same time each have their place", async () => {
  const pair = new Pair();
  const { a } = pair.peers;
  a.start();
  await clock.advance(1_000);
  const tracks = [media("video"), media("video")];
  for (let i = 0; i < 3; i++) {
    for (const [track, stream] of tracks) a.addTrack(track, stream);
    await clock.advance(1_000);
    assert.deepEqual(FakePeerConnection.all[0].tracks, tracks.map(([track]) => track));
    for (const [track] of tracks) a.removeTrack(track);
    await clock.advance(1_000);
  }
  assert.match(lastOffer(pair), /with 2 m-lines/);
});

for (const what of /** @type {const} */ (["onRefused", "onExpired"])) {
  test(`an offer that is lost (${what}) while a connection is open is taken back and made again`, async () => {
    const pair = new Pair();
    const { a } = pair.peers;
    a.start();
    await clock.advance(1_000);
    const { deliver } = pair;
    pair.deliver = () => {};
    a.addTrack(...media("video"));
    await clock.advance(1);
    const [pc, other] = FakePeerConnection.all;
    assert.equal(pc.signalingState, "have-local-offer");
    a[what](`message ${pair.posted.findIndex(({ type, payload }) => type === "offer" && payload.negotiation === 2) + 1}`);
    await clock.advance(1);
    assert.equal(pc.signalingState, "stable");
    assert.equal(pair.posted.filter(({ type }) => type === "offer").length, 2);
    pair.deliver = deliver;
    await clock.advance(2_000);
    assert.equal(pc.localDescription?.sdp, other.remoteDescription?.sdp);
    assert.match(lastOffer(pair), /with 1 m-lines/);
    assert.equal(FakePeerConnection.all.length, 2);
    await pair.assertConnected();
  });
}

test("an offer that is always refused is made ever more rarely, until what is offered changes", async () => {
  const pair = new Pair();
  const { a } = pair.peers;
  a.start();
  await clock.advance(1_000);
  const offers = () => pair.posted.filter(({ type }) => type === "offer");
  const refuse = () => {
    for (let i = 0; i < pair.posted.length; i++) {
      if (/with 1 m/.test(pair.posted[i].payload.description?.sdp)) a.onRefused(`message ${i + 1}`);
    }
  };
  const { deliver } = pair;
  pair.deliver = () => {};
  const [track, stream] = media("video");
  a.addTrack(track, stream);
  for (let i = 0; i < 600; i++) {
    await clock.advance(1_000);
    refuse();
  }
  assert.ok(offers().length > 8 && offers().length < 30, String(offers().length));
  assert.equal(a.state, "open");
  pair.deliver = deliver;
  a.removeTrack(track);
  await clock.advance(1_000);
  assert.equal(offers().at(-1)?.payload.description.sdp, FakePeerConnection.all[0].localDescription?.sdp);
  assert.equal(FakePeerConnection.all[0].signalingState, "stable");
  await pair.assertConnected();
});

test("a first offer or an answer that is refused is begun anew", async () => {
  const pair = new Pair();
  pair.peers.a.start();
  await clock.advance(1);
  pair.peers.a.onRefused("message 1");
  await clock.advance(60_000);
  await pair.assertConnected();
  const before = FakePeerConnection.all.length;
  const answer = pair.posted.findIndex(({ type }) => type === "answer");
  pair.peers[/** @type {"a"|"b"} */ (pair.posted[answer].from)].onRefused(`message ${answer + 1}`);
  await clock.advance(60_000);
  await pair.assertConnected();
  assert.ok(FakePeerConnection.all.length > before);
});
