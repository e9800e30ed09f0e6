/** One message as the chat shows it: who said what when, the reactions to it, and what one can do with it. */

import { ask, element, fromTemplate, part } from "./dom.js";
import { showDrawing } from "./drawing.js";

/** @typedef {import("../party.js").Party} Party */
/** @typedef {import("../party.js").ChatMessage} ChatMessage */
/** @typedef {import("../party.js").Emoji} Emoji */
/** @typedef {{author: string, kind?: "own"|"notice"|"other", text?: string, at?: Date}} Shown */

/** @type {Record<Emoji, [sign: string, name: string]>} */
const EMOJIS = {
  heart: ["❤️", "love"],
  laugh: ["😄", "laughing"],
  fire: ["🔥", "fire"],
  sad: ["😢", "sad"],
  thumbsup: ["👍", "thumbs up"],
  thumbsdown: ["👎", "thumbs down"],
  star: ["⭐", "star"],
  question: ["❓", "question"],
};

/** @param {Shown} shown */
export function messageItem({ author, kind = "other", text = "", at = new Date() }) {
  const item = fromTemplate("message-template");
  item.className = kind;
  part(item, ".author").textContent = author;
  part(item, ".text").textContent = text;
  part(item, ".text").hidden = text === "";
  const time = /** @type {HTMLTimeElement} */ (part(item, "time"));
  time.hidden = kind === "notice";
  time.dateTime = at.toISOString();
  time.textContent = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return item;
}

/**
 * Make an item that of a message which the service keeps.
 *
 * @param {HTMLElement} item
 * @param {ChatMessage} message
 * @param {Party} party
 * @param {object} options
 * @param {boolean} options.isNew  it has just been said
 * @param {(reason: unknown) => void} options.onRefused
 */
export function fillItem(item, message, party, { isNew, onRefused }) {
  item.dataset.message = String(message.id);
  item.classList.remove("pending");
  if (message.type === "drawing") showDrawing(part(item, ".content"), message.content, message.name, isNew);
  if (message.type === "image") showImage(part(item, ".content"), message.content, message.name);
  const tools = /** @type {HTMLDetailsElement} */ (part(item, ".tools"));
  tools.hidden = false;
  part(tools, "summary").setAttribute("aria-label", `React to what ${message.name} said`);
  part(tools, ".emojis").replaceChildren(
    ...Object.entries(EMOJIS).map(([emoji, [sign, name]]) => {
      const choice = reactionButton(sign, name);
      choice.addEventListener("click", () => {
        tools.open = false;
        part(tools, "summary").focus();
        party.react(message.id, /** @type {Emoji} */ (emoji)).catch(onRefused);
      });
      return choice;
    }),
  );
  const remove = part(tools, ".delete");
  remove.hidden = message.fromId !== party.id && !party.isHost;
  remove.addEventListener("click", async () => {
    const question = { title: "Delete this message?", text: "It is gone for everybody.", action: "Delete" };
    if (await ask(question)) party.deleteMessage(message.id).catch(onRefused);
  });
  showReactions(item, message.reactions, party, onRefused);
}

/**
 * @param {HTMLElement} item
 * @param {ChatMessage["reactions"]} reactions
 * @param {Party} party
 * @param {(reason: unknown) => void} onRefused
 */
export function showReactions(item, reactions, party, onRefused) {
  const names = new Map(party.participants.map(({ id, name, isYou }) => [id, isYou ? "you" : name]));
  const focused = /** @type {HTMLElement|null} */ (document.activeElement)?.dataset.emoji;
  const chips = reactions.map(({ emoji, participantIds }) => {
    const [sign, name] = EMOJIS[emoji];
    const isMine = participantIds.includes(party.id);
    const who = participantIds.map((id) => names.get(id) ?? id).join(", ");
    const chip = reactionButton(`${sign} ${participantIds.length}`, `${name}: ${who}`);
    chip.dataset.emoji = emoji;
    chip.setAttribute("aria-pressed", String(isMine));
    chip.addEventListener("click", () => {
      party.react(Number(item.dataset.message), emoji, !isMine).catch(onRefused);
    });
    return chip;
  });
  const list = part(item, ".reactions");
  const hadFocus = list.contains(document.activeElement);
  list.replaceChildren(...chips);
  if (hadFocus) (chips.find(({ dataset }) => dataset.emoji === focused) ?? part(item, "summary")).focus();
}

/**
 * Take a message away, and do not lose the place of whoever was in it.
 *
 * @param {HTMLElement|undefined} item
 */
export function removeItem(item) {
  if (item?.contains(document.activeElement)) element("message-log").focus();
  item?.remove();
}

/**
 * @param {string} sign
 * @param {string} label
 */
function reactionButton(sign, label) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "reaction";
  made.textContent = sign;
  made.setAttribute("aria-label", label);
  made.title = label;
  return made;
}

/**
 * @param {HTMLElement} place
 * @param {{url: string, width: number, height: number}} image
 * @param {string} name
 */
function showImage(place, { url, width, height }, name) {
  const image = document.createElement("img");
  Object.assign(image, { src: url, alt: `Picture from ${name}`, width, height });
  place.replaceChildren(image);
}
