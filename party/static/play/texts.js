/** The words of these pages, in the language of whoever reads them: a file for each in `texts/`. */

export const LANGUAGES = {
  en: "English", de: "Deutsch", es: "Español", fr: "Français", pt: "Português", ar: "العربية",
};
const RIGHT_TO_LEFT = ["ar"];
const KEPT = "party-play-language";

/** @type {Record<string, string>} */
let texts = {};
/** @type {Record<string, string>} */
let english = {};

/** The language that was chosen, or else the first of the browser's that there is. */
export function preferredLanguage() {
  const kept = localStorage.getItem(KEPT);
  const wanted = [kept ?? "", ...navigator.languages].map((each) => each.split("-")[0]);
  return wanted.find((each) => each in LANGUAGES) ?? "en";
}

/**
 * @param {string} language
 * @param {boolean} [isChosen]  by hand, and so to be kept
 */
export async function useLanguage(language, isChosen = false) {
  ({ default: english } = await import("./texts/en.js"));
  ({ default: texts } = await import(`./texts/${language}.js`));
  if (isChosen) localStorage.setItem(KEPT, language);
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
}

/**
 * @param {string} key
 * @param {Record<string, string|number>} [values]  for what stands in braces
 */
export function t(key, values = {}) {
  const text = texts[key] ?? english[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}
