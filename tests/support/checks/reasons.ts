import assert from "node:assert/strict";
import fc from "fast-check";

/** Asserts that a reason reads as the end of one sentence, such as "Cannot reach it: REASON." */
export function assertReason(reason: string, words: string): void {
  assert.match(reason, /^[^\n]*[^\n.]$/, words);
  assert.doesNotMatch(reason, /undefined$|\bos error\b|\[object|Error:/, words);
  assert.notEqual(reason, words, "the words of a library alone");
}

/** Asserts that any words of a library become a reason, with the words in brackets if they are unknown. */
export function assertExplainsAnything(explain: (words: string) => string): void {
  fc.assert(fc.property(fc.string({ unit: "grapheme-ascii" }).map((text) => text.replace(/[.\s]+$/, "")), (words) => {
    const reason = explain(words);
    assert.ok(reason.includes(`(${words})`) || !reason.includes(words) || words.length < 8, `${words} → ${reason}`);
    assert.ok(reason.length > 8 && !reason.endsWith(".") && !reason.endsWith("undefined"), reason);
  }));
  for (const words of ["", "undefined"]) assert.doesNotMatch(explain(words), /undefined|\(\)/);
}
