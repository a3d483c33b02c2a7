import assert from "node:assert/strict";
import fc from "fast-check";
import { createMessageId } from "../../../../src/core/messages/message_id.ts";
import type { PlainBatch } from "../../../../src/core/messages/plain_batch.ts";
import { Database, databasePath } from "../../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../../src/store/sqlite/sqlite_account_store.ts";
import { PlainWriter } from "../../../../src/store/sqlite/writer/plain_writer.ts";
import { WriterThread } from "../../../../src/store/sqlite/writer/writer_thread.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { plainBatch, type PlainMessage, plainMessage } from "../../../support/servers/plain_batches.ts";
import { accept, directAppend, entryAppend, userRecord } from "../../../support/servers/stored_messages.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const users = ["ana", "ben", "cleo"];
const pairs = [["ana", "ben"], ["ben", "ana"], ["cleo", "ana"], ["ana", "ana"]] as const;
const firstIds = pairs.map(() => createMessageId());
const jobWorker = import.meta.resolve("../../../support/processes/job_worker.ts");

/** A store whose batches are written by a thread, or by its connection. */
class Fixture implements Disposable {
  readonly #folder = temporaryFolder();
  readonly #inThread: boolean;
  #writer!: PlainWriter;
  #thread: WriterThread | undefined;
  database!: Database;
  messages!: SqliteMessageStore;
  accounts!: SqliteAccountStore;

  constructor(way: Way) {
    this.#inThread = way === "thread";
    this.open();
  }

  static async withUsers(way: Way): Promise<Fixture> {
    const fixture = new Fixture(way);
    for (const user of users) await fixture.accounts.addUser(userRecord(user));
    for (const [index, [sender, to]] of pairs.entries()) {
      await accept(fixture.messages, directAppend(sender, to, { id: firstIds[index] }));
    }
    return fixture;
  }

  open(): void {
    const { path } = this.#folder;
    const onDied = (error: Error) => {
      throw error;
    };
    this.database = Database.open(path);
    this.#thread = undefined;
    const startThread = () =>
      this.#thread = new WriterThread({ path: databasePath(path), entry: jobWorker, onNotStarted: onDied, onDied });
    this.#writer = new PlainWriter(this.database, this.#inThread ? { startThread, maxDirect: 0 } : {});
    this.messages = new SqliteMessageStore(this.database, { writer: this.#writer });
    this.accounts = new SqliteAccountStore(this.database, { onRenamed: () => this.messages.forgetNames() });
  }

  async commit(batch: PlainBatch): Promise<boolean> {
    const stored = await this.messages.commitPlain(batch);
    // The first batch starts the thread, and is written without it.
    if (this.#inThread) await eventually(() => this.#thread!.isReady);
    return stored;
  }

  /** Everything that users may see, as lines. */
  async lines(): Promise<string[]> {
    const lines: string[] = [];
    const page = { limit: 100_000, maxBytes: 100_000_000 };
    for (const user of users) {
      for (const each of (await this.messages.messagesAfter(user, 0, page)).messages) {
        const { position, conversation, seq, ordinal, sender, id, acceptedAt, text } = each;
        lines.push([user, position, conversation, seq, ordinal, sender, id, acceptedAt, text].join(" "));
      }
      for (const each of (await this.messages.conversationsOf(user, { beforePosition: 0, ...page })).conversations) {
        lines.push(`${user} ${each.conversation} ${each.headSeq} ${each.position} ${each.unread}`);
      }
    }
    return lines;
  }

  close(): void {
    this.#writer.close();
    this.database.close();
  }

  [Symbol.dispose](): void {
    this.close();
    this.#folder[Symbol.dispose]();
  }
}

type Way = "connection" | "thread";
const ways: Way[] = ["connection", "thread"];

/** Commits the messages as if they were not plain. */
async function appendAll(store: Fixture, messages: readonly PlainMessage[]): Promise<void> {
  for (const { sender, conversation, id, text, acceptedAt } of messages) {
    await accept(store.messages, entryAppend(conversation, sender, { id, text, acceptedAt }));
  }
}

const message = fc.tuple(fc.constantFrom(...pairs), fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }))
  .map(([[sender, to], text]) => plainMessage(sender, to, { text }));
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ plain: fc.array(message, { minLength: 1, maxLength: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ single: message }) },
  { weight: 2, arbitrary: fc.nat().map(() => ({ reaction: createMessageId() })) },
  { weight: 1, arbitrary: fc.constant({ reopen: true }) },
);

for (const way of ways) {
  Deno.test(`batches leave the same log as single messages (${way})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        using store = await Fixture.withUsers(way);
        using other = await Fixture.withUsers("connection");
        for (const each of steps) {
          if ("plain" in each) {
            assert.equal(await store.commit(plainBatch(each.plain)), true);
            await appendAll(other, each.plain);
          } else if ("single" in each) {
            for (const target of [store, other]) await appendAll(target, [each.single]);
          } else if ("reaction" in each) {
            const event = { kind: "reacted", target: 1, emoji: "👍", removed: false } as const;
            for (const { messages } of [store, other]) {
              await messages.commit([entryAppend("ana:ben", "ana", { id: each.reaction, event })]);
            }
          } else {
            store.close();
            store.open();
          }
        }
        assert.equal(store.messages.head, other.messages.head);
        assert.deepEqual(await store.lines(), await other.lines());
      }),
      { numRuns: 12 },
    );
  });

  Deno.test(`a batch is refused as a whole unless everything in it is known and new (${way})`, async () => {
    using store = await Fixture.withUsers(way);
    assert.equal(await store.commit(plainBatch([plainMessage("ana", "ben", { text: "before" })])), true);
    const before = await store.lines();
    const used = createMessageId();
    const refused: PlainMessage[][] = [
      [plainMessage("ana", "ben"), plainMessage("ben", "cleo")],
      [plainMessage("ana", "ben"), plainMessage("dan", "ana", { conversation: "ana:ben" })],
      [plainMessage("ana", "ben"), plainMessage("ana", "ben", { id: firstIds[0] })],
      [plainMessage("cleo", "ana", { id: used }), plainMessage("cleo", "ana", { id: used })],
    ];
    for (const messages of refused) {
      assert.equal(await store.commit(plainBatch(messages)), false);
      assert.deepEqual(await store.lines(), before);
    }
    const batch = plainBatch([plainMessage("ana", "ben", { text: "after" })]);
    assert.equal(await store.commit(batch), true);
    assert.equal(batch.firstPosition, 6);
    assert.equal(batch.seq(0), 4);
  });

  Deno.test(`a user who is deleted while a batch is written loses no message, and gets no other (${way})`, async () => {
    using store = await Fixture.withUsers(way);
    assert.equal(await store.commit(plainBatch([plainMessage("ana", "ben")])), true);
    const committing = store.messages.commitPlain(plainBatch([plainMessage("ana", "ben", { text: "last" })]));
    await store.accounts.deleteUser("ben", { alias: "deleted-1", erase: false });
    assert.equal(await committing, true);
    assert.equal(await store.commit(plainBatch([plainMessage("ana", "ben", { text: "too late" })])), false);
    const texts = (await store.lines()).filter((line) => line.startsWith("ana ") && / (last|too late)$/.test(line));
    assert.deepEqual(texts.map((line) => line.split(" ").slice(1, 4)), [["6", "ana:deleted-1", "4"]]);
  });
}
