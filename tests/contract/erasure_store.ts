import assert from "node:assert/strict";
import type { Message } from "../../src/core/messages/message.ts";
import type { Append } from "../../src/core/messages/message_store.ts";
import type { RemovalStores } from "../support/databases/removal_stores.ts";
import { accept, directAppend, entryAppend, userRecord } from "../support/servers/stored_messages.ts";

const talk = "ana:ben";
const alias = "deleted.aaaaaaaa";
const everything = { beforeSeq: 0, afterSeq: 0, fromMs: 0, events: true, limit: 200, maxBytes: 1_000_000 };

/** What every store of erasures keeps to. `open` gives empty stores, which the suite closes. */
export function erasureStoreContract(name: string, open: () => Promise<RemovalStores>): void {
  function test(behaviour: string, run: (opened: RemovalStores) => Promise<void>): void {
    Deno.test(`${name}: ${behaviour}`, async () => {
      await using opened = await open();
      for (const user of ["ana", "ben"]) await opened.accounts.addUser(userRecord(user));
      await run(opened);
    });
  }

  async function deleteAna({ accounts }: RemovalStores): Promise<string> {
    assert.equal(await accounts.deleteUser("ana", { alias, erase: true }), true);
    return `ben:${alias}`;
  }

  async function logOf({ messages }: RemovalStores, conversation: string): Promise<readonly Message[]> {
    return (await messages.history("ben", conversation, everything))!.messages;
  }

  async function blankAll({ erasure }: RemovalStores, limit: number): Promise<number[]> {
    const counts: number[] = [];
    do counts.push(await erasure.blankSome(limit)); while (counts.at(-1)! > 0);
    return counts;
  }

  test("messages of an erased user are blanked in steps, and no others", async (opened) => {
    for (let number = 1; number <= 5; number++) {
      await accept(opened.messages, directAppend("ana", "ben", { text: `secret ${number}` }));
    }
    await accept(opened.messages, directAppend("ben", "ana", { text: "mine" }));
    const conversation = await deleteAna(opened);
    assert.deepEqual(await blankAll(opened, 2), [2, 2, 1, 0]);
    const log = await logOf(opened, conversation);
    assert.deepEqual(log.map(({ seq, text, deleted }) => [seq, text, deleted]), [
      ...[1, 2, 3, 4, 5].map((seq) => [seq, "", true]),
      [6, "mine", undefined],
    ]);
    assert.equal(await opened.erasure.blankSome(2), 0);
  });

  test("users who delete their account without erasure keep their messages", async (opened) => {
    await accept(opened.messages, directAppend("ana", "ben", { text: "kept" }));
    await opened.accounts.deleteUser("ana", { alias, erase: false });
    assert.equal(await opened.erasure.blankSome(10), 0);
    assert.deepEqual((await logOf(opened, `ben:${alias}`)).map(({ text }) => text), ["kept"]);
  });

  test("an erasure continues in the next server, where it stopped", async (opened) => {
    for (let number = 1; number <= 5; number++) await accept(opened.messages, directAppend("ana", "ben"));
    const conversation = await deleteAna(opened);
    assert.equal(await opened.erasure.blankSome(2), 2);
    await using next = await opened.reopen();
    assert.deepEqual(await blankAll(next, 2), [2, 1, 0]);
    assert.deepEqual((await logOf(next, conversation)).map(({ deleted }) => deleted), Array(5).fill(true));
  });

  test("users are erased one after the other", async (opened) => {
    await opened.accounts.addUser(userRecord("cleo"));
    await accept(opened.messages, directAppend("ana", "ben"));
    await accept(opened.messages, directAppend("cleo", "ben"));
    await deleteAna(opened);
    await opened.accounts.deleteUser("cleo", { alias: "deleted.bbbbbbbb", erase: true });
    assert.deepEqual(await blankAll(opened, 10), [1, 1, 0]);
    for (const conversation of [`ben:${alias}`, "ben:deleted.bbbbbbbb"]) {
      assert.deepEqual((await logOf(opened, conversation)).map(({ deleted }) => deleted), [true]);
    }
  });

  test("edits, reactions, mentions and pins of a blanked message go with it", async (opened) => {
    const { messages } = opened;
    const about = (sender: string, rest: Partial<Append>) => accept(messages, entryAppend(talk, sender, rest));
    await accept(messages, { ...directAppend("ana", "ben", { text: "@ben" }), mentions: ["ben"] });
    await accept(messages, directAppend("ben", "ana", { text: "mine" }));
    await about("ana", { event: { kind: "edited", target: 1 }, text: "@ben, again", mentions: ["ben"] });
    for (const [sender, target] of [["ben", 1], ["ana", 2]] as const) {
      await about(sender, { event: { kind: "reacted", target, emoji: "👍", removed: false } });
      await about(sender, { event: { kind: "pinned", target, removed: false } });
    }
    assert.equal((await messages.conversationOf("ben", talk))!.mentions, 1);
    const conversation = await deleteAna(opened);
    assert.equal((await blankAll(opened, 3)).reduce((sum, count) => sum + count), 4);
    const [hers, his] = await logOf(opened, conversation);
    assert.deepEqual([hers.text, hers.deleted, hers.editedAt], ["", true, undefined]);
    assert.deepEqual([his.text, his.deleted], ["mine", undefined]);
    const summary = (await messages.conversationOf("ben", conversation))!;
    assert.deepEqual([summary.mentions, summary.unread], [0, 0]);
    const page = { beforePosition: 0, limit: 10, maxBytes: 1_000_000 };
    const { pins } = await messages.pinsIn("ben", conversation, page);
    assert.deepEqual(pins.map(({ message }) => message.seq), [2]);
    assert.deepEqual([hers, his].map(({ reactions = [] }) => reactions.map(({ count }) => count)), [[], [1]]);
  });
}
