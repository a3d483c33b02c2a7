import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatError } from "../../src/core/chat_error.ts";
import type { Append, ExclusiveMessageStore } from "../../src/core/messages/message_store.ts";
import type { SearchRequest, SearchResult } from "../../src/core/search/message_search.ts";
import { parseSearchQuery } from "../../src/core/search/search_query.ts";
import { accept, directAppend, entryAppend } from "../support/servers/stored_messages.ts";
import { contractTests } from "./contract_tests.ts";

/** A store with the users ana, ben and cleo, and an index that goes on when it is told to. */
export interface OpenedSearch {
  readonly messages: ExclusiveMessageStore;
  find(request: SearchRequest): Promise<SearchResult>;
  /** Indexes all entries up to `head`, and all changes of messages. */
  indexThrough(head: number): Promise<void>;
  /** Indexes about `maxEntries` of the next entries. @returns whether there are more */
  takeTurn(maxEntries: number): Promise<boolean>;
  /** Opens the index again, as the next process does. */
  reopenIndex(): Promise<void>;
  /** Returns all words of the index with their places, in any form. */
  words(): Promise<unknown>;
  /** Empties the index. */
  emptyIndex(): Promise<void>;
  /** Changes rows as commits, erasure and retention do. */
  readonly rows: SearchedRows;
  close(): Promise<void>;
}

export interface SearchedRows {
  attachFile(position: number, name: string): Promise<void>;
  removeFile(position: number): Promise<void>;
  removeEntry(position: number): Promise<void>;
  /** Removes all entries in a transaction that fails. */
  failToRemoveEntries(): Promise<void>;
  setText(position: number, text: string): Promise<void>;
  blank(position: number): Promise<void>;
  /** Gives ana direct conversations with `texts.length` new users, each with one message from them, at each even position. */
  addPeers(texts: readonly string[]): Promise<void>;
}

/** An opened store as a person uses it. */
export class SearchPerson {
  readonly opened: OpenedSearch;

  constructor(opened: OpenedSearch) {
    this.opened = opened;
  }

  /** @returns its position */
  async say(sender: string, to: string, text: string, acceptedAt?: number): Promise<number> {
    return (await accept(this.opened.messages, directAppend(sender, to, { text, acceptedAt }))).position;
  }

  /** @param target seq of the message that the event is about */
  async amend(sender: string, to: string, target: number, text?: string): Promise<void> {
    const event = { kind: text === undefined ? "deleted" as const : "edited" as const, target };
    await accept(this.opened.messages, { ...directAppend(sender, to, { text: text ?? "" }), event });
  }

  async catchUp(head = this.opened.messages.head): Promise<void> {
    await this.opened.indexThrough(head);
  }

  /** Returns the positions of messages that `user` finds. */
  async find(user: string, query: string, page: Partial<SearchRequest> = {}): Promise<readonly number[]> {
    const { from, in: conversation, ...rest } = parseSearchQuery(query);
    const request = { user, ...rest, sender: from, conversation, beforePosition: 0, limit: 100, ...page };
    return (await this.opened.find(request)).positions;
  }
}

/** A search of ana for all messages. */
const everything = { user: "ana", terms: [], excluded: [], beforePosition: 0, limit: 1 } as const;
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** What every search keeps to. */
export function messageSearchContract(name: string, open: () => Promise<OpenedSearch>): void {
  const test = contractTests(name, { open, prepare: (opened) => new SearchPerson(opened) });

  /** Tests what ana finds among texts, oldest first. */
  const testFound = (behaviour: string, texts: readonly string[], expected: Readonly<Record<string, string[]>>) =>
    test(behaviour, async (store) => {
      for (const text of texts) await store.say("ana", "ben", text);
      await store.catchUp();
      for (const [query, found] of Object.entries(expected)) {
        const positions = await store.find("ana", query);
        assert.deepEqual(positions.map((position) => texts[position - 1]).reverse(), found, query);
      }
    });

  testFound(
    "a search ignores case, accents and order, and requires all words",
    ["The café in Zürich", "cafe", "ZURICH: café!", "cafeteria in Zurich"],
    {
      "zurich CAFÉ": ["The café in Zürich", "ZURICH: café!"],
      "caf* zurich -the": ["ZURICH: café!", "cafeteria in Zurich"],
    },
  );

  testFound(
    "a phrase matches consecutive words",
    ["roll it back", "it rolls back", "back it roll", "we roll: it, back!"],
    {
      '"roll it"': ["roll it back", "we roll: it, back!"],
      '"roll it ba"*': ["roll it back", "we roll: it, back!"],
      '-"roll it" back': ["it rolls back", "back it roll"],
    },
  );

  testFound(
    "texts in scripts without spaces are found by a part, and pictures by themselves",
    ["我们在东京见面", "東京タワー", "京东", "done 🎉🎉", "🫠", "สวัสดีครับ"],
    {
      "东京": ["我们在东京见面"],
      "タワ": ["東京タワー"],
      "🎉": ["done 🎉🎉"],
      "🫠": ["🫠"],
      "สวัสดี": ["สวัสดีครับ"],
    },
  );

  testFound(
    "a search ignores characters between words",
    ["see http://chat.example/rooms?x=1", "it's 16:9", "foo_bar\u0000baz"],
    {
      "http://chat.example/rooms?x=1": ["see http://chat.example/rooms?x=1"],
      "it’s 16:9 &": ["it's 16:9"],
      "baz\u0000foo": [],
      "bar\u0000baz": ["foo_bar\u0000baz"],
    },
  );

  const repeated = `${"one ".repeat(300)}two three`;
  const longWord = "w".repeat(4_000);
  testFound(
    "words are found in the longest texts: a word repeated very often, a very long word, and the last of thousands",
    [repeated, "one two", longWord, `${"w".repeat(1_900)} short`, `${"ﷺ".repeat(5_000)} end of it`, "it of end"],
    {
      '"one two three"': [repeated],
      '"one three"': [],
      'one -"two three"': ["one two"],
      'one -"three two"': [repeated, "one two"],
      "www*": [longWord, `${"w".repeat(1_900)} short`],
      [`${"w".repeat(400)}*`]: [longWord, `${"w".repeat(1_900)} short`],
      ["w".repeat(500)]: [],
      '"end of it"': [`${"ﷺ".repeat(5_000)} end of it`],
      'end -"end of"': ["it of end"],
    },
  );

  test("from: and times limit a search, even after the clock was set back", async (store) => {
    const day = 24 * 60 * 60 * 1000;
    const start = Date.UTC(2026, 0, 1);
    for (let index = 0; index < 40; index++) {
      const jitter = index % 7 === 3 ? -day / 2 : 0;
      const [sender, to] = index % 2 === 0 ? ["ana", "ben"] : ["ben", "ana"];
      await store.say(sender, to, "hello", start + index * day + jitter);
    }
    await store.catchUp();
    const expected = Array.from({ length: 40 }, (_, index) => index).filter((index) => {
      const at = start + index * day - (index % 7 === 3 ? day / 2 : 0);
      return index % 2 === 1 && at >= Date.UTC(2026, 0, 10) && at < Date.UTC(2026, 1, 1);
    }).map((index) => index + 1).reverse();
    assert.ok(expected.length > 8);
    assert.deepEqual(await store.find("ana", "hello from:ben after:2026-01-10 before:2026-02-01"), expected);
    assert.deepEqual(await store.find("ana", "from:ben after:2026-01-10 before:2026-02-01"), expected);
  });

  test("pages are contiguous, even with more conversations than one query covers", async ({ opened }) => {
    const count = 700;
    await opened.rows.addPeers(numbers(count).map((number) => number % 10 === 0 ? "rare" : "usual"));
    await opened.indexThrough(count * 2);
    const positions: number[] = [];
    let page = { nextBeforePosition: 0, more: true };
    while (page.more) {
      const request = { user: "ana", terms: [{ text: "rare", prefix: false }], excluded: [], limit: 9 };
      const next = await opened.find({ ...request, beforePosition: page.nextBeforePosition });
      positions.push(...next.positions);
      page = next;
    }
    assert.deepEqual(positions, Array.from({ length: 70 }, (_, index) => (70 - index) * 20));
  });

  test("a search finds only messages that the user may see", async (store) => {
    await store.say("ana", "ben", "the secret");
    await store.say("ana", "cleo", "no news");
    await store.catchUp();
    const request = { terms: [{ text: "secret", prefix: false }], excluded: [], beforePosition: 0, limit: 10 };
    for (const user of ["cleo", "nobody"]) {
      for (
        const more of [{}, { conversation: "ana:ben" }, { sender: "ana" }, { sender: "nobody" }, { conversation: "x" }]
      ) {
        const found = await store.opened.find({ ...request, user, ...more });
        assert.deepEqual([found.positions, found.more, found.nextBeforePosition], [[], false, 0]);
      }
    }
    assert.deepEqual(await store.find("ben", "secret"), [1]);
  });

  test("a query is never interpreted by the database, and every phrase of a message finds it", async (store) => {
    for (const text of ["one word", "other"]) await store.say("ana", "ben", text);
    await store.catchUp();
    const hostile = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.array(
        fc.constantFrom(
          ..."\" ' ( ) { } : + - ^ * , ; . \\ \0 \u001f % _ ? @ # $ [ ] & | ! < > <-> <2> '' \\'".split(" "),
          ..."AND OR NOT NEAR NEAR( scope text scope:c1 text:one rowid search_index one wo* -other /c1 :*".split(" "),
          " ",
        ),
        { maxLength: 12 },
      ).map((parts) => parts.join("")),
    );
    await fc.assert(
      fc.asyncProperty(hostile, async (query) => {
        try {
          await store.find("ana", query);
          await store.find("ana", `word ${query.replaceAll(/["“”„]/g, " ")}`);
        } catch (error) {
          assert.ok(
            error instanceof ChatError && error.code === "invalid_argument",
            `${JSON.stringify(query)}: ${error}`,
          );
        }
        assert.deepEqual(await store.find("cleo", "word"), []);
      }),
      { numRuns: 500 },
    );
    const words = fc.array(fc.stringMatching(/^[a-zß-öø-ÿ0-9]{1,8}$/), { minLength: 1, maxLength: 8 });
    const between = fc.constantFrom(" ", ", ", "\n", " – ", "\0", '"', "/", "(");
    await fc.assert(
      fc.asyncProperty(words, between, fc.nat(), fc.nat(), async (words, between, start, length) => {
        const position = await store.say("ana", "ben", words.join(between));
        await store.catchUp();
        const first = start % words.length;
        const part = words.slice(first, first + 1 + length % (words.length - first));
        assert.ok((await store.find("ben", `"${part.join(" ")}"`)).includes(position));
        assert.ok((await store.find("ben", part.join(" "))).includes(position));
      }),
      { numRuns: 100 },
    );
  });

  test("a text and a query are compared in one normal form", async (store) => {
    const texts = ["서버가 느려요", "ＡＢＣ", "ёлка", "Straße", "ﬁle", "İstanbul ırmak", "ΟΔΟΣ", "so\u00adft"];
    for (const text of texts) await store.say("ana", "ben", text);
    await store.catchUp();
    const queries = ["서버", "abc", "елка", "STRASSE", "file", "istanbul IRMAK", "οδοσ", "soft"];
    for (const [index, query] of queries.entries()) {
      assert.deepEqual(await store.find("ben", query), [index + 1], query);
    }
    assert.deepEqual(await store.find("ben", "ЁЛКА"), [3]);
    assert.deepEqual(await store.find("ben", "ǅ"), []);
  });

  test("mentions:me finds messages that name the user, by an edit too, until one names them no more", async (store) => {
    const say = (rest: Partial<Append>) => accept(store.opened.messages, { ...directAppend("ana", "ben"), ...rest });
    await say({ text: "hello @ben", mentions: ["ben"] });
    await say({ text: "hello" });
    await say({ text: "hello", mentions: ["ana"] });
    await store.catchUp();
    assert.deepEqual(await store.find("ben", "mentions:me"), [1]);
    assert.deepEqual(await store.find("ana", "mentions:me"), [], "an own message");
    await say({ text: "read all of it @ben", mentions: ["ben"], event: { kind: "edited", target: 2 } });
    await say({ text: "no name", event: { kind: "edited", target: 1 } });
    await store.catchUp();
    assert.deepEqual(await store.find("ben", "mentions:me"), [2]);
    assert.deepEqual(await store.find("ben", "mentions:me hello"), []);
    await store.amend("ana", "ben", 2);
    assert.deepEqual(await store.find("ben", "mentions:me"), []);
  });

  test("is:unread finds what is counted as unread, and with mentions:me what is counted as a mention", async (store) => {
    const { messages } = store.opened;
    for (const text of ["one", "two", "three"]) await store.say("ana", "ben", text);
    await store.say("ben", "ana", "mine");
    await store.say("ana", "ben", "five");
    const counts = async () => {
      const { unread, mentions } = (await messages.conversationOf("ben", "ana:ben"))!;
      await store.catchUp();
      const found = [await store.find("ben", "is:unread"), await store.find("ben", "is:unread mentions:me")];
      assert.deepEqual(found.map(({ length }) => length), [unread, mentions]);
      return found;
    };
    assert.deepEqual(await counts(), [[5, 3, 2, 1], []]);
    await messages.commit([{ kind: "move_read", conversation: "ana:ben", user: "ben", seq: 2 }]);
    assert.deepEqual(await counts(), [[5, 3], []]);
    await store.amend("ana", "ben", 3);
    const event = { kind: "edited", target: 1 } as const;
    await accept(messages, { ...directAppend("ana", "ben", { text: "one, @ben" }), mentions: ["ben"], event });
    assert.deepEqual(await counts(), [[5], [1]]);
    await messages.commit([{ kind: "move_read", conversation: "ana:ben", user: "ben", seq: 7 }]);
    assert.deepEqual(await counts(), [[], []]);
    assert.deepEqual(await store.find("ben", "mentions:me"), [1]);
  });

  test("mentions:me finds what names all members of a room, or those who were online", async (store) => {
    const { messages } = store.opened;
    const room = `+${"a".repeat(26)}`;
    const append = (sender: string, rest: Partial<Append>) => accept(messages, entryAppend(room, sender, rest));
    const created = { kind: "room_created", isPublic: true, historyVisible: true } as const;
    await append("ana", { text: "ops", event: created });
    for (const user of ["ben", "cleo"]) await append(user, { event: { kind: "joined" } });
    await append("ana", { text: "to all: @room", audience: "room" });
    await append("ana", { text: "to those here: @here", audience: "here", here: ["ben"] });
    await store.catchUp();
    assert.deepEqual(await store.find("ben", "mentions:me is:unread"), [5, 4]);
    assert.deepEqual(await store.find("cleo", "mentions:me is:unread"), [4]);
    assert.deepEqual(await store.find("ana", "mentions:me"), []);
    assert.equal((await messages.conversationOf("ben", room))!.mentions, 2);
  });

  test("the index continues at its position when it is opened again", async (store) => {
    const { opened } = store;
    for (const number of numbers(100)) await store.say("ana", "ben", `word${number}`, number * 1_000);
    assert.equal((await opened.find(everything)).indexedUntil, 0);
    assert.equal(await opened.takeTurn(40), true);
    assert.deepEqual(await store.find("ana", "word100"), []);
    const { indexedThrough, indexedUntil } = await opened.find(everything);
    assert.ok(indexedThrough >= 40 && indexedThrough < 100);
    assert.equal(indexedUntil, indexedThrough * 1_000);
    await opened.reopenIndex();
    await store.catchUp();
    assert.equal((await opened.find(everything)).indexedThrough, 100);
    assert.deepEqual(await store.find("ana", "word*", { limit: 200 }), numbers(100).reverse());
  });

  test("an edited message is found by its current text and a deleted one not at all, indexed before or after", async (store) => {
    for (const text of ["first draft", "second draft", "third draft", "fourth draft"]) {
      await store.say("ana", "ben", text);
    }
    await store.catchUp(2);
    for (const seq of [1, 3]) await store.amend("ana", "ben", seq, `final ${seq}`);
    for (const seq of [2, 4]) await store.amend("ana", "ben", seq);
    assert.deepEqual(await store.find("ben", "draft"), []);
    await store.catchUp(2);
    assert.deepEqual(await store.find("ben", "draft"), []);
    assert.deepEqual(await store.find("ben", "final"), [1]);
    await store.catchUp();
    assert.deepEqual(await store.find("ben", "draft"), []);
    assert.deepEqual(await store.find("ben", "final"), [3, 1]);
    assert.deepEqual(await store.find("ben", "from:ana"), [3, 1]);
  });

  test("a failed change leaves the index unchanged", async (store) => {
    await store.say("ana", "ben", "kept");
    await store.catchUp();
    await store.opened.rows.failToRemoveEntries();
    assert.deepEqual(await store.find("ben", "kept"), [1]);
  });

  test("the name of a file finds its message until the file or the message is removed, in any order", async (store) => {
    const { rows } = store.opened;
    for (const number of numbers(4)) {
      await rows.attachFile(await store.say("ana", "ben", `see ${number}`), `Q${number}_Plan.pdf`);
    }
    await store.say("ana", "ben", "no plan");
    await store.catchUp();
    assert.deepEqual(await store.find("ben", "plan"), [5, 4, 3, 2, 1]);
    assert.deepEqual(await store.find("ben", "plan has:file"), [4, 3, 2, 1]);
    assert.deepEqual(await store.find("ben", "see plan q2"), [2]);
    assert.deepEqual(await store.find("ben", '"2 q2"'), [], "a phrase from the text into the name");
    await store.amend("ana", "ben", 1);
    await rows.removeFile(2);
    await rows.removeEntry(3);
    await store.amend("ana", "ben", 4, "other words");
    for (const gone of ["plan -no has:file -other", '"q2 plan"', '"q3 plan"', "see 4"]) {
      assert.deepEqual((await store.find("ben", gone)).filter((position) => position !== 4), [], gone);
    }
    await store.catchUp();
    assert.deepEqual(await store.find("ben", "plan has:file"), [4]);
    assert.deepEqual(await store.find("ben", "see"), [2]);
  });

  test("after any changes, while it fills or after, the index has the words of the current messages alone", async (store) => {
    const change = fc.record({
      kind: fc.constantFrom("say", "say", "send_file", "edit", "delete", "remove_file", "remove", "index"),
      at: fc.nat({ max: 9 }),
      word: fc.constantFrom("Plan", "ＡＢＣ", "ёлка", "서버가", "straße", "❤️ so\u00adft", "ǅ İ ŉ"),
    });
    const { opened } = store;
    const { rows } = opened;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 5, maxLength: 40 }), async (changes) => {
        const positions: number[] = [];
        for (const { kind, at, word } of changes) {
          const position = positions[at % Math.max(1, positions.length)];
          if (kind === "say" || kind === "send_file") {
            positions.push(await store.say("ana", "ben", `${word} text`));
            if (kind === "send_file") await rows.attachFile(positions.at(-1)!, `${word}.pdf`);
          } else if (kind === "index") await store.catchUp(Math.max(0, opened.messages.head - at));
          else if (position === undefined) continue;
          else if (kind === "edit") await rows.setText(position, `${word} edited`);
          else if (kind === "delete") {
            await rows.blank(position);
            await rows.removeFile(position);
          } else if (kind === "remove") await rows.removeEntry(position);
          else await rows.removeFile(position);
        }
        await store.catchUp();
        const found = await opened.words();
        await opened.emptyIndex();
        await store.catchUp();
        assert.deepEqual(found, await opened.words());
      }),
      { numRuns: 25 },
    );
  });
}
