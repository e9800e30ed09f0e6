/** Messages that arrive once and in order, whichever ways they take and whatever becomes of those. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Delivery, MOST_UNCONFIRMED_BYTES } from "../../party/static/client/delivery.js";
import { MOST_PAYLOAD_BYTES, Packer, Unpacker, open, seal } from "../../party/static/client/packets.js";
import { Pipe, pack } from "../../party/static/client/pipe.js";

/** How often the random schedules run; more than a test has time for, for those who want to be sure. */
const ROUNDS = Number(process.env.TIMES ?? 1) * 40;

/** @param {number} seed */
function randomNumbers(seed) {
  return (/** @type {number} */ below) => {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((seed ^ (seed >>> 13)) >>> 0) % below;
  };
}

/** A page with one peer: what it has sent and what it has heard. */
class Page {
  /** @type {any[]} */
  sent = [];
  /** @type {any[]} */
  heard = [];
  /** @type {number[]} */
  gaps = [];
  tooLarge = [];

  /** @param {number} life */
  constructor(life) {
    this.delivery = new Delivery(life, (count) => this.gaps.push(count));
    this.packer = new Packer(this.delivery);
    const take = (/** @type {any} */ data) => this.heard.push(data);
    this.unpacker = new Unpacker(this.delivery, { take, maxBytes: Infinity, drop: assert.fail });
  }

  /** @param {string|Uint8Array} data */
  send(data, isOpen = false) {
    const isTaken = this.delivery.accept(pack(data), isOpen);
    if (isTaken) this.sent.push(typeof data === "string" ? data : data.buffer);
    return isTaken;
  }

  packet() {
    return JSON.parse(JSON.stringify({ ...this.delivery.header, items: this.packer.items(MOST_PAYLOAD_BYTES) }));
  }

  /** @param {any} packet */
  take(packet) {
    if (this.delivery.hear(packet)) this.unpacker.take(packet.items);
  }
}

/** Both know each other, as after a first word in each direction. */
function pair() {
  const [a, b] = [new Page(1), new Page(2)];
  a.take(b.packet());
  b.take(a.packet());
  a.take(b.packet());
  return [a, b];
}

/** A channel between two pages that can break, with what is in it. @param {Page} from @param {Page} to */
function channel(from, to) {
  const way = from.delivery.way();
  /** @type {any[]} */
  const frames = [];
  const [one, other] = [{}, {}].map(() => /** @type {any} */ ({ readyState: "open", bufferedAmount: 0 }));
  one.send = (/** @type {any} */ frame) => frames.push(typeof frame === "string" ? frame : frame.slice().buffer);
  const out = new Pipe(one, { onData: assert.fail });
  new Pipe(other, {
    onData: (data, tag) => to.delivery.take(tag) && to.heard.push(data),
    onWord: (text) => to.delivery.hear(JSON.parse(text)),
  });
  return {
    /** What is to be sent goes into it. */
    pump() {
      for (let next; (next = from.delivery.next(way)); from.delivery.sent(way, next.tag)) out.send(next.packed, next.tag);
    },
    tell: () => out.tell(JSON.stringify(from.delivery.header)),
    /** @param {number} count  so many frames arrive */
    arrive(count) {
      for (const data of frames.splice(0, count)) other.onmessage({ data });
    },
  };
}

test("what is not the next is not taken, nor what was had before", () => {
  const [a, b] = pair();
  a.send("one");
  const first = a.packet();
  a.send("two");
  const second = a.packet();
  b.take(second);
  assert.deepEqual(b.heard, []);
  b.take(first);
  b.take(first);
  assert.deepEqual(b.heard, ["one"]);
  a.packer.rewind();
  b.take(a.packet());
  assert.deepEqual(b.heard, ["one", "two"]);
});

test("over 4 MiB are not taken before something is confirmed; an open channel takes large ones all the same", () => {
  const [a, b] = pair();
  const kilobyte = new Uint8Array(1024);
  for (let sent = 0; sent < MOST_UNCONFIRMED_BYTES; sent += 1024) assert.ok(a.send(kilobyte));
  assert.equal(a.send("x"), false);
  assert.equal(a.send(new Uint8Array(300_000)), false);
  assert.ok(a.send(new Uint8Array(6_000_000), true));
  b.take(a.packet());
  assert.ok(b.heard.length > 0);
  a.take(b.packet());
  assert.ok(a.send(kilobyte));
});

test("a message of over 256 KiB waits for a channel, and does not hold up those behind it", () => {
  const [a, b] = pair();
  const large = "x".repeat(256 * 1024 + 1);
  a.send(large);
  a.send("behind it");
  b.take(a.packet());
  assert.deepEqual(b.heard, ["behind it"]);
  const way = channel(a, b);
  way.pump();
  way.arrive(Infinity);
  assert.deepEqual(b.heard, ["behind it", large]);
});

test("where nothing has to wait, large and small messages keep their order over all channels", () => {
  const [a, b] = pair();
  const large = "x".repeat(300_000);
  for (const data of ["before", large, "after"]) a.send(data, true);
  const broken = channel(a, b);
  broken.pump();
  broken.arrive(5);
  const next = channel(a, b);
  next.pump();
  next.arrive(Infinity);
  assert.deepEqual(b.heard, ["before", large, "after"]);
});

test("another page in the other's place begins from the first, and the gap is told", () => {
  const [a, b] = pair();
  a.send("had");
  b.take(a.packet());
  a.take(b.packet());
  a.send("on its way");
  const late = a.packet();
  const next = new Page(9);
  next.take(late); // it means the page before
  assert.deepEqual(next.heard, []);
  a.take(next.packet());
  assert.deepEqual(a.gaps, [1]);
  next.take(a.packet());
  a.take(next.packet());
  a.send("new");
  a.take(b.packet()); // of the page before
  next.take(a.packet());
  assert.deepEqual(next.heard, ["new"]);
  assert.equal(a.gaps.length, 1);
});

test("texts and bytes of all sizes go through packets of at most 16 KiB, deflated or not", async () => {
  const [a, b] = pair();
  const bytes = new Uint8Array(100_000).map((_, i) => (i * i) >>> 3);
  const texts = ["", "hello", "\u0000".repeat(9_000), "größer 😀 ".repeat(5_000), "\ufeffmark", "x".repeat(256 * 1024)];
  for (const data of [...texts, bytes, new Uint8Array(0)]) assert.ok(a.send(data));
  let packets = 0;
  for (let items; (items = a.packer.items(MOST_PAYLOAD_BYTES)).length > 0; packets++) {
    const sealed = await seal(a.delivery.header, items, packets % 2 === 0);
    assert.ok(JSON.stringify(sealed).length <= MOST_PAYLOAD_BYTES);
    assert.equal("deflated" in sealed, packets % 2 === 0 && JSON.stringify(items).length > 300);
    b.take({ ...sealed, items: await open(JSON.parse(JSON.stringify(sealed))) });
  }
  assert.ok(packets > 20);
  assert.deepEqual(b.heard, a.sent);
});

test("what no page packs is not unpacked", async () => {
  const bomb = await seal(new Delivery(1, assert.fail).header, [["1", "x".repeat(10_000_000)]], true);
  assert.deepEqual(await open(bomb), []);
  for (const deflated of ["", "%", "AAAA", 7, null]) assert.deepEqual(await open(/** @type {any} */ ({ deflated })), []);
  const [, b] = pair();
  const bad = [7, [], ["1"], ["L1", "x"], ["1", 7], ["1", "text", 9e9, 0, ""], ["1", "text", 5, 3, "AAAA"], ["x", "y"]];
  b.unpacker.take(/** @type {any} */ (bad));
  assert.deepEqual(b.heard, []);
});

test("over all switches each message arrives once and in order", () => {
  for (let round = 1; round <= ROUNDS; round++) {
    const random = randomNumbers(round * 7919);
    const pages = pair();
    const count = [0, 0];
    /** @type {{to: number, packet: any}[]} on its way through the service */
    let posted = [];
    /** @type {ReturnType<typeof channel>[]|null} from a to b, and from b to a */
    let channels = null;
    const finish = () => {
      posted = [];
      channels = [channel(pages[0], pages[1]), channel(pages[1], pages[0])];
      for (const way of channels) way.tell();
      for (const way of channels) way.arrive(Infinity);
      for (const way of channels) way.pump();
      for (const way of channels) way.arrive(Infinity);
    };
    const steps = [
      () => {
        const who = random(2);
        const data = `${count[who]} ${"x".repeat(random(3) ? random(20) : random(16_000))}`;
        if (pages[who].send(data)) count[who]++;
      },
      () => channels?.[random(2)].pump(),
      () => channels?.[random(2)].arrive(1 + random(20)),
      () => channels?.[random(2)].tell(),
      () => {
        const from = random(2);
        posted.push({ to: 1 - from, packet: pages[from].packet() });
      },
      () => {
        const [next] = posted.splice(random(4) ? 0 : random(posted.length || 1), 1); // or in another order
        if (next && random(5)) pages[next.to].take(next.packet); // or it is lost
        if (next && !random(5)) posted.push(next); // or it comes again
      },
      () => random(3) || pages[random(2)].packer.rewind(),
      () => random(4) || (channels = channels ? null : [channel(pages[0], pages[1]), channel(pages[1], pages[0])]),
    ];
    for (let step = 0; step < 1_000; step++) steps[random(steps.length)]();
    finish();
    assert.deepEqual([pages[0].heard, pages[1].heard], [pages[1].sent, pages[0].sent], `round ${round}`);
    assert.ok(count[0] > 10 && count[1] > 10);
  }
});

test("over all switches and reloads nothing is doubled, and what is lost is the page's own, and told", () => {
  for (let round = 1; round <= ROUNDS; round++) {
    const random = randomNumbers(round * 104_729);
    let life = 2;
    let [a, b] = pair();
    /** @type {{from: Page, to: Page, packet: any}[]} */
    let posted = [];
    const post = (/** @type {Page} */ from, /** @type {Page} */ to) => posted.push({ from, to, packet: from.packet() });
    /** @type {Set<string>} what any page of b has heard */
    const heard = new Set();
    const deliver = () => {
      const next = posted.shift();
      next?.to.take(next.packet);
    };
    for (let step = 0; step < 400; step++) {
      [
        () => a.send(`${step}`),
        () => b.send(`${step}`),
        () => post(a, b),
        () => post(b, a),
        deliver,
        deliver,
        () => a.packer.rewind(),
        () => {
          if (random(6)) return;
          for (const data of b.heard) {
            assert.ok(!heard.has(data));
            heard.add(data);
          }
          // What comes to the old page comes to the new one, but for what the service drops.
          b = new Page((life += 1));
          posted = posted.filter(() => random(2)).map(({ from, packet }) => ({ from, packet, to: from === a ? b : a }));
        },
      ][random(8)]();
    }
    posted = [];
    for (let turn = 0; turn < 3; turn++) {
      b.packer.rewind();
      a.take(b.packet());
      a.packer.rewind();
      b.take(a.packet());
    }
    a.take(b.packet());
    for (const data of b.heard) assert.ok(!heard.has(data), `round ${round}: twice`);
    for (const data of b.heard) heard.add(data);
    const lost = a.sent.filter((data) => !heard.has(data)).length;
    const told = a.gaps.reduce((sum, count) => sum + count, 0);
    // What was had, but not known to be, is told of, too.
    assert.ok(lost <= told, `round ${round}: ${lost} were lost, and ${told} told of`);
    assert.equal(a.delivery.unconfirmed, 0);
    const inOrder = a.heard.map(Number);
    assert.deepEqual(inOrder, [...inOrder].sort((x, y) => x - y));
  }
});
