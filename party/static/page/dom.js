/** What all parts of the demo page need from the document. */

const COPIED_MS = 2_000;

const dialog = /** @type {HTMLDialogElement} */ (element("question"));
const nameDialog = /** @type {HTMLDialogElement} */ (element("rename"));
const settingsDialog = /** @type {HTMLDialogElement} */ (element("settings-dialog"));

/** @param {string} id */
export function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} id */
export function button(id) {
  return /** @type {HTMLButtonElement} */ (element(id));
}

/** @param {string} id  of the template */
export function fromTemplate(id) {
  const { content } = /** @type {HTMLTemplateElement} */ (element(id));
  return /** @type {HTMLElement} */ (content.firstElementChild?.cloneNode(true));
}

/**
 * @param {ParentNode} item
 * @param {string} selector
 */
export function part(item, selector) {
  return /** @type {HTMLElement} */ (item.querySelector(selector));
}

/**
 * @param {string} name
 * @param {Record<string, string|number>} attributes
 */
export function svgElement(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/**
 * Handle an event of a party by its detail.
 *
 * @param {EventTarget} target
 * @param {string} type
 * @param {(detail: any) => void} handle
 */
export function on(target, type, handle) {
  target.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail));
}

/**
 * Tell those who do not see it what has just happened.
 *
 * @param {string} text
 */
export function announce(text) {
  element("announcer").textContent = text;
}

/**
 * Show text or nothing: an unchanged text is not announced again.
 *
 * @param {HTMLElement} target
 * @param {string} text
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * Ask before something that cannot be taken back.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {string} question.text  what will happen
 * @param {string} question.action  the button's label
 * @returns {Promise<boolean>} whether it shall be done
 */
export async function ask({ title, text, action }) {
  if (!dialog.showModal) return confirm(`${title}\n\n${text}`); // Safari before 15.4
  element("question-title").textContent = title;
  element("question-text").textContent = text;
  element("question-yes").textContent = action;
  dialog.returnValue = ""; // for those who close it by the keyboard
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/**
 * Ask for a name.
 *
 * @param {string} title
 * @param {string} name  as it is
 * @returns {Promise<string|null>} null where it shall stay so
 */
export async function askName(title, name) {
  const field = /** @type {HTMLInputElement} */ (element("rename-name"));
  if (!nameDialog.showModal) return prompt(title, name);
  element("rename-title").textContent = title;
  field.value = name;
  nameDialog.returnValue = "";
  button("rename-cancel").onclick = () => nameDialog.close("");
  nameDialog.showModal();
  field.select();
  return new Promise((resolve) => {
    const answer = () => resolve(nameDialog.returnValue === "yes" ? field.value : null);
    nameDialog.addEventListener("close", answer, { once: true });
  });
}

/** What was asked is of no interest any more. */
export function dropQuestion() {
  dialog.close?.("");
  nameDialog.close?.("");
  settingsDialog.close?.("");
}

/**
 * Make a button copy something, and say so.
 *
 * @param {HTMLButtonElement} copyButton
 * @param {() => string} text
 */
export function copiesOnClick(copyButton, text) {
  const label = copyButton.textContent;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  copyButton.addEventListener("click", async () => {
    const isCopied = await copy(text());
    copyButton.textContent = isCopied ? "Copied" : "Not allowed";
    announce(isCopied ? "Copied." : "The browser did not allow copying.");
    clearTimeout(timer);
    timer = setTimeout(() => (copyButton.textContent = label), COPIED_MS);
  });
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text); // pages without HTTPS have no clipboard
  }
}

/** @param {string} text */
function copyBySelection(text) {
  const before = /** @type {HTMLElement|null} */ (document.activeElement);
  const area = document.createElement("textarea");
  area.className = "visually-hidden";
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  before?.focus();
  return isCopied;
}
