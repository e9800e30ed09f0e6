/** What all parts of these pages need from the document. */

/**
 * An element with attributes and content. Text is text, whatever it looks like.
 *
 * @param {string} name
 * @param {Record<string, any>} [attributes]  `on` + an event's name listens; false and null are left out
 * @param {...(Node|string|null|undefined|false)} content
 * @returns {any}
 */
export function h(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "value" || (key in made && typeof value !== "string")) /** @type {any} */ (made)[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...content.filter((each) => each !== null && each !== undefined && each !== false));
  return made;
}

/**
 * An element of SVG.
 *
 * @param {string} name
 * @param {Record<string, string|number>} attributes
 * @param {...Node} content
 */
export function svg(name, attributes, ...content) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...content);
  return made;
}

/**
 * Words that people wrote: in the direction of their own script.
 *
 * @param {string} text
 * @param {string} [name]
 * @param {Record<string, any>} [attributes]
 */
export function written(text, name = "span", attributes = {}) {
  return h(name, { dir: "auto", ...attributes }, text);
}

/** @param {string} id */
export function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
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
 * @param {HTMLElement} target
 * @param {string} text
 */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * Bring a list to these items without touching those that stay: whoever is in one with the keyboard stays there.
 *
 * @param {HTMLElement} list
 * @param {{id: string}[]} items
 * @param {(item: any) => HTMLElement} make
 * @param {(made: HTMLElement, item: any) => void} update
 */
export function syncList(list, items, make, update) {
  const known = new Map([...list.children].map((each) => [/** @type {HTMLElement} */ (each).dataset.id, each]));
  const wanted = items.map((item) => {
    const made = /** @type {HTMLElement} */ (known.get(item.id) ?? make(item));
    made.dataset.id = item.id;
    known.delete(item.id);
    update(made, item);
    return made;
  });
  for (const gone of known.values()) gone.remove();
  wanted.forEach((made, index) => {
    if (list.children[index] !== made) list.insertBefore(made, list.children[index] ?? null);
  });
}

/**
 * Let the browser save a file.
 *
 * @param {string} name
 * @param {string} type
 * @param {string} text
 */
export function saveFile(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
