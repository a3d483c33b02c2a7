import assert from "node:assert/strict";
import fc from "fast-check";
import { findAudience, findMentions } from "../../../src/core/messages/mentions.ts";

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

/** Texts, and the members that they name. */
const table: readonly (readonly [text: string, named: string])[] = [
  // Web addresses.
  ["https://x.org/@ben", ""],
  ["(see https://x.org/a?by=@ben)", ""],
  ["x.org/@ben", ""],
  ["medium.com:8080/@ben/1", ""],
  ["https://ben@x.org and @cleo", "cleo"],
  ["https://x.org/a, @ben", "ben"],
  ["<https://x.org/a>@ben", "ben"],
  ["看https://x.org/a，@ben", "ben"],
  ["[@ben](https://x.org/@cleo)", "ben"],
  ["@ben/@cleo", "ben,cleo"],
  ["@d.e/@ben", "d.e,ben"],
  ["e.g./@ben 3.5/@cleo", "ben,cleo"],
  // Marks of Markdown, and other punctuation.
  ["_@ben_", "ben"],
  ["*@ben*, **@cleo**", "ben,cleo"],
  ["__@ben__ ~~@cleo~~", "ben,cleo"],
  ["> @ben", "ben"],
  ["(@ben) [@cleo]", "ben,cleo"],
  ["snake_case_@ben", ""],
  // Code.
  ["`@ben`", ""],
  ["``a ` @ben`` @cleo", "cleo"],
  ["` @ben", "ben"],
  ["`a`@ben`b`", "ben"],
  ["\\`@ben\\`", "ben"],
  ["\\`@ben`", "ben"],
  ["\\\\`@ben`", ""],
  ["\\``@ben`", ""],
  ["`a\\`@ben", "ben"],
  ["`one\n@ben`", "ben"],
  ["```\n@ben\n```\n@cleo", "cleo"],
  ["~~~ts\n@ben\n```\n~~~~\n@cleo", "cleo"],
  ["```\n@ben", "ben"],
  ["````\n@ben\n```\n@cleo", "ben,cleo"],
  ["```@ben``` @cleo", "cleo"],
];

Deno.test("names in web addresses and code name no member, those in other Markdown do", () => {
  for (const [text, named] of table) assert.equal(findMentions(text, isMember).join(","), named, text);
});

Deno.test("the audiences follow the rules of names", () => {
  for (const [text, named] of table) {
    const all = text.replaceAll("@ben", "@Room").replaceAll("@cleo", "@here").replaceAll("@d.e", "@x");
    const expected = named.includes("ben") ? "room" : named.includes("cleo") ? "here" : undefined;
    assert.equal(findAudience(all), expected, all);
  }
});

Deno.test("a mention among any marks is found exactly if it is outside of code and addresses", () => {
  const outside = fc.constantFrom("", "hi ", "*", "_", "(", "> ", "“", "- ", "\n", "#", "`x` ", "https://x.org ");
  const inside = fc.constantFrom("`", "`` ", "https://", "x.org/", "ftp://a/b?", "```\n", "~~~\n");
  const closing: Record<string, string> = { "`": "`", "`` ": "``", "```\n": "\n```", "~~~\n": "\n~~~" };
  const tail = fc.constantFrom("", ".", "!", "_", "*", ")", ", ok", "\nbye", "'s", "…");
  fc.assert(fc.property(outside, tail, (head, tail) => {
    assert.deepEqual(findMentions(`${head}@ben${tail}`, isMember), ["ben"]);
  }));
  fc.assert(fc.property(fc.constantFrom("", "so\n"), inside, fc.constantFrom("", "\nbye"), (head, mark, end) => {
    assert.deepEqual(findMentions(`${head}${mark}@ben${closing[mark] ?? ""}${end}`, isMember), []);
  }));
});
