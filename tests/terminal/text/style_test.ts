import assert from "node:assert/strict";
import { choosePalette } from "../../../src/terminal/full_screen/palette.ts";
import { chooseStyle } from "../../../src/terminal/text/style.ts";

const colour = /␛\[(?:3|4|9|10)\d/;

function all(environment: { noColor: string | undefined; term: string | undefined }): string {
  const { dim, warn, bold } = chooseStyle(environment);
  const palette = choosePalette(environment);
  return [dim("a"), warn("b"), bold("c"), palette.bar("d"), palette.name("e"), palette.warn("f")].join("").replaceAll(
    "\x1b",
    "␛",
  );
}

Deno.test("NO_COLOR turns colours off, and leaves bold and reverse", () => {
  const text = all({ noColor: "1", term: "xterm-256color" });
  assert.doesNotMatch(text, colour);
  assert.match(text, /␛\[1mc␛\[22m␛\[7md␛\[27me/);
});

Deno.test("an empty NO_COLOR turns nothing off", () => {
  assert.match(all({ noColor: "", term: "xterm-256color" }), colour);
});

Deno.test("a terminal without colours gets bold and reverse", () => {
  for (const term of ["vt100", "vt220", "linux-m", "xterm-mono"]) {
    const text = all({ noColor: undefined, term });
    assert.doesNotMatch(text, colour, term);
    assert.match(text, /␛\[7md/, term);
  }
});

Deno.test("a terminal that can only write lines gets no style", () => {
  assert.equal(all({ noColor: undefined, term: "dumb" }), "abcdef");
});

Deno.test("screen gets no links, which it would show in part", () => {
  const environment = { noColor: undefined, term: "screen-256color" };
  assert.notEqual(chooseStyle(environment).link, undefined);
  assert.equal(chooseStyle({ ...environment, multiplexer: "screen" }).link, undefined);
  assert.equal(choosePalette({ ...environment, multiplexer: "screen" }).link, undefined);
});
