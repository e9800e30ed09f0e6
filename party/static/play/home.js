/** The first view: join with a code, or make a quiz. */

import { h } from "./dom.js";
import { field } from "./editor.js";
import { t } from "./texts.js";

/**
 * @param {object} use
 * @param {string} use.code  from the link, if any
 * @param {boolean} use.watches  whether the link is for looking on
 * @param {(code: string, name: string, password: string, watches: boolean) => Promise<void>} use.join
 * @param {() => void} use.make
 * @returns {HTMLElement}
 */
export function home({ code, watches, join, make }) {
  const problem = h("p", { class: "error", role: "alert" });
  const codeField = h("input", {
    id: "code", class: "code-input", required: true, value: code, maxlength: "2000", placeholder: "ABC234", dir: "ltr",
    autocomplete: "off", autocapitalize: "characters", spellcheck: "false",
  });
  const name = h("input", { id: "name", required: true, maxlength: "50", dir: "auto", autocomplete: "nickname" });
  name.value = sessionStorage.getItem("party-play-name") ?? "";
  const password = h("input", { id: "password", type: "password", maxlength: "128", autocomplete: "off" });
  const passwordField = field("password", t("home.password"), password);
  passwordField.hidden = true;
  const watch = h("input", { id: "watch", type: "checkbox", checked: watches });
  const button = h("button", {}, t("home.join"));

  async function submit(/** @type {Event} */ event) {
    event.preventDefault();
    problem.textContent = "";
    button.disabled = true;
    sessionStorage.setItem("party-play-name", name.value);
    try {
      await join(codeField.value, name.value, password.value, watch.checked);
    } catch (error) {
      const { code: reason, message } = /** @type {any} */ (error);
      if (reason === "WRONG_PASSWORD") passwordField.hidden = false;
      problem.textContent = problemText(reason, message);
    } finally {
      button.disabled = false;
    }
  }

  return h("div", { class: "columns" },
    h("form", { class: "card", onsubmit: submit, "aria-labelledby": "join-title" },
      h("h2", { id: "join-title", tabindex: "-1" }, t("home.joinTitle")),
      field("code", t("home.code"), codeField),
      field("name", t("home.name"), name),
      passwordField,
      h("label", { class: "check" }, watch, t("home.watch")),
      problem,
      button),
    h("section", { class: "card", "aria-labelledby": "make-title" },
      h("h2", { id: "make-title" }, t("home.makeTitle")),
      h("p", { class: "hint" }, t("home.makeHint")),
      h("button", { type: "button", onclick: make }, t("home.make"))));
}

const PROBLEMS = ["ROOM_NOT_FOUND", "ROOM_ENDED", "ROOM_FULL", "ROOM_LOCKED", "WRONG_PASSWORD", "BANNED", "NETWORK"];

/**
 * @param {string} code
 * @param {string} message
 */
export function problemText(code, message) {
  return PROBLEMS.includes(code) ? t(`problem.${code}`) : message;
}
