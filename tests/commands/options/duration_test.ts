import assert from "node:assert/strict";
import { duration, pastTime } from "../../../src/commands/options/value_parsers.ts";

/** The value of a text, or undefined when it is refused. */
function parse(text: string): number | undefined {
  const result = duration().parse(text);
  return result.success ? result.value : undefined;
}

Deno.test("a duration is a number with a unit, in milliseconds", () => {
  const texts = ["90s", "30m", "12h", "7d", "100000d"];
  assert.deepEqual(texts.map(parse), [90_000, 1_800_000, 43_200_000, 604_800_000, 8_640_000_000_000]);
});

Deno.test("a duration without a unit, of nothing, or too long to be counted in milliseconds is refused", () => {
  for (const text of ["", "7", "d", "0s", "1.5h", "-1h", "7 d", "999999999d"]) {
    assert.equal(parse(text), undefined, text);
  }
});

Deno.test("a time before the epoch is one at the epoch when it is given as an age", () => {
  assert.deepEqual(pastTime(() => 1_000).parse("1h"), { success: true, value: 0 });
});
