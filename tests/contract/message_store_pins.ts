import assert from "node:assert/strict";
import type { Pin } from "../../src/core/messages/message.ts";
import type { ChangeResult, ExclusiveMessageStore } from "../../src/core/messages/message_store.ts";
import {
  accept,
  acceptedMessage,
  directAppend,
  entryAppend,
  userRecord,
  wholeLog,
} from "../support/servers/stored_messages.ts";
import { contractTests } from "./contract_tests.ts";
import type { OpenedStores } from "./message_store_rooms.ts";

const unlimited = { limit: 1_000, maxBytes: 1_000_000 };
const talk = "ana:ben";
const room = "+" + "o".repeat(26);

function pin(sender: string, target: number, { removed = false, conversation = talk } = {}) {
  return entryAppend(conversation, sender, { event: { kind: "pinned", target, removed }, acceptedAt: 9_000 + target });
}

function kinds(results: readonly ChangeResult[]): string[] {
  return results.map(({ kind }) => kind);
}

async function pinsOf(store: ExclusiveMessageStore, user: string, conversation = talk): Promise<readonly Pin[]> {
  return (await store.pinsIn(user, conversation, { ...unlimited, beforePosition: 0 })).pins;
}

async function seqsOf(store: ExclusiveMessageStore, user: string, conversation = talk): Promise<number[]> {
  return (await pinsOf(store, user, conversation)).map(({ message }) => message.seq);
}

/** The numbers of the messages that history marks as pinned. */
async function markedFor(store: ExclusiveMessageStore, user: string, conversation = talk): Promise<number[]> {
  const { messages } = (await store.history(user, conversation, { ...wholeLog, ...unlimited }))!;
  return messages.filter(({ pinned }) => pinned).map(({ seq }) => seq);
}

/** Sends this many messages, the numbers of which begin with 1. */
async function send(store: ExclusiveMessageStore, count: number): Promise<void> {
  for (let seq = 1; seq <= count; seq++) await accept(store, directAppend("ana", "ben", { text: `${seq}` }));
}

/** The behaviour of every message store when messages are pinned. */
export function messageStorePins(name: string, open: () => OpenedStores | Promise<OpenedStores>): void {
  const test = contractTests(name, {
    open,
    async prepare({ messages, accounts }) {
      for (const user of ["ana", "ben", "cleo"]) await accounts.addUser(userRecord(user));
      return messages;
    },
  });

  test("both users see a pin, its author and its time, the newest first, and history marks the message", async (store) => {
    await send(store, 3);
    const first = await accept(store, pin("ana", 1));
    const second = await accept(store, pin("ben", 3));
    for (const user of ["ana", "ben"]) {
      const pins = await pinsOf(store, user);
      assert.deepEqual(pins.map(({ message, ...rest }) => [message.seq, message.text, message.pinned, rest]), [
        [3, "3", true, { user: "ben", pinnedAt: 9_003, position: second.position }],
        [1, "1", true, { user: "ana", pinnedAt: 9_001, position: first.position }],
      ]);
      assert.deepEqual(await markedFor(store, user), [1, 3]);
    }
    assert.deepEqual(await pinsOf(store, "cleo"), []);
  });

  test("a message is pinned once, and the pin of another user can be removed once", async (store) => {
    await send(store, 2);
    const again = pin("ana", 1);
    assert.deepEqual(kinds(await store.commit([again, again, pin("ben", 1), pin("ana", 2, { removed: true })])), [
      "accepted",
      "duplicate",
      "pinned",
      "not_pinned",
    ]);
    const removal = pin("ben", 1, { removed: true });
    assert.deepEqual(kinds(await store.commit([removal, removal, pin("ana", 1, { removed: true })])), [
      "accepted",
      "duplicate",
      "not_pinned",
    ]);
    assert.deepEqual([await seqsOf(store, "ana"), await markedFor(store, "ana")], [[], []]);
    assert.deepEqual(kinds(await store.commit([pin("ben", 1)])), ["accepted"]);
  });

  test("the list shows the present text, and nothing of a deleted message", async (store) => {
    await send(store, 2);
    await store.commit([pin("ben", 1), pin("ben", 2)]);
    await accept(store, entryAppend(talk, "ana", { event: { kind: "edited", target: 1 }, text: "one" }));
    await accept(store, entryAppend(talk, "ana", { event: { kind: "deleted", target: 2 } }));
    assert.deepEqual((await pinsOf(store, "ben")).map(({ message }) => message.text), ["one"]);
    assert.deepEqual(await markedFor(store, "ben"), [1]);
    assert.deepEqual(kinds(await store.commit([pin("ana", 2), pin("ana", 2, { removed: true })])), ["gone", "gone"]);
    assert.deepEqual(kinds(await store.commit([pin("ana", 3), pin("ana", 99)])), ["gone", "gone"]);
  });

  test("a conversation has 50 pins, and lists them in pages", async (store) => {
    await send(store, 52);
    const all = Array.from({ length: 51 }, (_, index) => pin(index % 2 === 0 ? "ana" : "ben", index + 1));
    assert.deepEqual(kinds(await store.commit(all)), [...Array(50).fill("accepted"), "too_many_pins"]);
    assert.deepEqual(kinds(await store.commit([pin("ben", 7, { removed: true }), pin("ana", 52)])), [
      "accepted",
      "accepted",
    ]);
    const seqs: number[] = [];
    for (let beforePosition = 0, more = true; more;) {
      const page = await store.pinsIn("ana", talk, { beforePosition, limit: 7, maxBytes: 1_000_000 });
      assert.ok(page.pins.length > 0 && page.pins.length <= 7);
      seqs.push(...page.pins.map(({ message }) => message.seq));
      beforePosition = page.pins.at(-1)!.position;
      more = page.more;
    }
    const expected = Array.from({ length: 50 }, (_, index) => 50 - index).filter((seq) => seq !== 7);
    assert.deepEqual(seqs, [52, ...expected]);
    const short = await store.pinsIn("ana", talk, { beforePosition: 0, limit: 50, maxBytes: 5 });
    assert.deepEqual([short.pins.map(({ message }) => message.seq), short.more], [[52, 50], true]);
  });

  test("pins of a blocked user are hidden, and take no place away", async (store, { settings }) => {
    await send(store, 52);
    await settings.block("ana", "ben", store.head);
    await store.commit(Array.from({ length: 50 }, (_, index) => pin("ben", index + 1)));
    assert.deepEqual([await seqsOf(store, "ana"), await markedFor(store, "ana")], [[], []]);
    assert.deepEqual(kinds(await store.commit([pin("ben", 51), pin("ana", 51)])), ["too_many_pins", "accepted"]);
    assert.deepEqual(kinds(await store.commit([pin("ana", 1, { removed: true }), pin("ana", 1)])), [
      "not_pinned",
      "accepted",
    ]);
    assert.deepEqual(await seqsOf(store, "ana"), [1, 51]);
  });

  test("members see pins of the messages that they may see, and former members none of later", async (store) => {
    const happened = async (sender: string, event: Parameters<typeof entryAppend>[2]) =>
      acceptedMessage((await store.commit([entryAppend(room, sender, event)]))[0]).seq;
    const created = { kind: "room_created", isPublic: true, historyVisible: false } as const;
    await happened("ana", { event: created, text: "ops" });
    await happened("ben", { event: { kind: "joined" } });
    const early = await happened("ana", { text: "early" });
    const other = await happened("ana", { text: "other" });
    await accept(store, pin("ana", other, { conversation: room }));
    await happened("ben", { event: { kind: "left" } });
    const between = await happened("ana", { text: "between" });
    await store.commit([early, between].map((seq) => pin("ana", seq, { conversation: room })));
    await happened("cleo", { event: { kind: "joined" } });
    assert.deepEqual(await markedFor(store, "ben", room), [other]);
    assert.deepEqual(await seqsOf(store, "ana", room), [between, early, other]);
    assert.deepEqual(await seqsOf(store, "cleo", room), []);
    await happened("ben", { event: { kind: "joined" } });
    assert.deepEqual([await seqsOf(store, "ben", room), await markedFor(store, "ben", room)], [
      [early, other],
      [early, other],
    ]);
  });
}
