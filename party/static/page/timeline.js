/** The handshake as it happened: who sent what when, and how long each connection took. */

import { button, copiesOnClick, element, fromTemplate, on, part, setText, svgElement } from "./dom.js";

/** @typedef {import("../party.js").Party} Party */
/** @typedef {import("../client/trace.js").TraceRecord} TraceRecord */
/**
 * @template {TraceRecord["kind"]} Kind
 * @typedef {Extract<TraceRecord, {kind: Kind}>} Of
 */

/**
 * @typedef {object} Lane  the way to one peer's open channel
 * @property {number} since  when this page or the peer came
 * @property {number} requestsBefore
 * @property {{at: number, kind: string}[]} marks
 * @property {number} [openAt]
 * @property {number} [requests]
 */

/** What is older is in the copy as JSON, as far as the client keeps it. */
const MOST_ROWS = 300;
/** A zero-width space, so that paths fit on phones. */
const BREAK_HERE = "\u200b";
const SIGNALS = ["offer", "answer", "ice", "data"];

/** @type {Record<string, string>} */
const STATE_TEXTS = { open: "channel open", relayed: "through the service", failed: "not connected" };

const rows = element("timeline");
const scroller = /** @type {HTMLElement} */ (rows.closest(".scroller"));

/** @param {() => Party|null} current */
export function initTimeline(current) {
  copiesOnClick(button("copy-trace"), () => JSON.stringify(current()?.trace ?? [], null, 2));
}

/**
 * @param {Party} party
 * @param {number} startedAt  when the page asked to be let in
 */
export function showTimeline(party, startedAt) {
  const timeline = new Timeline(party, startedAt);
  for (const record of party.trace) timeline.add(record);
  on(party, "trace", (record) => timeline.add(record));
}

class Timeline {
  #party;
  #startedAt;
  #requests = 0;
  /** @type {Map<string, string>} also of those who have left */
  #names = new Map();
  /** @type {Map<string, Lane>} */
  #lanes = new Map();
  /** What comes again and again (polls without news, candidates) shares one row. */
  #last = { who: "", kind: "", count: 0 };

  /**
   * @param {Party} party
   * @param {number} startedAt
   */
  constructor(party, startedAt) {
    this.#party = party;
    this.#startedAt = startedAt;
    rows.replaceChildren();
    for (const { id, isYou } of party.participants) if (!isYou) this.#startLane(id, startedAt);
    this.#showLanes();
  }

  /** @param {TraceRecord} record */
  add(record) {
    if (record.kind === "request") this.#addRequest(record);
    else if (record.kind === "sent") this.#addSent(record);
    else if (record.kind === "received") this.#addReceived(record);
    else if (record.kind === "state") this.#addState(record);
    else this.#addRow(record.at, this.#name(record.peerId), candidateError(record), "failed");
  }

  /** @param {Of<"request">} record */
  #addRequest({ at, method, path, status, durationMs }) {
    this.#requests += 1;
    setText(element("request-count"), counted(this.#requests, "request"));
    const took = `in ${Math.round(durationMs)} ms`;
    if (method === "GET" && path.startsWith("signal/") && status === 200) {
      const text = (/** @type {number} */ polls) => `${polls > 1 ? `${polls} polls, the last` : "poll"} ${took}`;
      this.#addMerged(at, "service", 1, text, "request");
    } else {
      const isFailure = status === 0 || status >= 400;
      const outcome = status === 0 ? "no answer" : status;
      const target = path.replaceAll("/", `/${BREAK_HERE}`);
      this.#addRow(at, "service", `${method} ${target} · ${outcome} ${took}`, isFailure ? "failed" : "request");
    }
  }

  /** @param {Of<"sent">} record */
  #addSent({ at, type, peerId, payload }) {
    this.#addSignal(at, `you → ${this.#name(peerId)}`, type, payload, "sent");
    this.#mark(peerId, at, "sent");
  }

  /** @param {Of<"received">} record */
  #addReceived({ at, message: { type, fromId, payload } }) {
    if (fromId !== null && SIGNALS.includes(type)) {
      this.#addSignal(at, `${this.#name(fromId)} → you`, type, payload, "received");
      this.#mark(fromId, at, "received");
      return;
    }
    const id = payload?.participant?.id ?? payload?.participantId;
    if (payload?.participant) this.#names.set(id, payload.participant.name);
    this.#addRow(at, "room", id ? `${type}: ${this.#name(id)}` : type, "event");
    if (["participant-joined", "participant-rejoined"].includes(type)) this.#startLane(id, at);
    if (["participant-left", "participant-removed"].includes(type)) this.#lanes.delete(id);
    this.#showLanes();
  }

  /** @param {Of<"state">} record */
  #addState({ at, peerId, state, reason }) {
    const text = STATE_TEXTS[state] ?? state;
    this.#addRow(at, this.#name(peerId), reason ? `${text}: ${reason}` : text, `state ${state}`);
    const lane = this.#lanes.get(peerId);
    if (state === "open") this.#open(lane, at);
    else if (lane?.openAt !== undefined) this.#startLane(peerId, at);
    this.#showLanes();
  }

  /**
   * @param {Lane|undefined} lane
   * @param {number} at
   */
  #open(lane, at) {
    if (!lane || lane.openAt !== undefined) return;
    lane.openAt = at;
    lane.requests = this.#requests - lane.requestsBefore;
  }

  /**
   * @param {string} peerId
   * @param {number} since
   */
  #startLane(peerId, since) {
    if (peerId === this.#party.id) return;
    this.#lanes.set(peerId, { since, requestsBefore: this.#requests, marks: [] });
  }

  /**
   * @param {string} peerId
   * @param {number} at
   * @param {string} kind
   */
  #mark(peerId, at, kind) {
    const lane = this.#lanes.get(peerId);
    if (lane && lane.openAt === undefined) lane.marks.push({ at, kind });
  }

  #showLanes() {
    const lanes = [...this.#lanes];
    const longest = Math.max(0, ...lanes.map(([, { since, openAt }]) => (openAt ?? since) - since));
    element("lanes").replaceChildren(...lanes.map(([id, lane]) => laneItem(this.#name(id), lane, longest)));
  }

  /**
   * @param {number} at
   * @param {string} who
   * @param {string} type
   * @param {any} payload
   * @param {"sent"|"received"} kind
   */
  #addSignal(at, who, type, payload, kind) {
    if (type !== "ice") return this.#addRow(at, who, type, kind);
    const count = payload?.candidates?.length ?? 1;
    this.#addMerged(at, who, count, (sum) => counted(sum, "candidate"), kind);
  }

  /**
   * Add a row, or count on in the last one.
   *
   * @param {number} at
   * @param {string} who
   * @param {number} count
   * @param {(sum: number) => string} what
   * @param {string} kind
   */
  #addMerged(at, who, count, what, kind) {
    const last = this.#last;
    if (last.count > 0 && last.who === who && last.kind === kind) {
      const row = /** @type {HTMLElement} */ (rows.lastElementChild);
      last.count += count;
      part(row, ".at").textContent = this.#time(at);
      part(row, ".what").textContent = what(last.count);
    } else {
      this.#addRow(at, who, what(count), kind);
      this.#last = { who, kind, count };
    }
  }

  /**
   * @param {number} at
   * @param {string} who
   * @param {string} what
   * @param {string} kind  for the looks
   */
  #addRow(at, who, what, kind) {
    this.#last = { who: "", kind: "", count: 0 };
    const isAtEnd = scroller.scrollTop + scroller.clientHeight > scroller.scrollHeight - 24;
    const row = fromTemplate("timeline-template");
    row.className = kind;
    part(row, ".at").textContent = this.#time(at);
    part(row, ".who").textContent = who;
    part(row, ".what").textContent = what;
    rows.append(row);
    if (rows.children.length > MOST_ROWS) rows.firstElementChild?.remove();
    if (isAtEnd) scroller.scrollTop = scroller.scrollHeight; // whoever reads further up is left there
  }

  /** @param {string} id */
  #name(id) {
    for (const { id, name } of this.#party.participants) this.#names.set(id, name);
    return this.#names.get(id) ?? id;
  }

  /** @param {number} at */
  #time(at) {
    return duration(at - this.#startedAt);
  }
}

/**
 * @param {string} name
 * @param {Lane} lane
 * @param {number} longest  the whole width, in milliseconds
 */
function laneItem(name, { since, openAt, requests = 0, marks }, longest) {
  const item = fromTemplate("lane-template");
  part(item, ".name").textContent = name;
  part(item, ".result").textContent =
    openAt === undefined ? "not connected" : `${duration(openAt - since)} · ${counted(requests, "request")}`;
  if (openAt === undefined) return item;
  // The marks have a radius, which shall not be cut off at the ends.
  const x = (/** @type {number} */ at) => `${2 + (96 * Math.max(0, at - since)) / Math.max(longest, 1)}%`;
  part(item, ".lane").append(
    svgElement("line", { x1: x(since), x2: x(openAt), y1: "50%", y2: "50%" }),
    ...marks.map(({ at, kind }) => svgElement("circle", { class: kind, cx: x(at), cy: "50%", r: 4.5 })),
    svgElement("circle", { class: "opened", cx: x(openAt), cy: "50%", r: 6.5 }),
  );
  return item;
}

/**
 * @param {number} count
 * @param {string} noun
 */
function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** @param {number} ms */
function duration(ms) {
  if (ms < 9_999.5) return `${Math.max(0, Math.round(ms))} ms`;
  return ms < 600_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

/** @param {Of<"candidate-error">} record */
function candidateError({ url, errorCode, errorText }) {
  return `${url} · ${errorCode} ${errorText}`;
}
