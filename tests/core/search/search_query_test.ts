import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatError } from "../../../src/core/chat_error.ts";
import { parseSearchQuery, type SearchTerm } from "../../../src/core/search/search_query.ts";
import { throwsWith } from "../../support/checks/chat_error_assertions.ts";

const word = (text: string): SearchTerm => ({ text, prefix: false });
const beginning = (text: string): SearchTerm => ({ text, prefix: true });

Deno.test("words, phrases, prefixes and excluded terms are distinguished", () => {
  const typed = 'deploy "to production"  roll* "went wro"* -staging -"dry run" -test*';
  assert.deepEqual(parseSearchQuery(typed), {
    terms: [word("deploy"), word("to production"), beginning("roll"), beginning("went wro")],
    excluded: [word("staging"), word("dry run"), beginning("test")],
  });
});

Deno.test("conditions ignore case, and only words can look like them", () => {
  assert.deepEqual(parseSearchQuery("FROM:@Ben in:#ops http://chat.example/x todo:later ratio 16:9"), {
    terms: ["http://chat.example/x", "todo:later", "ratio", "16:9"].map(word),
    excluded: [],
    from: "ben",
    in: "#ops",
  });
  assert.deepEqual(parseSearchQuery('"from:ben"').terms, [word("from:ben")]);
});

Deno.test("a search can be limited to files, mentions and unread messages", () => {
  assert.deepEqual(parseSearchQuery("has:file Mentions:ME is:unread report"), {
    terms: [word("report")],
    excluded: [],
    hasFile: true,
    mentionsMe: true,
    isUnread: true,
  });
  for (const typed of ["has:link", "mentions:ben", "is:", "-is:unread"]) {
    throwsWith("invalid_argument", () => parseSearchQuery(typed));
  }
});

Deno.test("a date is the start of its day in UTC, and a time is in UTC unless it names a zone", () => {
  const times = (typed: string) => {
    const { before, after } = parseSearchQuery(typed);
    return [after, before].map((time) => time === undefined ? undefined : new Date(time).toISOString());
  };
  assert.deepEqual(times("after:2026-01-31 before:2026-02-01"), [
    "2026-01-31T00:00:00.000Z",
    "2026-02-01T00:00:00.000Z",
  ]);
  assert.deepEqual(times("after:2026-01-31T12:30"), ["2026-01-31T12:30:00.000Z", undefined]);
  assert.deepEqual(times("before:2026-01-31t12:30:15.5z"), [undefined, "2026-01-31T12:30:15.500Z"]);
  assert.deepEqual(times("before:2026-01-31T12:30:15+02:00"), [undefined, "2026-01-31T10:30:15.000Z"]);
  assert.deepEqual(times("after:2024-02-29"), ["2024-02-29T00:00:00.000Z", undefined]);
});

Deno.test("typographic quotation marks work, and one within a word starts the next term", () => {
  assert.deepEqual(parseSearchQuery("“so it goes” „na gut“").terms, [word("so it goes"), word("na gut")]);
  assert.deepEqual(parseSearchQuery('one"two three"four').terms, ["one", "two three", "four"].map(word));
});

Deno.test("terms without searchable characters are ignored", () => {
  assert.deepEqual(parseSearchQuery('rock & roll - !! "" -').terms, [word("rock"), word("roll")]);
  assert.deepEqual(parseSearchQuery("🎉").terms, [word("🎉")]);
});

Deno.test("the fault of a query is named", () => {
  const wrong: [string, RegExp][] = [
    ["", /The search is empty/],
    ['- & ""', /The search is empty/],
    ['say "hello', /"hello" is not closed/],
    ["a*", /"a\*" matches too many words/],
    ['"the b"*', /matches too many words/],
    ["e\u0301*", /matches too many words/],
    ["from:", /from: has no value/],
    ["from:a*b", /"a\*b" is not a valid user name/],
    ["-from:ben hello", /from: cannot be excluded/],
    ["from:ben from:ana", /from: occurs twice/],
    ["after:yesterday", /"yesterday" is not a date: write after:2026-01-31/],
    ["before:2026-02-30", /"2026-02-30" is not a date/],
    ["before:2026-13-01", /is not a date/],
    ["before:2026-01-01T25:00", /is not a date/],
    ["before:1969-12-31", /is not a date/],
    ["after:2026-02-01 before:2026-02-01", /must be later than the date of after:/],
    ["word ".repeat(33), /more than 32 parts/],
    ["w".repeat(513), /longer than 512/],
    ["\ud800", /UTF-8/],
  ];
  for (const [typed, message] of wrong) {
    assert.match(throwsWith("invalid_argument", () => parseSearchQuery(typed)).message, message);
  }
});

Deno.test("any input is parsed or refused with a ChatError, and phrases are kept unchanged", () => {
  const typed = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(
      fc.constantFrom('"', "-", "*", ":", "from:", "in:", "after:2026-01-01", " ", "ab", "é", "🎉", "(", ")", "NOT"),
    )
      .map((parts) => parts.join("")),
  );
  fc.assert(fc.property(typed, (text) => {
    try {
      const { terms, excluded } = parseSearchQuery(text);
      for (const term of [...terms, ...excluded]) assert.doesNotMatch(term.text, /"/);
    } catch (error) {
      assert.ok(error instanceof ChatError && error.code === "invalid_argument", String(error));
    }
  }));
  const phrase = fc.string({ unit: "binary", minLength: 1, maxLength: 100 }).map((text) => `a${text.toWellFormed()}`)
    .filter((text) => !/["“”„]/.test(text));
  fc.assert(fc.property(phrase, (text) => {
    assert.deepEqual(parseSearchQuery(`"${text}"`), { terms: [word(text)], excluded: [] });
  }));
});
