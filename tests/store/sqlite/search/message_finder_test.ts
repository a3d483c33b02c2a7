import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatError } from "../../../../src/core/chat_error.ts";
import type { Append } from "../../../../src/core/messages/message_store.ts";
import { SearchStore } from "../../../support/servers/search_store.ts";
import { accept, directAppend, entryAppend } from "../../../support/servers/stored_messages.ts";

async function storeWith(texts: readonly string[]): Promise<SearchStore> {
  const store = await SearchStore.open();
  for (const text of texts) await store.say("ana", "ben", text);
  store.catchUp();
  return store;
}

/** Returns the texts among `texts` that a search finds, oldest first. */
async function found(texts: readonly string[], query: string): Promise<string[]> {
  using store = await storeWith(texts);
  return store.find("ana", query).map((position) => texts[position - 1]).reverse();
}

Deno.test("a search ignores case, accents and order, and requires all words", async () => {
  const texts = ["The café in Zürich", "cafe", "ZURICH: café!", "cafeteria in Zurich"];
  assert.deepEqual(await found(texts, "zurich CAFÉ"), ["The café in Zürich", "ZURICH: café!"]);
  assert.deepEqual(await found(texts, "caf* zurich -the"), ["ZURICH: café!", "cafeteria in Zurich"]);
});

Deno.test("a phrase matches consecutive words", async () => {
  const texts = ["roll it back", "it rolls back", "back it roll", "we roll: it, back!"];
  assert.deepEqual(await found(texts, '"roll it"'), ["roll it back", "we roll: it, back!"]);
  assert.deepEqual(await found(texts, '"roll it ba"*'), ["roll it back", "we roll: it, back!"]);
  assert.deepEqual(await found(texts, '-"roll it" back'), ["it rolls back", "back it roll"]);
});

Deno.test("texts in scripts without spaces are found by a part, and pictures by themselves", async () => {
  const texts = ["我们在东京见面", "東京タワー", "京东", "done 🎉🎉", "🫠", "สวัสดีครับ"];
  assert.deepEqual(await found(texts, "东京"), ["我们在东京见面"]);
  assert.deepEqual(await found(texts, "タワ"), ["東京タワー"]);
  assert.deepEqual(await found(texts, "🎉"), ["done 🎉🎉"]);
  assert.deepEqual(await found(texts, "🫠"), ["🫠"]);
  assert.deepEqual(await found(texts, "สวัสดี"), ["สวัสดีครับ"]);
});

Deno.test("a search ignores characters between words", async () => {
  const texts = ["see http://chat.example/rooms?x=1", "it's 16:9", "foo_bar\u0000baz"];
  assert.deepEqual(await found(texts, "http://chat.example/rooms?x=1"), [texts[0]]);
  assert.deepEqual(await found(texts, "it’s 16:9 &"), [texts[1]]);
  assert.deepEqual(await found(texts, "baz\u0000foo"), []);
  assert.deepEqual(await found(texts, "bar\u0000baz"), [texts[2]]);
});

Deno.test("from: and times limit a search, even after the clock was set back", async () => {
  using store = await SearchStore.open();
  const day = 24 * 60 * 60 * 1000;
  const start = Date.UTC(2026, 0, 1);
  for (let index = 0; index < 40; index++) {
    const jitter = index % 7 === 3 ? -day / 2 : 0;
    await store.say(
      index % 2 === 0 ? "ana" : "ben",
      index % 2 === 0 ? "ben" : "ana",
      "hello",
      start + index * day + jitter,
    );
  }
  store.catchUp();
  const expected = Array.from({ length: 40 }, (_, index) => index).filter((index) => {
    const at = start + index * day - (index % 7 === 3 ? day / 2 : 0);
    return index % 2 === 1 && at >= Date.UTC(2026, 0, 10) && at < Date.UTC(2026, 1, 1);
  }).map((index) => index + 1).reverse();
  assert.ok(expected.length > 8);
  assert.deepEqual(store.find("ana", "hello from:ben after:2026-01-10 before:2026-02-01"), expected);
  assert.deepEqual(store.find("ana", "from:ben after:2026-01-10 before:2026-02-01"), expected);
});

Deno.test("pages are contiguous, even with more conversations than one query covers", async () => {
  using store = await SearchStore.open();
  const { database } = store;
  const count = 700;
  database.transaction(() => {
    for (let number = 1; number <= count; number++) {
      const name = `peer${number}`;
      const { lastInsertRowid: user } = database
        .prepare("INSERT INTO user (name, password_hash, disabled, created_at) VALUES (?, '', 0, 0)").run(name);
      const { lastInsertRowid: conversation } = database
        .prepare("INSERT INTO conversation (name, head_seq, head_position) VALUES (?, 1, ?)").run(
          `ana:${name}`,
          number,
        );
      database.prepare("INSERT INTO span SELECT id, ?, 1, 9, 9, 0 FROM user WHERE name = 'ana'").run(conversation);
      const id = new Uint8Array(16);
      database.prepare(
        "INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text) VALUES (?, ?, 1, ?, ?, 0, ?)",
      ).run(number * 2, conversation, user, id, new TextEncoder().encode(number % 10 === 0 ? "rare" : "usual"));
    }
  });
  store.catchUp(count * 2);
  const positions: number[] = [];
  let page = { nextBeforePosition: 0, more: true };
  while (page.more) {
    const request = { user: "ana", terms: [{ text: "rare", prefix: false }], excluded: [], limit: 9 };
    const next = store.finder.find({ ...request, beforePosition: page.nextBeforePosition });
    positions.push(...next.positions);
    page = next;
  }
  assert.deepEqual(positions, Array.from({ length: 70 }, (_, index) => (70 - index) * 20));
});

Deno.test("a search finds only messages that the user may see", async () => {
  using store = await SearchStore.open();
  await store.say("ana", "ben", "the secret");
  await store.say("ana", "cleo", "no news");
  store.catchUp();
  const request = { terms: [{ text: "secret", prefix: false }], excluded: [], beforePosition: 0, limit: 10 };
  for (const user of ["cleo", "nobody"]) {
    for (
      const more of [{}, { conversation: "ana:ben" }, { sender: "ana" }, { sender: "nobody" }, { conversation: "x" }]
    ) {
      const { positions, more: isMore, nextBeforePosition } = store.finder.find({ ...request, user, ...more });
      assert.deepEqual([positions, isMore, nextBeforePosition], [[], false, 0]);
    }
  }
  assert.deepEqual(store.find("ben", "secret"), [1]);
});

Deno.test("a query is never interpreted by SQLite, and every phrase of a message finds it", async () => {
  using store = await storeWith(["one word", "other"]);
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.array(
      fc.constantFrom(
        ..."\" ' ( ) { } : + - ^ * , ; . \\ \0 \u001f % _ ? @ # $ [ ]".split(" "),
        ..."AND OR NOT NEAR NEAR( scope text scope:c1 text:one rowid search_index one wo* -other".split(" "),
        " ",
      ),
      { maxLength: 12 },
    ).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(hostile, (query) => {
      try {
        store.find("ana", query);
        store.find("ana", `word ${query.replaceAll(/["“”„]/g, " ")}`);
      } catch (error) {
        assert.ok(error instanceof ChatError, `${JSON.stringify(query)}: ${error}`);
      }
      assert.deepEqual(store.find("cleo", "word"), []);
    }),
    { numRuns: 500 },
  );
  const words = fc.array(fc.stringMatching(/^[a-zß-öø-ÿ0-9]{1,8}$/), { minLength: 1, maxLength: 8 });
  const between = fc.constantFrom(" ", ", ", "\n", " – ", "\0", '"', "/", "(");
  await fc.assert(
    fc.asyncProperty(words, between, fc.nat(), fc.nat(), async (words, between, start, length) => {
      const position = await store.say("ana", "ben", words.join(between));
      store.catchUp();
      const first = start % words.length;
      const part = words.slice(first, first + 1 + length % (words.length - first));
      assert.ok(store.find("ben", `"${part.join(" ")}"`).includes(position));
      assert.ok(store.find("ben", part.join(" ")).includes(position));
    }),
    { numRuns: 100 },
  );
});

Deno.test("a text and a query are compared in one normal form", async () => {
  using store = await SearchStore.open();
  const texts = ["서버가 느려요", "ＡＢＣ", "ёлка", "Straße", "ﬁle", "İstanbul ırmak", "ΟΔΟΣ", "so\u00adft"];
  for (const text of texts) await store.say("ana", "ben", text);
  store.catchUp();
  const queries = ["서버", "abc", "елка", "STRASSE", "file", "istanbul IRMAK", "οδοσ", "soft"];
  queries.forEach((query, index) => assert.deepEqual(store.find("ben", query), [index + 1], query));
  assert.deepEqual(store.find("ben", "ЁЛКА"), [3]);
  assert.deepEqual(store.find("ben", "ǅ"), []);
});

Deno.test("mentions:me finds messages that name the user, by an edit too, until one names them no more", async () => {
  using store = await SearchStore.open();
  const say = (rest: Partial<Append>) => accept(store.messages, { ...directAppend("ana", "ben"), ...rest });
  await say({ text: "hello @ben", mentions: ["ben"] });
  await say({ text: "hello" });
  await say({ text: "hello", mentions: ["ana"] });
  store.catchUp();
  assert.deepEqual(store.find("ben", "mentions:me"), [1]);
  assert.deepEqual(store.find("ana", "mentions:me"), [], "an own message");
  await say({ text: "read all of it @ben", mentions: ["ben"], event: { kind: "edited", target: 2 } });
  await say({ text: "no name", event: { kind: "edited", target: 1 } });
  assert.deepEqual(store.find("ben", "mentions:me"), [2]);
  assert.deepEqual(store.find("ben", "mentions:me hello"), []);
  await store.amend("ana", "ben", 2);
  assert.deepEqual(store.find("ben", "mentions:me"), []);
});

Deno.test("is:unread finds what is counted as unread, and with mentions:me what is counted as a mention", async () => {
  using store = await SearchStore.open();
  for (const text of ["one", "two", "three"]) await store.say("ana", "ben", text);
  await store.say("ben", "ana", "mine");
  await store.say("ana", "ben", "five");
  const counts = async () => {
    const { unread, mentions } = (await store.messages.conversationOf("ben", "ana:ben"))!;
    store.catchUp();
    const found = [store.find("ben", "is:unread"), store.find("ben", "is:unread mentions:me")];
    assert.deepEqual(found.map(({ length }) => length), [unread, mentions]);
    return found;
  };
  assert.deepEqual(await counts(), [[5, 3, 2, 1], []]);
  await store.messages.commit([{ kind: "move_read", conversation: "ana:ben", user: "ben", seq: 2 }]);
  assert.deepEqual(await counts(), [[5, 3], []]);
  await store.amend("ana", "ben", 3);
  const event = { kind: "edited", target: 1 } as const;
  await accept(store.messages, { ...directAppend("ana", "ben", { text: "one, @ben" }), mentions: ["ben"], event });
  assert.deepEqual(await counts(), [[5], [1]]);
  await store.messages.commit([{ kind: "move_read", conversation: "ana:ben", user: "ben", seq: 7 }]);
  assert.deepEqual(await counts(), [[], []]);
  assert.deepEqual(store.find("ben", "mentions:me"), [1]);
});

Deno.test("mentions:me finds what names all members of a room, or those who were online", async () => {
  using store = await SearchStore.open();
  const room = `+${"a".repeat(26)}`;
  const append = (sender: string, rest: Partial<Append>) => accept(store.messages, entryAppend(room, sender, rest));
  const created = { kind: "room_created", isPublic: true, historyVisible: true } as const;
  await append("ana", { text: "ops", event: created });
  for (const user of ["ben", "cleo"]) await append(user, { event: { kind: "joined" } });
  await append("ana", { text: "to all: @room", audience: "room" });
  await append("ana", { text: "to those here: @here", audience: "here", here: ["ben"] });
  store.catchUp();
  assert.deepEqual(store.find("ben", "mentions:me is:unread"), [5, 4]);
  assert.deepEqual(store.find("cleo", "mentions:me is:unread"), [4]);
  assert.deepEqual(store.find("ana", "mentions:me"), []);
  assert.equal((await store.messages.conversationOf("ben", room))!.mentions, 2);
});
