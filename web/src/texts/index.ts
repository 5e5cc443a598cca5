/** The texts in the language of the browser, read before anything is shown. */
import { en, type Texts } from "./en";

export let texts: Texts = en;

/** The first of the browser's languages that there are texts in. */
export function languageOf(wanted: readonly string[]): "en" | "de" {
  for (const each of wanted) {
    const language = each.slice(0, 2).toLowerCase();
    if (language === "en" || language === "de") return language;
  }
  return "en";
}

export async function readTexts(): Promise<void> {
  const language = languageOf(navigator.languages);
  document.documentElement.lang = language;
  if (language === "de") texts = (await import("./de")).de;
}
