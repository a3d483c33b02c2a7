import assert from "node:assert/strict";
import fc from "fast-check";
import { sanitizeLine, sanitizeLines } from "../../src/core/sanitize.ts";

const nasty = fc.oneof(
  fc.constantFrom(
    ..."\x00\x07\x08\x1b\x7f\x80\x9b\x9d\u200b\u200c\u200d\u200e\u200f\u061c\u202a\u202e\u2028\u2029\u2060\u2066\u2069\ufeff",
    ..."\r\n\t\v\f\u00ad\u034f\u115f\u180e\u3164\uffa0\ufff9\ud800\udfff\ufffe",
    "\u{e0001}",
    "\u{e0041}",
    "\u{1f468}",
    "\u0300",
    "\ufe0f",
    "\x1b[2J",
    "\x1b]0;title\x07",
  ),
  fc.string({ unit: "binary", maxLength: 5 }),
  fc.string({ maxLength: 5 }),
);
const text = fc.array(nasty, { maxLength: 30 }).map((parts) => parts.join(""));

// deno-lint-ignore no-control-regex -- control characters are what this is about
const controls = /[\x00-\x1f\x7f-\x9f]/;
const bidi = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/;
const hidden = /[\u200b\u2060-\u206f\ufeff\u00ad\u034f\u115f\u1160\u180e\u3164\uffa0\u2028\u2029\u{e0000}-\u{e00ff}]/u;

Deno.test("sanitizeLine() lets nothing through that controls a terminal or hides", () => {
  fc.assert(
    fc.property(text, (input) => {
      const line = sanitizeLine(input);
      assert.doesNotMatch(line, controls);
      assert.doesNotMatch(line, bidi);
      assert.doesNotMatch(line, hidden);
      assert.doesNotMatch(line, /\p{M}{10}/u);
      assert.doesNotMatch(line, /^\p{M}/u);
      assert.ok(line.isWellFormed());
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("sanitizeLine() does not change what it made", () => {
  fc.assert(fc.property(text, (input) => assert.equal(sanitizeLine(sanitizeLine(input)), sanitizeLine(input))));
});

Deno.test("sanitizeLine() shows that something was there", () => {
  assert.equal(sanitizeLine("a\x1b[31mred\x07\x7f"), "a␛[31mred␇␡");
  assert.equal(sanitizeLine("evil\u202Etxt.exe\u2066"), "evil\uFFFDtxt.exe\uFFFD");
  assert.equal(sanitizeLine("one\ntwo\rthree\u2028four\u0085five"), "one␊two␍three\uFFFDfour\uFFFDfive");
  assert.equal(sanitizeLine("hid\u{E0041}den\u3164"), "hid\uFFFDden\uFFFD");
  assert.equal(sanitizeLine("\u200B"), "\uFFFD");
  assert.equal(sanitizeLine("\ud800lone"), "\uFFFDlone");
  assert.equal(sanitizeLine("a\tb"), "a    b");
});

Deno.test("sanitizeLine() leaves harmless invisible characters out", () => {
  assert.equal(sanitizeLine("in\u200Bvis\u200Cib\u200Dle\uFEFF"), "invisible");
  assert.equal(sanitizeLine("Zeit\u00ADung 2\u2062x"), "Zeitung 2x");
});

Deno.test("sanitizeLine() bounds marks, and gives the first of a line something to stand on", () => {
  assert.equal(sanitizeLine("Z" + "\u0353".repeat(500)), "Z" + "\u0353".repeat(8) + "\uFFFD");
  assert.equal(sanitizeLine("\u0301x"), "\u25CC\u0301x");
});

Deno.test("sanitizeLine() keeps what people write", () => {
  for (
    const kept of [
      "Grüße, 漢字, ¡hola!",
      "👩‍👩‍👧‍👦 👍🏽 ❤️ 🇩🇪 🏳️‍🌈 👩🏽‍💻",
      "🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
      "می‌خواهم",
      "क्‍ष",
      "e\u0301 שָׁלוֹם",
      "葛\u{E0100}",
      "~!@#$%^&*()_+{}|\\",
    ]
  ) assert.equal(sanitizeLine(kept), kept);
});

Deno.test("sanitizeLine() takes the longest message in time that grows with it", () => {
  for (const unit of ["\u0300", "👩\u200D", "\u200D", "क\u094D\u200D", "\x1b", "a"]) {
    assert.ok(sanitizeLine(unit.repeat(Math.floor(16_384 / unit.length))).length > 0);
  }
});

Deno.test("sanitizeLines() breaks at newlines only", () => {
  assert.deepEqual(sanitizeLines("one\ntwo\r\nthree\rstill\n"), ["one", "two", "three␍still", ""]);
});
