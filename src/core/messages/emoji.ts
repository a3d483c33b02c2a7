import { ChatError } from "../chat_error.ts";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const pictured = /\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|^[0-9#*]\uFE0F?\u20E3$/u;
const maxUnits = 32;

/** @returns `text` unchanged. @throws {ChatError} `invalid_argument` unless it is one emoji. */
export function parseEmoji(text: string): string {
  const one = text.length <= maxUnits && text.isWellFormed() && [...graphemes.segment(text)].length === 1;
  if (one && pictured.test(text) && !/[\p{L}\p{Cc}\p{Zs}]/u.test(text)) return text;
  throw new ChatError("invalid_argument", `${JSON.stringify(text.slice(0, 32))} is not one emoji.`);
}
