import assert from "node:assert/strict";
import { parseEmoji } from "../../../src/core/messages/emoji.ts";
import { throwsWith } from "../../support/checks/chat_error_assertions.ts";

Deno.test("an emoji of any kind is accepted", () => {
  for (const emoji of ["👍", "❤️", "👨‍👩‍👧", "🇩🇪", "👍🏽", "3️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]) assert.equal(parseEmoji(emoji), emoji);
});

Deno.test("words, two emoji, control characters and an empty text are refused", () => {
  for (const text of ["", "a", "👍👍", "ok👍", "\u001b[31m", "\u202e", " 👍", "3", "\ud83d", "👍".repeat(100)]) {
    throwsWith("invalid_argument", () => parseEmoji(text));
  }
});
