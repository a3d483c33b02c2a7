import assert from "node:assert/strict";
import { canonicalEmoji, parseEmoji } from "../../../src/core/messages/emoji.ts";
import { throwsWith } from "../../support/checks/chat_error_assertions.ts";

Deno.test("an emoji of any kind is accepted", () => {
  for (const emoji of ["👍", "❤️", "👨‍👩‍👧", "🇩🇪", "👍🏽", "3️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]) assert.equal(parseEmoji(emoji), emoji);
});

Deno.test("words, two emoji, control characters and an empty text are refused", () => {
  for (const text of ["", "a", "👍👍", "ok👍", "\u001b[31m", "\u202e", " 👍", "3", "\ud83d", "👍".repeat(100)]) {
    throwsWith("invalid_argument", () => parseEmoji(text));
  }
});

Deno.test("an emoji has one form, with or without variation selectors, and skin tones stay", () => {
  for (const heart of ["\u2764", "\u2764\ufe0e", "\u2764\ufe0f"]) assert.equal(parseEmoji(heart), "\u2764\ufe0f");
  assert.equal(parseEmoji("3\u20e3"), "3\ufe0f\u20e3");
  assert.equal(parseEmoji("\u{1f44d}\ufe0f"), "\u{1f44d}");
  assert.equal(parseEmoji("\u{1f3f3}\u200d\u{1f308}"), "\u{1f3f3}\ufe0f\u200d\u{1f308}");
  assert.equal(parseEmoji("\u270c\u{1f3fd}"), "\u270c\u{1f3fd}");
  assert.notEqual(parseEmoji("👍🏽"), parseEmoji("👍"));
  for (const emoji of ["❤", "👁‍🗨", "👩🏽‍❤️‍💋‍👨🏿"]) assert.equal(canonicalEmoji(canonicalEmoji(emoji)), canonicalEmoji(emoji));
});

Deno.test("invisible characters make no second emoji, and tags that are no flag are refused", () => {
  for (const unseen of ["\u200d", "\u200c", "\u034f", "\ufe01", "\u{e0100}", "\u180b"]) {
    assert.equal(parseEmoji(`👍${unseen}`), "👍", unseen.codePointAt(0)!.toString(16));
  }
  assert.equal(parseEmoji("👩\u200d🚀"), "👩\u200d🚀");
  throwsWith("invalid_argument", () => parseEmoji("👍\u{e0061}\u{e0062}"));
});
