import assert from "node:assert/strict";
import fc from "fast-check";
import { sanitizeLine } from "../../../src/core/sanitize.ts";
import { wrap } from "../../../src/terminal/full_screen/wrap.ts";
import { displayWidth } from "../../../src/terminal/input/input_layout.ts";

// deno-lint-ignore no-control-regex -- styles are made of them
const styles = /\x1b\[[\d;]*m/g;

Deno.test("wrap() breaks between words, and within a word that is too long", () => {
  assert.deepEqual(wrap("one two three", { columns: 8 }), ["one two ", "three"]);
  assert.deepEqual(wrap("a abcdefghijkl b", { columns: 5 }), ["a ", "abcde", "fghij", "kl b"]);
  assert.deepEqual(wrap("12345 678", { columns: 5 }), ["12345", "678"]);
  assert.deepEqual(wrap("", { columns: 5 }), [""]);
});

Deno.test("wrap() counts cells and keeps characters whole", () => {
  assert.deepEqual(wrap("漢字漢字", { columns: 5 }), ["漢字", "漢字"]);
  assert.deepEqual(wrap("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", { columns: 4 }), ["👨‍👩‍👧👨‍👩‍👧", "👨‍👩‍👧"]);
});

Deno.test("wrap() indents the following rows, unless there is no room", () => {
  assert.deepEqual(wrap("ben: one two", { columns: 9, continuation: "  " }), ["ben: one ", "  two"]);
  assert.deepEqual(wrap("abcdef", { columns: 4, continuation: "   " }), ["abcd", "ef"]);
});

Deno.test("wrap() ends a style with the row, and goes on with it in the next", () => {
  assert.deepEqual(wrap("\x1b[2mone two\x1b[22m x", { columns: 4 }), [
    "\x1b[2mone \x1b[22m",
    "\x1b[2mtwo\x1b[22m ",
    "x",
  ]);
  assert.deepEqual(wrap("\x1b[38;5;28mab\x1b[39mc", { columns: 1 }), [
    "\x1b[38;5;28ma\x1b[39m",
    "\x1b[38;5;28mb\x1b[39m",
    "c",
  ]);
});

Deno.test("wrap() begins the following rows with a continuation, which may have a style", () => {
  assert.deepEqual(wrap("one two", { columns: 6, continuation: "\x1b[2m│ \x1b[22m" }), [
    "one ",
    "\x1b[2m│ \x1b[22mtwo",
  ]);
});

Deno.test("wrap() keeps a link that is broken a link, whole, in each of its rows", () => {
  const start = "\x1b]8;id=1;https://a.example/bc\x1b\\";
  const end = "\x1b]8;;\x1b\\";
  assert.deepEqual(wrap(`see ${start}\x1b[4mabcdef\x1b[24m${end}.`, { columns: 4 }), [
    "see ",
    `${start}\x1b[4mabcd${end}\x1b[24m`,
    `${start}\x1b[4mef\x1b[24m${end}.`,
  ]);
});

Deno.test("wrap() loses nothing but spaces, and no row is too wide", () => {
  const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme-ascii" })).map(sanitizeLine);
  fc.assert(fc.property(text, fc.integer({ min: 20, max: 60 }), (line, columns) => {
    const rows = wrap(line, { columns, continuation: "  " });
    for (const row of rows) assert.ok(displayWidth(row.replace(styles, "")) <= columns, JSON.stringify(row));
    assert.equal(rows.join("").replaceAll(" ", ""), line.replaceAll(" ", ""));
  }));
});
