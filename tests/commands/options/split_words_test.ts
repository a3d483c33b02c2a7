import assert from "node:assert/strict";
import fc from "fast-check";
import { splitWords } from "../../../src/commands/options/split_words.ts";

Deno.test("splitWords() splits words like a shell, without expansion", () => {
  assert.deepEqual(splitWords("./bot.sh"), ["./bot.sh"]);
  assert.deepEqual(splitWords("  python3  bot.py\t--name 'a b' \"c d\" e\\ f "), [
    "python3",
    "bot.py",
    "--name",
    "a b",
    "c d",
    "e f",
  ]);
  assert.deepEqual(splitWords(`x a'b'"c"d '' "say \\"hi\\" \\n"`), ["x", "abcd", "", 'say "hi" \\n']);
  assert.deepEqual(splitWords("echo $(id) `id` $HOME; rm > x | *"), [
    "echo",
    "$(id)",
    "`id`",
    "$HOME;",
    "rm",
    ">",
    "x",
    "|",
    "*",
  ]);
});

Deno.test("splitWords() keeps words in single quotes unchanged", () => {
  const word = fc.string().map((text) => text.replaceAll("'", ""));
  fc.assert(fc.property(fc.array(word, { minLength: 1 }), (words) => {
    const whole = ["program", ...words];
    assert.deepEqual(splitWords(whole.map((each) => `'${each}'`).join(" ")), whole);
  }));
});

Deno.test("splitWords() refuses an incomplete command", () => {
  for (const text of ["", "  ", "''", "'a", 'a "b', 'a "b\\"', "a \\"]) {
    assert.throws(() => splitWords(text), SyntaxError, text);
  }
});
