import assert from "node:assert/strict";
import { findMentions } from "../../../src/core/messages/mentions.ts";

const isMember = (user: string) => ["ben", "cleo", "d.e"].includes(user);

Deno.test("members that a text names are found once each, also before punctuation", () => {
  assert.deepEqual(findMentions("@ben, ask @cleo. Or @ben?", isMember), ["ben", "cleo"]);
  assert.deepEqual(findMentions("(@d.e.)", isMember), ["d.e"]);
});

Deno.test("the case of a name does not matter", () => {
  assert.deepEqual(findMentions("@Ben @CLEO, @ben", isMember), ["ben", "cleo"]);
});

Deno.test("an @ after a character of a word names no member, as in addresses", () => {
  for (const text of ["team@ben", "git@ben:repo.git", "a.b_@ben", "x1@ben.example.org", "é@ben", "почта@ben"]) {
    assert.deepEqual(findMentions(text, isMember), [], text);
  }
  for (const text of ["(@ben)", '"@ben"', "hi,@ben", "/@ben", "*@ben*", "\n@ben:", "@ben's", "@ben…", "👋@ben"]) {
    assert.deepEqual(findMentions(text, isMember), ["ben"], text);
  }
});

Deno.test("names are found in languages that write no space before or after them", () => {
  for (const text of ["你好@ben", "ねえ@benさん", "@ben님이", "@ben이가", "สวัสดี@ben"]) {
    assert.deepEqual(findMentions(text, isMember), ["ben"], text);
  }
});

Deno.test("users who are not members and parts of names are not found", () => {
  assert.deepEqual(findMentions("@nobody @benny @benß @ben\u0301 no@body", isMember), []);
  assert.deepEqual(findMentions(`@ben${"n".repeat(40)}`, (user) => user.startsWith("ben")), []);
  assert.deepEqual(findMentions("ben and cleo", isMember), []);
});

Deno.test("the number of mentions in a text is bounded", () => {
  const text = Array.from({ length: 2_000 }, (_, index) => `@u${index}`).join(" ");
  assert.equal(findMentions(text, () => true).length, 50);
});
