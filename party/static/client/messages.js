/** Messages, as a feature: what is said to the whole room, and is still there for whoever comes later. */

import { membershipOf } from "./membership.js";
import { randomText } from "./random.js";
import { inItsTurn, retrying } from "./timing.js";

/** @typedef {import("./contract.js").ChatMessage} ChatMessage */
/** @typedef {import("./contract.js").Drawing} Drawing */
/** @typedef {import("./contract.js").Emoji} Emoji */
/** @typedef {import("./contract.js").Reaction} Reaction */
/** @typedef {import("./membership.js").Membership} Membership */

/**
 * @typedef {object} MessageEvents
 * @property {{message: ChatMessage}} chat  somebody has said something, oneself included
 * @property {{messageId: number}} chat-deleted  a message is gone
 * @property {{messageId: number, reactions: Reaction[]}} chat-reaction  all that there are now
 * @property {{}} chat-missed  this page was away for so long that it may lack some of these: `messages` has them
 */

/** The service takes one message in so long. Counted from its answer: so the next is never too early. */
const EVERY_MS = 1_000;

/** @type {WeakMap<Membership, Promise<unknown>>} until a page may say the next thing */
const turns = new WeakMap();

/** What a party can say. */
export class Messages {
  /**
   * Say something to all: a text, a drawing, or an image that was uploaded. One thing after the other, as often as the
   * service takes it (once a second), and once, whatever answers get lost.
   *
   * @param {string|Drawing|{imageId: string}} content
   * @param {{clientMsgId?: string}} [options]  to say again, after an outage, what may have been said already
   * @returns {Promise<number>} the message's id
   */
  async say(content, { clientMsgId = randomText(12) } = {}) {
    const membership = membershipOf(this);
    const body = { type: typeOf(content), content, clientMsgId };
    const post = () => inItsTurn(() => membership.api.post("messages", body));
    const posted = (turns.get(membership) ?? Promise.resolve()).then(post);
    const pause = () => new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    turns.set(membership, posted.then(pause, () => {})); // what is refused does not count
    const { messageId } = await posted;
    membership.wake();
    return messageId;
  }

  /**
   * What has been said.
   *
   * @param {{before?: number, limit?: number}} [options]  the latest 50, or `limit` (1 to 100); or those before a message
   * @returns {Promise<{messages: ChatMessage[], more: boolean}>} in order; `more`: there are earlier ones
   */
  async messages(options = {}) {
    const membership = membershipOf(this);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    const { messages, more } = await retrying(() => membership.api.get(`messages?${query}`));
    return { messages: messages.map((/** @type {ChatMessage} */ each) => shown(membership, each)), more };
  }

  /**
   * Delete a message of one's own, or as the host any, for all.
   *
   * @param {number} messageId
   */
  async deleteMessage(messageId) {
    await membershipOf(this).change(`messages/${messageId}/delete`, {});
  }

  /**
   * React to a message, or take it back.
   *
   * @param {number} messageId
   * @param {Emoji} emoji
   * @param {boolean} [on]
   * @returns {Promise<Reaction[]>} all reactions to it
   */
  async react(messageId, emoji, on = true) {
    const membership = membershipOf(this);
    const { reactions } = await retrying(() => membership.api.post(`messages/${messageId}/react`, { emoji, on }));
    membership.wake();
    return reactions;
  }

  /**
   * @param {Membership} membership
   * @returns {import("./answers.js").Follower}
   */
  static follow(membership) {
    let heard = membership.enteredAt;
    const hear = (/** @type {import("./contract.js").StreamMessage} */ { seq, type, payload }) => {
      if (seq <= heard) return;
      heard = seq;
      const { message, ...change } = /** @type {any} */ (payload);
      // Of one that has been deleted since, there is only the id.
      if (type === "message-posted" && message.type) membership.dispatch("chat", { message: shown(membership, message) });
      if (type === "message-deleted") membership.dispatch("chat-deleted", change);
      if (type === "message-reacted") membership.dispatch("chat-reaction", change);
    };
    return {
      onEvent: hear,
      onKnown: hear, // a Room does not have what is said in it
      onAnswer({ gap }) {
        if (gap) membership.dispatch("chat-missed", {});
      },
    };
  }
}

/** @param {string|Drawing|{imageId: string}} content */
function typeOf(content) {
  if (typeof content === "string") return "text";
  return "imageId" in content ? "image" : "drawing";
}

/**
 * A message with its image's whole address: the service counts it from the root of its own site.
 *
 * @param {Membership} membership
 * @param {ChatMessage} message
 * @returns {ChatMessage}
 */
function shown({ api }, message) {
  if (message.type !== "image") return message;
  return { ...message, content: { ...message.content, url: new URL(message.content.url, api.baseUrl).href } };
}
