/** What people can do in a room: leave, rename themselves, take a seat; and the host with others and with the room. */

import { ask, askName, button, element, part } from "./dom.js";

/** @typedef {import("../party.js").Party} Party */
/** @typedef {Party["participants"][number]} Member */

const title = element("people-title");

/** @type {Record<string, (party: Party, member: Member) => Promise<void>>} by the `data-action` of their buttons */
const ACTIONS = {
  remove: async (party, { id, name }) => {
    const text = "Whoever has the code may still come back with it.";
    if (await isMeant(party, id, { title: `Remove ${name}?`, text, action: "Remove" })) await party.remove(id);
  },
  ban: async (party, { id, name }) => {
    const text = "Neither this name nor this browser comes into this room again.";
    if (await isMeant(party, id, { title: `Ban ${name}?`, text, action: "Ban" })) await party.ban(id);
  },
  handOver: async (party, { id, name }) => {
    const text = "You become a player, and can only get it back if you are given it.";
    if (await isMeant(party, id, { title: `Make ${name} the host?`, text, action: "Make host" })) await party.handOver(id);
  },
  rename: async (party, { id, name, isYou }) => {
    const given = await askName(isYou ? "Your name" : `A name for ${name}`, name);
    if (given && given !== name) await party.rename(given, isYou ? undefined : id);
  },
  watch: (party, { id, isYou }) => party.setRole("spectator", isYou ? {} : { participantId: id }),
  play: (party, { id, isYou }) => party.setRole("player", isYou ? {} : { participantId: id }),
};

/**
 * @param {HTMLElement[]} lists
 * @param {() => Party|null} current
 * @param {(reason: unknown) => void} onRefused
 */
export function initActions(lists, current, onRefused) {
  button("leave").addEventListener("click", () => current()?.leave().catch(onRefused));
  button("close").addEventListener("click", () => {
    const party = current();
    if (party) close(party).catch(onRefused);
  });
  button("lock").addEventListener("click", () => {
    const party = current();
    party?.setSettings({ locked: !party.settings.locked }).catch(onRefused);
  });
  button("approval").addEventListener("click", () => {
    const party = current();
    party?.setSettings({ approval: !party.settings.approval }).catch(onRefused);
  });
  for (const list of lists) {
    list.addEventListener("click", ({ target }) => {
      const pressed = /** @type {Element} */ (target).closest("button");
      const [party, member] = find(current, pressed);
      if (party && member) ACTIONS[pressed?.dataset.action ?? ""]?.(party, member).catch(onRefused);
    });
    list.addEventListener("change", ({ target }) => {
      const select = /** @type {HTMLSelectElement} */ (target);
      const [party, member] = find(current, select);
      if (!party || !member) return;
      const seat = select.value === "" ? null : Number(select.value);
      const whose = member.isYou ? {} : { participantId: member.id };
      party.setRole(member.role, { seat, ...whose }).catch(onRefused);
    });
  }
}

/**
 * @param {HTMLElement} item
 * @param {Member} member
 * @param {Party} party
 */
export function showActions(item, { id, name, role, seat, isYou }, { isHost, participants, settings }) {
  const may = isYou || isHost;
  const more = /** @type {HTMLDetailsElement} */ (part(item, ".more"));
  more.hidden = !may;
  part(more, "summary").setAttribute("aria-label", `More for ${name}`);
  const shown = {
    remove: isHost && !isYou,
    ban: isHost && !isYou,
    handOver: isHost && role === "player",
    rename: may,
    watch: may && role === "player",
    play: may && role === "spectator",
  };
  for (const [action, isShown] of Object.entries(shown)) {
    const control = part(item, `[data-action=${action}]`);
    control.hidden = !isShown;
    control.setAttribute("aria-label", `${control.textContent}: ${name}`);
  }
  part(item, "[data-action=remove]").setAttribute("aria-label", `Remove ${name}`);
  showSeats(part(item, ".seat"), may && role !== "spectator" ? settings.seats : 0, seat, takenBy(participants, id));
  element("host-tools").hidden = !isHost;
  showPressed("lock", settings.locked);
  showPressed("approval", settings.approval);
}

/**
 * @param {Member[]} participants
 * @param {string} id  of whoever chooses
 */
function takenBy(participants, id) {
  return new Set(participants.filter((each) => each.id !== id).map(({ seat }) => seat));
}

/**
 * @param {HTMLElement} label
 * @param {number} seats
 * @param {number|null} own
 * @param {Set<number|null>} taken
 */
function showSeats(label, seats, own, taken) {
  label.hidden = seats === 0;
  const select = /** @type {HTMLSelectElement} */ (part(label, "select"));
  const free = Array.from({ length: seats }, (_, seat) => seat).filter((seat) => !taken.has(seat));
  const options = [new Option("no seat", ""), ...free.map((seat) => new Option(`seat ${seat + 1}`, String(seat)))];
  // Rebuilt only when it changes: somebody may be choosing.
  const values = (/** @type {Iterable<HTMLOptionElement>} */ all) => [...all].map(({ value }) => value).join();
  if (values(select.options) !== values(options)) select.replaceChildren(...options);
  select.value = own === null || own === undefined ? "" : String(own);
}

/**
 * @param {string} id
 * @param {boolean} isPressed
 */
function showPressed(id, isPressed) {
  button(id).setAttribute("aria-pressed", String(isPressed));
}

/**
 * @param {() => Party|null} current
 * @param {Element|null} control
 * @returns {[Party|null, Member|undefined]}
 */
function find(current, control) {
  const party = current();
  const id = /** @type {HTMLElement|null|undefined} */ (control?.closest("li"))?.dataset.participant;
  return [party, party?.participants.find((each) => each.id === id)];
}

/** @param {Party} party */
async function close(party) {
  const text = "It ends for everybody, and its code leads nowhere from then on.";
  if (await ask({ title: "Close the room?", text, action: "Close the room" })) await party.end();
}

/**
 * Whether it shall be done, and can still be: whoever it is about may have gone meanwhile.
 *
 * @param {Party} party
 * @param {string} id
 * @param {Parameters<typeof ask>[0]} question
 */
async function isMeant(party, id, question) {
  if (!(await ask(question)) || !party.participants.some((each) => each.id === id)) return false;
  title.focus(); // the button may go with its person
  return true;
}
