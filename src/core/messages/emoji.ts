import { ChatError } from "../chat_error.ts";
import { sanitizeLine } from "../sanitize.ts";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const pictured = /\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|^[0-9#*]\uFE0F?\u20E3$/u;
const maxUnits = 32;
/** Characters without a picture, except joiners between pictures and the tags of a flag. */
const unseen =
  /(?<!\p{Extended_Pictographic}[\u{1F3FB}-\u{1F3FF}\uFE0E\uFE0F]*)\u200D|\u200D(?!\p{Extended_Pictographic})|(?![\u200D\u{E0020}-\u{E007F}])\p{Default_Ignorable_Code_Point}/gu;
/** Emoji that are text by default, unless a skin tone follows. */
const textByDefault = /(?!\p{Emoji_Presentation})\p{Emoji}(?![\u{1F3FB}-\u{1F3FF}])/gu;

/**
 * Returns the canonical form of an emoji: that of the same emoji with or without variation selectors and other
 * invisible characters. It is fully qualified (Unicode Technical Standard 51, definition ED-18). Skin tones stay.
 */
export function canonicalEmoji(emoji: string): string {
  return emoji.replace(unseen, "").replace(textByDefault, "$&\uFE0F");
}

/** @returns the canonical form. @throws {ChatError} `invalid_argument` unless `text` is one emoji. */
export function parseEmoji(text: string): string {
  const one = text.length <= maxUnits && text.isWellFormed() && [...graphemes.segment(text)].length === 1;
  if (one && pictured.test(text) && !/(?!\p{Emoji})[\p{L}\p{Cc}\p{Zs}]/u.test(text)) {
    const canonical = canonicalEmoji(text);
    // Else it has tags that are no flag.
    if (sanitizeLine(canonical) === canonical) return canonical;
  }
  throw new ChatError("invalid_argument", `${JSON.stringify(text.slice(0, 32))} is not one emoji.`);
}
