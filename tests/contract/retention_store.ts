import assert from "node:assert/strict";
import { silentLog } from "../../src/core/log.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { HistoryPage } from "../../src/core/messages/message_store.ts";
import { Retention } from "../../src/core/messages/retention.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { accept, deviceRecord, directAppend, userRecord } from "../support/servers/stored_messages.ts";
import type { RemovalStores } from "../support/databases/removal_stores.ts";
import { complete } from "./file_store.ts";

const day = 24 * 60 * 60 * 1000;
/** The time of the first message; each of the next ones is a day later. */
const start = 1_700_000_000_000;
const everything = { beforeSeq: 0, afterSeq: 0, fromMs: 0, events: true, limit: 200, maxBytes: 1_000_000 };
const forEver = { maxAgeMs: undefined, maxEntries: undefined };

async function sweep({ retention: store }: RemovalStores, now: number): Promise<void> {
  const retention = new Retention({ store, clock: new FakeClock(now), log: silentLog, onRemoved: () => {} });
  await retention.sweep();
  await retention.close();
}

async function historyOf({ messages }: RemovalStores, user: string, conversation: string): Promise<HistoryPage> {
  const page = await messages.history(user, conversation, everything);
  assert.ok(page);
  return page;
}

function seqs({ messages }: Pick<HistoryPage, "messages">): number[] {
  return messages.map(({ seq }) => seq);
}

/** What every retention store keeps to. `open` gives empty stores, which the suite closes. */
export function retentionStoreContract(name: string, open: () => Promise<RemovalStores>): void {
  function test(behaviour: string, run: () => Promise<void>): void {
    Deno.test(`${name}: ${behaviour}`, run);
  }

  /** Creates a store with `count` messages from ana to ben, one a day. */
  async function storeWith(count: number): Promise<RemovalStores & { readonly ids: readonly string[] }> {
    const store = await open();
    for (const name of ["ana", "ben", "cleo"]) await store.accounts.addUser(userRecord(name));
    const ids: string[] = [];
    for (let number = 0; number < count; number++) {
      const acceptedAt = start + number * day;
      ids.push(createMessageId(acceptedAt));
      const rest = { id: ids[number], acceptedAt, text: `number ${number}` };
      await accept(store.messages, directAppend("ana", "ben", rest));
    }
    return { ...store, ids };
  }

  test("a rule by count keeps the newest entries, and the log reports its start", async () => {
    await using store = await storeWith(10);
    assert.equal(await store.retention.setRule({ conversation: "ana:ben", maxAgeMs: undefined, maxEntries: 3 }), true);
    await sweep(store, start + 10 * day);
    const page = await historyOf(store, "ben", "ana:ben");
    assert.deepEqual([seqs(page), page.startSeq, page.headSeq, page.more], [[8, 9, 10], 8, 10, false]);
    const next = await accept(store.messages, directAppend("ana", "ben", { acceptedAt: start + 10 * day }));
    assert.deepEqual([next.seq, next.position], [11, 11]);
  });

  test("a rule by age removes older entries", async () => {
    await using store = await storeWith(10);
    await store.retention.setRule({ conversation: undefined, maxAgeMs: 4 * day, maxEntries: undefined });
    await sweep(store, start + 9 * day);
    assert.deepEqual(seqs(await historyOf(store, "ben", "ana:ben")), [6, 7, 8, 9, 10]);
  });

  test("a removed message takes its file with it, and a kept one keeps it", async () => {
    await using store = await storeWith(0);
    const ids: string[] = [];
    for (let number = 0; number < 2; number++) {
      const { id: uploadId } = await complete(store.files, new TextEncoder().encode(`file ${number}`));
      ids.push(uploadId);
      const append = directAppend("ana", "ben", { acceptedAt: start + number * day });
      await accept(store.messages, { ...append, uploadId });
    }
    await store.retention.setRule({ conversation: undefined, maxAgeMs: undefined, maxEntries: 1 });
    await sweep(store, start + 2 * day);
    assert.equal(await store.files.find("ana", ids[0]), undefined);
    assert.equal((await store.files.find("ana", ids[1]))?.id, ids[1]);
  });

  test("a rule by age neither stops at entries of a clock that was ahead, nor removes newer ones", async () => {
    await using store = await storeWith(0);
    const century = 36_500 * day;
    const times = [0, century, century + 1, day, 2 * day, century, 8 * day, century].map((time) => start + time);
    for (const acceptedAt of times) await accept(store.messages, directAppend("ana", "ben", { acceptedAt }));
    await store.retention.setRule({ conversation: undefined, maxAgeMs: 4 * day, maxEntries: undefined });
    await sweep(store, start + 9 * day);
    assert.deepEqual(seqs(await historyOf(store, "ben", "ana:ben")), [6, 7, 8]);
    // With a clock that was set back, no entry is old.
    await sweep(store, start - century);
    assert.deepEqual(seqs(await historyOf(store, "ben", "ana:ben")), [6, 7, 8]);
    await sweep(store, start + 13 * day);
    assert.deepEqual(seqs(await historyOf(store, "ben", "ana:ben")), [8]);
  });

  test("the stricter of two limits applies", async () => {
    await using store = await storeWith(10);
    await store.retention.setRule({ conversation: undefined, maxAgeMs: 4 * day, maxEntries: 2 });
    await sweep(store, start + 9 * day);
    assert.deepEqual(seqs(await historyOf(store, "ben", "ana:ben")), [9, 10]);
    await store.retention.setRule({ conversation: undefined, maxAgeMs: day / 2, maxEntries: 2 });
    await sweep(store, start + 9 * day);
    assert.deepEqual(seqs(await historyOf(store, "ben", "ana:ben")), [10]);
  });

  test("a conversation's own rule overrides the rule for all, even if it keeps everything", async () => {
    await using store = await storeWith(5);
    for (let count = 0; count < 5; count++) await accept(store.messages, directAppend("cleo", "ana"));
    await store.retention.setRule({ conversation: undefined, maxAgeMs: undefined, maxEntries: 1 });
    await store.retention.setRule({ conversation: "ana:ben", ...forEver });
    assert.deepEqual(await store.retention.listRules(), [
      { conversation: undefined, maxAgeMs: undefined, maxEntries: 1 },
      { conversation: "ana:ben", ...forEver },
    ]);
    await sweep(store, start);
    assert.deepEqual(seqs(await historyOf(store, "ana", "ana:ben")), [1, 2, 3, 4, 5]);
    assert.deepEqual(seqs(await historyOf(store, "ana", "ana:cleo")), [5]);

    assert.equal(await store.retention.removeRule("ana:ben"), true);
    assert.equal(await store.retention.removeRule("ana:ben"), false);
    await sweep(store, start);
    assert.deepEqual(seqs(await historyOf(store, "ana", "ana:ben")), [5]);
  });

  test("setRule() refuses a conversation that does not exist", async () => {
    await using store = await storeWith(0);
    assert.equal(await store.retention.setRule({ conversation: "ana:ben", ...forEver }), false);
    assert.deepEqual(await store.retention.listRules(), []);
  });

  test("entries are removed in batches, oldest first", async () => {
    await using store = await storeWith(10);
    await store.retention.setRule({ conversation: "ana:ben", maxAgeMs: undefined, maxEntries: 5 });
    const { due, next } = await store.retention.findDue(0, start);
    assert.deepEqual([due.length, next], [1, undefined]);
    const remove = () => store.retention.removeDue(due[0], { now: start, limit: 2 });
    assert.equal(await remove(), 2);
    assert.deepEqual(seqs(await historyOf(store, "ana", "ana:ben")), [3, 4, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual([await remove(), await remove(), await remove()], [2, 1, 0]);
    assert.deepEqual(seqs(await historyOf(store, "ana", "ana:ben")), [6, 7, 8, 9, 10]);
    assert.deepEqual((await store.retention.findDue(0, start)).due, []);
  });

  test("a removed entry is not accepted a second time while its id may be sent", async () => {
    await using store = await storeWith(40);
    const now = start + 39 * day;
    await store.retention.setRule({ conversation: "ana:ben", maxAgeMs: undefined, maxEntries: 1 });
    await sweep(store, now);
    const id = store.ids[38];
    const resent = directAppend("ana", "ben", { id, text: "number 38" });
    const [again, refused] = await store.messages.commit([resent, { ...resent, refused: true }]);
    const accepted = { position: 39, conversation: "ana:ben", seq: 39, acceptedAt: start + 38 * day };
    assert.deepEqual([again, refused], Array(2).fill({ kind: "duplicate", accepted }));
    // The same id to another recipient, or from another sender, is another message.
    const [elsewhere, others] = await store.messages.commit([
      directAppend("ana", "cleo", { id }),
      directAppend("ben", "ana", { id }),
    ]);
    assert.deepEqual([elsewhere.kind, others.kind], ["conflict", "accepted"]);
  });

  test("ids of removed entries are forgotten once they are too old to be sent", async () => {
    await using store = await storeWith(3);
    await store.retention.setRule({ conversation: "ana:ben", maxAgeMs: undefined, maxEntries: 1 });
    await sweep(store, start + 3 * day);
    const resend = async (number: number) => {
      const [result] = await store.messages.commit([
        { ...directAppend("ana", "ben", { id: store.ids[number] }), refused: true },
      ]);
      return result.kind;
    };
    assert.deepEqual([await resend(0), await resend(1)], ["duplicate", "duplicate"]);
    await sweep(store, start + 30 * day + day / 2);
    assert.deepEqual([await resend(0), await resend(1)], ["refused", "duplicate"]);
  });

  test("a consumer continues after removed entries", async () => {
    await using store = await storeWith(0);
    await store.accounts.saveDevice(deviceRecord("d1", "ben"));
    const cursor = await store.messages.openConsumer("d1", "ui", { maxConsumers: 1 });
    for (let count = 0; count < 10; count++) await accept(store.messages, directAppend("ana", "ben"));
    await store.retention.setRule({ conversation: "ana:ben", maxAgeMs: undefined, maxEntries: 2 });
    await sweep(store, start);
    const batch = await store.messages.messagesAfter("ben", cursor!, { limit: 100, maxBytes: 1_000_000 });
    assert.deepEqual([seqs(batch), batch.through], [[9, 10], 10]);
  });

  test("a conversation without entries is still listed, with no unread messages", async () => {
    await using store = await storeWith(4);
    await store.retention.setRule({ conversation: "ana:ben", maxAgeMs: day, maxEntries: undefined });
    await sweep(store, start + 30 * day);
    const page = await historyOf(store, "ben", "ana:ben");
    assert.deepEqual([page.messages, page.startSeq, page.headSeq, page.more], [[], 0, 4, false]);
    const summary = await store.messages.conversationOf("ben", "ana:ben");
    assert.deepEqual([summary?.unread, summary?.last, summary?.headSeq], [0, undefined, 4]);
    const { conversations } = await store.messages.conversationsOf("ben", {
      beforePosition: 0,
      limit: 10,
      maxBytes: 1_000_000,
    });
    assert.deepEqual(conversations.map(({ conversation }) => conversation), ["ana:ben"]);
    const batch = await store.messages.messagesAfter("ben", 0, { limit: 100, maxBytes: 1_000_000 });
    assert.deepEqual([batch.messages, batch.through], [[], 4]);
    assert.equal((await accept(store.messages, directAppend("ana", "ben"))).seq, 5);
  });

  test("removed messages do not count as unread", async () => {
    await using store = await storeWith(6);
    await store.retention.setRule({ conversation: "ana:ben", maxAgeMs: undefined, maxEntries: 2 });
    await sweep(store, start);
    assert.equal((await store.messages.conversationOf("ben", "ana:ben"))?.unread, 2);
  });

  test("a mention by an edit is removed with its message, though the edit stays in the log", async () => {
    await using store = await storeWith(2);
    const edit = {
      ...directAppend("ana", "ben", { text: "@ben", acceptedAt: start + 2 * day }),
      event: { kind: "edited", target: 1 },
      mentions: ["ben"],
    } as const;
    await accept(store.messages, edit);
    assert.equal((await store.messages.conversationOf("ben", "ana:ben"))?.mentions, 1);
    await store.retention.setRule({ conversation: "ana:ben", maxAgeMs: undefined, maxEntries: 2 });
    await sweep(store, start);
    const { mentions, unread, headSeq } = (await store.messages.conversationOf("ben", "ana:ben"))!;
    assert.deepEqual([mentions, unread, headSeq], [0, 1, 3]);
  });

  test("a pin is removed with its message, and makes place for another", async () => {
    await using store = await storeWith(52);
    const pin = (target: number, acceptedAt: number) => ({
      ...directAppend("ben", "ana", { text: "", acceptedAt }),
      event: { kind: "pinned", target, removed: false } as const,
    });
    for (let seq = 1; seq <= 50; seq++) await accept(store.messages, pin(seq, start + 60 * day));
    assert.deepEqual((await store.messages.commit([pin(51, start + 60 * day)])).map(({ kind }) => kind), [
      "too_many_pins",
    ]);
    await store.retention.setRule({ conversation: "ana:ben", maxAgeMs: undefined, maxEntries: 100 });
    await sweep(store, start + 60 * day);
    assert.equal((await accept(store.messages, pin(51, start + 60 * day))).seq, 103);
    const page = { beforePosition: 0, limit: 100, maxBytes: 1_000_000 };
    const { pins } = await store.messages.pinsIn("ana", "ana:ben", page);
    assert.deepEqual(pins.map(({ message }) => message.seq), [51, ...Array.from({ length: 48 }, (_, i) => 50 - i)]);
    assert.deepEqual((await store.messages.commit([pin(2, start + 60 * day)])).map(({ kind }) => kind), ["gone"]);
  });

  test("reactions are removed with their message, and new ones to a removed message are refused", async () => {
    await using store = await storeWith(2);
    const about = { ...directAppend("ben", "ana", { text: "" }), acceptedAt: start + 2 * day };
    const reaction = { ...about, event: { kind: "reacted", target: 1, emoji: "👍", removed: false } } as const;
    const edit = {
      ...directAppend("ana", "ben", { text: "other words", acceptedAt: start + 2 * day }),
      event: { kind: "edited", target: 1 },
    } as const;
    assert.deepEqual((await store.messages.commit([reaction, edit])).map(({ kind }) => kind), ["accepted", "accepted"]);
    await store.retention.setRule({ conversation: "ana:ben", maxAgeMs: undefined, maxEntries: 3 });
    await sweep(store, start);
    // The entries of the reaction and the edit remain in the log, but are shown to no user.
    assert.deepEqual(seqs(await historyOf(store, "ana", "ana:ben")), [2]);
    const late = { ...reaction, id: createMessageId() };
    assert.deepEqual((await store.messages.commit([late])).map(({ kind }) => kind), ["gone"]);
  });
}
