import assert from "node:assert/strict";
import { parseEmoji } from "../../../src/core/messages/emoji.ts";
import { throwsWith } from "../../support/chat_error_assertions.ts";

Deno.test("one emoji of any kind is one", () => {
  for (const emoji of ["👍", "❤️", "👨‍👩‍👧", "🇩🇪", "👍🏽", "3️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]) assert.equal(parseEmoji(emoji), emoji);
});

Deno.test("words, two emoji, controls and nothing are no emoji", () => {
  for (const text of ["", "a", "👍👍", "ok👍", "\u001b[31m", "\u202e", " 👍", "3", "\ud83d", "👍".repeat(100)]) {
    throwsWith("invalid_argument", () => parseEmoji(text));
  }
});
