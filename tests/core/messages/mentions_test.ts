import assert from "node:assert/strict";
import { findMentions } from "../../../src/core/messages/mentions.ts";

const isMember = (user: string) => ["ben", "cleo", "d.e"].includes(user);

Deno.test("members that a text names are found once each, also before punctuation", () => {
  assert.deepEqual(findMentions("@ben, ask @cleo. Or @ben?", isMember), ["ben", "cleo"]);
  assert.deepEqual(findMentions("(@d.e.)", isMember), ["d.e"]);
});

Deno.test("users who are not members and parts of names are not found", () => {
  assert.deepEqual(findMentions("@nobody @benny @Ben no@body", isMember), []);
  assert.deepEqual(findMentions("ben and cleo", isMember), []);
});

Deno.test("the number of mentions in a text is bounded", () => {
  const text = Array.from({ length: 2_000 }, (_, index) => `@u${index}`).join(" ");
  assert.equal(findMentions(text, () => true).length, 50);
});
