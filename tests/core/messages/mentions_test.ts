import assert from "node:assert/strict";
import { findMentions } from "../../../src/core/messages/mentions.ts";

const isMember = (user: string) => ["ben", "cleo", "d.e"].includes(user);

Deno.test("members whom a text names are found, each once, also before punctuation", () => {
  assert.deepEqual(findMentions("@ben, ask @cleo. Or @ben?", isMember), ["ben", "cleo"]);
  assert.deepEqual(findMentions("(@d.e.)", isMember), ["d.e"]);
});

Deno.test("who is no member is not found, nor part of a name", () => {
  assert.deepEqual(findMentions("@nobody @benny @Ben no@body", isMember), []);
  assert.deepEqual(findMentions("ben and cleo", isMember), []);
});

Deno.test("a text of nothing but names finds a bounded number", () => {
  const text = Array.from({ length: 2_000 }, (_, index) => `@u${index}`).join(" ");
  assert.equal(findMentions(text, () => true).length, 50);
});
