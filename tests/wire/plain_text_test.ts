import assert from "node:assert/strict";
import fc from "fast-check";
import { findMentions } from "../../src/core/messages/mentions.ts";
import { checkText } from "../../src/core/messages/message.ts";
import { isPlainText } from "../../src/wire/plain_text.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

Deno.test("a plain text is valid UTF-8, passes the check of a text, and mentions no member", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: "binary", maxLength: 40 }).map((text) => new TextEncoder().encode(text)),
    fc.constantFrom("\u0001", "\u0000", "é", '"').chain((unit) =>
      fc.integer({ min: 8_180, max: 8_200 }).map((length) => new TextEncoder().encode(unit.repeat(length)))
    ),
  );
  fc.assert(fc.property(bytes, fc.nat({ max: 3 }), (text, before) => {
    const frame = new Uint8Array(before + text.length + 2).fill(0xff);
    frame.set(text, before);
    if (!isPlainText(frame, before, before + text.length)) return;
    const decoded = strict.decode(text);
    checkText(decoded);
    assert.deepEqual(findMentions(decoded, () => true), []);
  }));
});

Deno.test("ordinary text in any script is plain", () => {
  for (const text of ["hello", "Grüße", "日本語", "🙂", "\u0000", "a\nb", "\uFEFFx", "x".repeat(8 * 1024)]) {
    const bytes = new TextEncoder().encode(text);
    assert.equal(isPlainText(bytes, 0, bytes.length), true, JSON.stringify(text.slice(0, 10)));
  }
  for (const text of ["", "ask @ben", "x".repeat(8 * 1024 + 1)]) {
    const bytes = new TextEncoder().encode(text);
    assert.equal(isPlainText(bytes, 0, bytes.length), false, JSON.stringify(text.slice(0, 10)));
  }
  assert.equal(isPlainText(new Uint8Array([0xed, 0xa0, 0x80]), 0, 3), false, "an encoded surrogate");
});
