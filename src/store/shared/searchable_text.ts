import { foldSearchText } from "../../core/search/search_text.ts";

/**
 * Scripts without spaces between words or, as Korean, with particles at their end, and pictures: each character is
 * indexed as a word, so parts of a text are found.
 */
const single = new RegExp(
  `[${
    ["Han", "Hangul", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"].map((name) => `\\p{Script=${name}}`)
      .join("")
  }\\p{So}]\\p{M}*`,
  "gu",
);

/** Prepares a text or a query for FTS5's tokenizer. */
export function searchableText(text: string): string {
  return foldSearchText(text).replace(single, " $& ");
}
