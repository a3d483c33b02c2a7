import assert from "node:assert/strict";
import fc from "fast-check";
import type { AccountStore } from "../../src/core/accounts/account_store.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { ExclusiveMessageStore } from "../../src/core/messages/message_store.ts";
import type { PlainBatch } from "../../src/core/messages/plain_batch.ts";
import { plainBatch, type PlainMessage, plainMessage } from "../support/lane/plain_batches.ts";
import { accept, directAppend, entryAppend, userRecord } from "../support/servers/stored_messages.ts";

/** A store that commits batches of plain messages. */
export interface PlainStore {
  readonly messages: ExclusiveMessageStore;
  readonly accounts: AccountStore;
  commit(batch: PlainBatch): Promise<boolean>;
  deleteRoom(id: string): Promise<unknown>;
  /** Removes the newest entry of the log, as retention does, but for its position. */
  spendNewest(): void | Promise<void>;
  reopen(): void | Promise<void>;
  /** Opens the store again as after so many entries. */
  reopenAt(head: number): void | Promise<void>;
  /** Closes the store. @returns all rows that a commit writes, as lines */
  closedDump(): string[] | Promise<string[]>;
  /** Idempotent. */
  close(): void | Promise<void>;
}

export const plainUsers = ["ana", "ben", "cleo"];
const pairs = [["ana", "ben"], ["ben", "ana"], ["cleo", "ana"], ["ana", "ana"]] as const;
const firstIds = pairs.map(() => createMessageId());

/** Adds users with conversations to an empty store whose newest position is `head`. */
async function prepare(store: PlainStore, head = 0): Promise<void> {
  if (head > 0) await store.reopenAt(head);
  for (const user of plainUsers) await store.accounts.addUser(userRecord(user));
  for (const [index, [sender, to]] of pairs.entries()) {
    await accept(store.messages, directAppend(sender, to, { id: firstIds[index] }));
  }
}

/** Everything that users may see, as lines. */
async function linesOf({ messages }: PlainStore): Promise<string[]> {
  const lines: string[] = [];
  const page = { limit: 100_000, maxBytes: 100_000_000 };
  for (const user of plainUsers) {
    for (const each of (await messages.messagesAfter(user, 0, page)).messages) {
      const { position, conversation, seq, ordinal, sender, id, acceptedAt, text } = each;
      lines.push([user, position, conversation, seq, ordinal, sender, id, acceptedAt, text].join(" "));
    }
    for (const each of (await messages.conversationsOf(user, { beforePosition: 0, ...page })).conversations) {
      lines.push(`${user} ${each.conversation} ${each.headSeq} ${each.position} ${each.unread}`);
    }
  }
  return lines;
}

/** Commits the messages as if they were not plain. */
async function appendAll(store: PlainStore, messages: readonly PlainMessage[]): Promise<void> {
  for (const { sender, conversation, id, text, acceptedAt } of messages) {
    await accept(store.messages, entryAppend(conversation, sender, { id, text, acceptedAt }));
  }
}

const texts = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }),
  fc.constantFrom("\uFEFFafter a mark", "'); DROP TABLE entry; --", "a\0b", "\u{10FFFF}", "é".repeat(4_096)),
);
const message = fc.tuple(fc.constantFrom(...pairs), texts)
  .map(([[sender, to], text]) => plainMessage(sender, to, { text }));
/** Positions are numbers of up to 53 bits. */
const heads = fc.constantFrom(0, 2 ** 31 - 3, 2 ** 32 - 3, 2 ** 52);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ plain: fc.array(message, { minLength: 1, maxLength: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ single: message }) },
  { weight: 2, arbitrary: fc.nat().map(() => ({ reaction: createMessageId() })) },
  { weight: 1, arbitrary: fc.constant({ reopen: true }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Takes the steps in a store. @returns what it has then */
async function outcomeOf(
  store: PlainStore,
  { steps, head, inBatches }: { steps: readonly Step[]; head: number; inBatches: boolean },
): Promise<unknown> {
  await prepare(store, head);
  for (const each of steps) {
    if ("plain" in each) {
      if (inBatches) assert.equal(await store.commit(plainBatch(each.plain)), true);
      else await appendAll(store, each.plain);
    } else if ("single" in each) {
      await appendAll(store, [each.single]);
    } else if ("reaction" in each) {
      const event = { kind: "reacted", target: 1, emoji: "👍", removed: false } as const;
      await store.messages.commit([entryAppend("ana:ben", "ana", { id: each.reaction, event })]);
    } else {
      await store.reopen();
    }
  }
  return { head: store.messages.head, lines: await linesOf(store), dump: await store.closedDump() };
}

/**
 * What every store keeps to that commits batches of plain messages.
 * @param open gives an empty store; one is open at a time
 * @param openOther gives one that is compared, in the same way unless given
 */
export function plainCommitContract(
  name: string,
  open: () => PlainStore | Promise<PlainStore>,
  openOther: () => PlainStore | Promise<PlainStore> = open,
): void {
  async function closing<T>(store: PlainStore, work: (store: PlainStore) => Promise<T>): Promise<T> {
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  function test(behaviour: string, run: (store: PlainStore) => Promise<void>): void {
    Deno.test(`${name}: ${behaviour}`, async () => {
      await closing(await open(), async (store) => {
        await prepare(store);
        await run(store);
      });
    });
  }

  Deno.test(`${name}: batches leave the same log as single messages`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), heads, async (steps, head) => {
        const batches = await closing(await open(), (store) => outcomeOf(store, { steps, head, inBatches: true }));
        const singles = await closing(
          await openOther(),
          (store) => outcomeOf(store, { steps, head, inBatches: false }),
        );
        assert.deepEqual(batches, singles);
      }),
      { numRuns: 12 },
    );
  });

  test("a batch is refused as a whole unless everything in it is known and new", async (store) => {
    assert.equal(await store.commit(plainBatch([plainMessage("ana", "ben", { text: "before" })])), true);
    const before = await linesOf(store);
    const used = createMessageId();
    const refused: PlainMessage[][] = [
      [plainMessage("ana", "ben"), plainMessage("ben", "cleo")],
      [plainMessage("ana", "ben"), plainMessage("dan", "ana", { conversation: "ana:ben" })],
      [plainMessage("ana", "ben"), plainMessage("ana", "ben", { id: firstIds[0] })],
      [plainMessage("cleo", "ana", { id: used }), plainMessage("cleo", "ana", { id: used })],
    ];
    for (const messages of refused) {
      assert.equal(await store.commit(plainBatch(messages)), false);
      assert.deepEqual(await linesOf(store), before);
    }
    const batch = plainBatch([plainMessage("ana", "ben", { text: "after" })]);
    assert.equal(await store.commit(batch), true);
    assert.equal(batch.firstPosition, 6);
    assert.equal(batch.seq(0), 4);
  });

  test("a removed id returns its batch, and a new one that is older than it does not", async (store) => {
    // The clock of a client was ahead, and its message was removed.
    const ahead = createMessageId(Date.now() + 20 * 60 * 60 * 1000);
    await accept(store.messages, directAppend("ana", "ben", { id: ahead }));
    await store.spendNewest();
    await store.reopen();
    assert.equal(await store.commit(plainBatch([plainMessage("ana", "ben"), plainMessage("ben", "ana")])), true);
    assert.equal(await store.commit(plainBatch([plainMessage("ben", "ana", { id: ahead })])), true);
    const again = [plainMessage("ana", "ben"), plainMessage("ana", "ben", { id: ahead })];
    assert.equal(await store.commit(plainBatch(again)), false);
  });

  test("a user who is deleted while a batch is written loses no message, and gets no other", async (store) => {
    assert.equal(await store.commit(plainBatch([plainMessage("ana", "ben")])), true);
    const committing = store.messages.commitPlain(plainBatch([plainMessage("ana", "ben", { text: "last" })]));
    await store.accounts.deleteUser("ben", { alias: "deleted-1", erase: false });
    assert.equal(await committing, true);
    assert.equal(await store.commit(plainBatch([plainMessage("ana", "ben", { text: "too late" })])), false);
    const lines = (await linesOf(store)).filter((line) => line.startsWith("ana ") && / (last|too late)$/.test(line));
    assert.deepEqual(lines.map((line) => line.split(" ").slice(1, 4)), [["6", "ana:deleted-1", "4"]]);
  });

  test("a batch to a room is committed until the room is deleted", async (store) => {
    const room = "+" + "r".repeat(26);
    const event = { kind: "room_created", isPublic: false, historyVisible: true } as const;
    await accept(store.messages, entryAppend(room, "ana", { event, text: "ops" }));
    const toRoom = () => plainBatch([plainMessage("ana", "ben"), plainMessage("ana", "ben", { conversation: room })]);
    const batch = toRoom();
    assert.equal(await store.commit(batch), true);
    assert.deepEqual([batch.seq(1), batch.ordinal(1)], [2, 1]);
    await store.deleteRoom(room);
    assert.equal(await store.commit(toRoom()), false);
  });
}
