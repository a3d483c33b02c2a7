import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatError } from "../../src/core/chat_error.ts";
import { SearchPerson } from "../contract/message_search.ts";
import { openPostgresSearch, openSqliteSearch } from "../support/servers/search_stores.ts";

const words =
  ("deploy Deploy café cafe CAFÉ naïve Straße strasse İstanbul istanbul über ueber ÅNGSTRÖM co-operate don't " +
    "e-mail user@example.org https://example.org/a/b?c=d v1.2.3 2026-11-29 C++ foo_bar ops #ops @ana restart 部署 完了 " +
    "デプロイ ﾃﾞﾌﾟﾛｲ สวัสดี 서버가 🎉 👍🏽 ❤️ привет Привет ёлка ΣΊΣΥΦΟΣ σίσυφος ﬁ fi I ı i İ ö x y z ŉ ǅ ﷺ so\u00adft " +
    "one two three four ٣ ३ ½ ² Ⅷ 𝔘𝔫𝔦 𐐀 ᾂ\0b & | ! <-> :* 'q' \\ \" ( )").split(" ");
const word = fc.constantFrom(...words);
const text = fc.array(word, { minLength: 1, maxLength: 14 }).map((all) => all.join(" "));

Deno.test("both stores find the same messages, whatever is said and sought", async () => {
  const [sqlite, postgres] = [await openSqliteSearch(), await openPostgresSearch()];
  try {
    const texts = fc.sample(text, { numRuns: 400, seed: 7 });
    for (const store of [sqlite, postgres].map((opened) => new SearchPerson(opened))) {
      for (const [index, said] of texts.entries()) {
        const position = await store.say(index % 3 === 0 ? "ben" : "ana", index % 3 === 0 ? "ana" : "ben", said);
        if (index % 5 === 0) {
          await store.opened.rows.attachFile(
            position,
            `${texts[(index + 1) % 400].slice(0, 20).replaceAll("\0", "")}.pdf`,
          );
        }
      }
      await store.catchUp();
    }
    // Words, their starts, and parts of what was said, as phrases.
    const part = fc.tuple(fc.constantFrom(...texts), fc.nat(9), fc.integer({ min: 1, max: 4 }))
      .map(([said, from, length]) => `"${said.split(" ").slice(from, from + length).join(" ")}"`);
    const start = fc.tuple(word, fc.integer({ min: 2, max: 6 })).map(([each, length]) =>
      `${[...each].slice(0, length).join("")}*`
    );
    const term = fc.tuple(fc.constantFrom("", "", "-"), fc.oneof(word, start, part), fc.constantFrom("", "", "*"))
      .map((pieces) => pieces.join(""));
    const condition = fc.constantFrom("from:ana", "from:me", "has:file", "is:unread", "mentions:me");
    const query = fc.tuple(fc.array(term, { minLength: 1, maxLength: 3 }), fc.option(condition, { nil: "", freq: 3 }))
      .map(([terms, more]) => [...terms, more].join(" "));
    let found = 0;
    await fc.assert(
      fc.asyncProperty(query, async (sought) => {
        const results = [];
        for (const store of [sqlite, postgres].map((opened) => new SearchPerson(opened))) {
          try {
            results.push(await store.find("ana", sought));
          } catch (error) {
            // A query that says nothing.
            assert.ok(error instanceof ChatError && error.code === "invalid_argument", String(error));
            results.push(error.message);
          }
        }
        assert.deepEqual(results[1], results[0]);
        if (typeof results[0] !== "string" && results[0].length > 0) found += 1;
      }),
      { numRuns: 800 },
    );
    assert.ok(found > 100, `${found} queries found something`);
  } finally {
    await sqlite.close();
    await postgres.close();
  }
});
