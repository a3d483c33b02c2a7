import assert from "node:assert/strict";
import { nameToEmoji } from "gemoji";
import { parseEmoji } from "../../../src/core/messages/emoji.ts";
import { complete } from "../../../src/terminal/commands/completion.ts";

Deno.test("every name of an emoji completes to its canonical form, in a message and in /react", () => {
  for (const name of Object.keys(nameToEmoji)) {
    for (const start of ["", "so ", "/react 12 ", "/unreact 12 "]) {
      const [completed, ...others] = complete(`${start}:${name}:`, { names: ["ana", "#ops"], audiences: [] });
      assert.deepEqual(others, [], name);
      assert.ok(completed.startsWith(start) && completed.endsWith(" "), name);
      const emoji = completed.slice(start.length, -1);
      assert.equal(emoji, parseEmoji(nameToEmoji[name]), name);
    }
  }
});
