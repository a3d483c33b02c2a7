import assert from "node:assert/strict";
import { parseSearchQuery } from "../../src/core/search/search_query.ts";
import { ModelledPostgres } from "../support/databases/modelled_postgres.ts";
import { ModelledSqlite } from "../support/servers/modelled_sqlite.ts";
import type { LogOfModel } from "../support/servers/modelled_store.ts";
import { accept, directAppend, entryAppend, userRecord, wholeLog } from "../support/servers/stored_messages.ts";

const limits = { limit: 100, maxBytes: 1_000_000 };
const room = "+" + "o".repeat(26);
const talk = "ana:ben";

/** A room of ana with ben as a member when she sends message 3, "plain". */
async function openRoom(store: LogOfModel, { historyVisible = false } = {}): Promise<void> {
  const event = { kind: "room_created", isPublic: true, historyVisible } as const;
  await accept(store.messages, entryAppend(room, "ana", { event, text: "ops" }));
  await accept(store.messages, entryAppend(room, "ben", { event: { kind: "joined" } }));
  await accept(store.messages, entryAppend(room, "ana", { text: "plain" }));
}

function edit(conversation: string, target: number, text: string, mentions?: string[]) {
  return entryAppend(conversation, "ana", { event: { kind: "edited", target }, text, mentions });
}

/** Returns the text of a message, and checks that all ways of reading it agree; undefined if it is withheld. */
async function textFor(
  store: LogOfModel,
  user: string,
  conversation: string,
  seq: number,
): Promise<string | undefined> {
  const { messages } = store;
  const entry = (await messages.entry(user, conversation, seq))!;
  const { messages: delivered } = await messages.messagesAfter(user, 0, limits);
  const page = (await messages.history(user, conversation, { ...wholeLog, ...limits }))!;
  for (const all of [delivered, page.messages]) {
    const same = all.find((each) => each.conversation === conversation && each.seq === seq)!;
    assert.deepEqual([same.text, same.withheld], [entry.text, entry.withheld]);
  }
  const { last } = (await messages.conversationOf(user, conversation))!;
  if (last?.seq === seq) assert.deepEqual([last.text, last.withheld], [entry.text, entry.withheld]);
  if (entry.withheld) assert.equal(entry.text, "");
  return entry.withheld ? undefined : entry.text;
}

async function find(store: LogOfModel, user: string, words: string): Promise<readonly number[]> {
  while (store.indexedThrough < store.messages.head) await store.indexNext(store.messages.head);
  const { terms, excluded } = parseSearchQuery(words);
  return (await store.find({ user, terms, excluded, beforePosition: 0, limit: 100 })).positions;
}

function suite(name: string, open: () => LogOfModel | Promise<LogOfModel>): void {
  function test(behaviour: string, run: (store: LogOfModel) => Promise<void>): void {
    Deno.test(`${name}: ${behaviour}`, async () => {
      const store = await open();
      try {
        for (const user of ["ana", "ben", "cleo"]) await store.accounts.addUser(userRecord(user));
        await run(store);
      } finally {
        await store.close();
      }
    });
  }

  for (const how of ["left", "removed", "banned"] as const) {
    test(`a member who ${how === "left" ? how : `was ${how}`} does not read later edits`, async (store) => {
      await openRoom(store);
      const event = how === "left"
        ? { kind: "left" } as const
        : { kind: "removed", user: "ben", banned: how === "banned" } as const;
      await accept(store.messages, entryAppend(room, how === "left" ? "ben" : "ana", { event }));
      assert.equal(await textFor(store, "ben", room, 3), "plain");
      await accept(store.messages, edit(room, 3, "secret for @ben", ["ben"]));
      assert.equal(await textFor(store, "ben", room, 3), undefined);
      assert.equal(await textFor(store, "ana", room, 3), "secret for @ben");
      assert.deepEqual([await find(store, "ben", "secret"), await find(store, "ana", "secret")], [[], [3]]);
      assert.deepEqual((await store.messages.messagesAt("ben", [3], limits)).messages, []);
      assert.equal((await store.messages.conversationOf("ben", room))!.mentions, 0);
    });
  }

  for (const historyVisible of [false, true]) {
    const reads = historyVisible ? "and earlier ones if the room shows history" : "and no earlier ones";
    test(`a member who rejoins reads new edits, ${reads}`, async (store) => {
      await openRoom(store, { historyVisible });
      await accept(store.messages, entryAppend(room, "ben", { event: { kind: "left" } }));
      await accept(store.messages, edit(room, 3, "between"));
      await accept(store.messages, entryAppend(room, "ben", { event: { kind: "joined" } }));
      assert.equal(await textFor(store, "ben", room, 3), historyVisible ? "between" : undefined);
      await accept(store.messages, edit(room, 3, "after"));
      assert.equal(await textFor(store, "ben", room, 3), "after");
    });
  }

  test("an edit by a blocked author is withheld, not counted as a mention and not found, even after the block", async (store) => {
    await accept(store.messages, directAppend("ana", "ben", { text: "plain" }));
    await store.settings.block("ben", "ana", store.messages.head);
    await accept(store.messages, edit(talk, 1, "insult for @ben", ["ben"]));
    const check = async () => {
      assert.equal(await textFor(store, "ben", talk, 1), undefined);
      assert.deepEqual(await find(store, "ben", "insult"), []);
      const { unread, mentions } = (await store.messages.conversationOf("ben", talk))!;
      assert.deepEqual([unread, mentions], [1, 0]);
    };
    await check();
    await store.settings.unblock("ben", "ana", store.messages.head);
    await check();
    await accept(store.messages, edit(talk, 1, "sorry, @ben", ["ben"]));
    assert.equal(await textFor(store, "ben", talk, 1), "sorry, @ben");
    assert.equal((await store.messages.conversationOf("ben", talk))!.mentions, 1);
  });

  test("an edit does not reveal the text of a later edit", async (store) => {
    await openRoom(store);
    await accept(store.messages, edit(room, 3, "seen"));
    await accept(store.messages, entryAppend(room, "ben", { event: { kind: "left" } }));
    assert.equal((await store.messages.entry("ben", room, 4))!.text, "seen");
    await accept(store.messages, edit(room, 3, "secret"));
    const earlier = (await store.messages.entry("ben", room, 4))!;
    assert.deepEqual([earlier.text, earlier.withheld], ["", true]);
    assert.equal((await store.messages.entry("ana", room, 4))!.withheld, true);
  });

  test("a message that is deleted after a hidden edit is shown as deleted to every reader", async (store) => {
    await openRoom(store);
    await accept(store.messages, entryAppend(room, "ben", { event: { kind: "left" } }));
    await accept(store.messages, edit(room, 3, "secret"));
    await accept(store.messages, entryAppend(room, "ana", { event: { kind: "deleted", target: 3 } }));
    const { deleted, withheld, text } = (await store.messages.entry("ben", room, 3))!;
    assert.deepEqual([deleted, withheld, text], [true, undefined, ""]);
  });

  test("reactions made outside a reader's stays are not counted for that reader", async (store) => {
    await openRoom(store);
    const react = async (user: string, emoji: string) => {
      await accept(
        store.messages,
        entryAppend(room, user, { event: { kind: "reacted", target: 3, emoji, removed: false } }),
      );
    };
    const seenBy = async (user: string) => {
      const page = (await store.messages.history(user, room, { ...wholeLog, ...limits }))!;
      return page.messages.find(({ seq }) => seq === 3)!.reactions?.map(({ emoji, count }) => `${emoji} ${count}`);
    };
    await react("ben", "👍");
    await accept(store.messages, entryAppend(room, "ben", { event: { kind: "left" } }));
    await react("ana", "👍");
    await react("ana", "🎉");
    assert.deepEqual(await seenBy("ben"), ["👍 1"]);
    await accept(store.messages, entryAppend(room, "ben", { event: { kind: "joined" } }));
    await react("ben", "😀");
    assert.deepEqual(await seenBy("ben"), ["👍 1", "😀 1"]);
    assert.deepEqual(await seenBy("ana"), ["👍 2", "🎉 1", "😀 1"]);
  });
}

suite("sqlite", () => new ModelledSqlite());
suite("postgres", () => ModelledPostgres.open());
