import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { ChatError } from "../../../../src/core/chat_error.ts";
import { createMessageId } from "../../../../src/core/messages/message_id.ts";
import type { PlainBatch } from "../../../../src/core/messages/plain_batch.ts";
import { Database, databasePath } from "../../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../../src/store/sqlite/sqlite_account_store.ts";
import { PlainWriter } from "../../../../src/store/sqlite/writer/plain_writer.ts";
import type { WriterThread } from "../../../../src/store/sqlite/writer/writer_thread.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { dumpDatabase } from "../../../support/servers/database_dump.ts";
import { plainBatch, type PlainMessage, plainMessage } from "../../../support/lane/plain_batches.ts";
import { accept, directAppend, entryAppend, userRecord } from "../../../support/servers/stored_messages.ts";
import { startWriterThread } from "../../../support/lane/writer_threads.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const users = ["ana", "ben", "cleo"];
const pairs = [["ana", "ben"], ["ben", "ana"], ["cleo", "ana"], ["ana", "ana"]] as const;
const firstIds = pairs.map(() => createMessageId());

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

  /** @param head the position of the newest entry before those of the test */
  static async withUsers(way: Way, head = 0): Promise<Fixture> {
    const fixture = new Fixture(way);
    if (head > 0) fixture.reopenAt(head);
    for (const user of users) await fixture.accounts.addUser(userRecord(user));
    for (const [index, [sender, to]] of pairs.entries()) {
      await accept(fixture.messages, directAppend(sender, to, { id: firstIds[index] }));
    }
    return fixture;
  }

  open(): void {
    const { path } = this.#folder;
    this.database = Database.open(path);
    this.#thread = undefined;
    const startThread = () => this.#thread = startWriterThread(path);
    this.#writer = new PlainWriter(this.database, this.#inThread ? { startThread, maxDirect: 0 } : {});
    this.messages = new SqliteMessageStore(this.database, { writer: this.#writer });
    this.accounts = new SqliteAccountStore(this.database, { onRenamed: () => this.messages.forgetNames() });
  }

  /** Opens the store again as after so many entries. */
  reopenAt(head: number): void {
    this.database.transaction(() => this.database.prepare("UPDATE log SET heads_through = ?").run(head));
    this.close();
    this.open();
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

  /** Locks the database as another program does, until the result is closed. */
  lock(): DatabaseSync {
    const other = new DatabaseSync(databasePath(this.#folder.path));
    other.exec("BEGIN IMMEDIATE");
    return other;
  }

  /** Closes the store. @returns all rows of its database */
  closedDump(): string[] {
    this.close();
    return dumpDatabase(this.#folder.path);
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

for (const way of ways) {
  Deno.test(`batches leave the same log as single messages (${way})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), heads, async (steps, head) => {
        using store = await Fixture.withUsers(way, head);
        using other = await Fixture.withUsers("connection", head);
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
            for (const target of [store, other]) {
              target.close();
              target.open();
            }
          }
        }
        assert.equal(store.messages.head, other.messages.head);
        assert.deepEqual(await store.lines(), await other.lines());
        assert.deepEqual(store.closedDump(), other.closedDump());
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

  Deno.test(`a removed id returns its batch, and a new one that is older than it does not (${way})`, async () => {
    using store = await Fixture.withUsers(way);
    // The clock of a client was ahead, and its message was removed.
    const ahead = createMessageId(Date.now() + 20 * 60 * 60 * 1000);
    await accept(store.messages, directAppend("ana", "ben", { id: ahead }));
    store.database.prepare(
      `INSERT INTO spent_id (id, sender, position, conversation, seq, accepted_at)
       SELECT id, sender, position, conversation, seq, accepted_at FROM entry ORDER BY position DESC LIMIT 1`,
    ).run();
    store.database.prepare("UPDATE entry SET id = randomblob(16) WHERE position = ?").run(store.messages.head);
    store.close();
    store.open();
    assert.equal(await store.commit(plainBatch([plainMessage("ana", "ben"), plainMessage("ben", "ana")])), true);
    assert.equal(await store.commit(plainBatch([plainMessage("ben", "ana", { id: ahead })])), true);
    const again = [plainMessage("ana", "ben"), plainMessage("ana", "ben", { id: ahead })];
    assert.equal(await store.commit(plainBatch(again)), false);
  });

  Deno.test(`a batch fails with "busy" while another program locks the database (${way})`, async () => {
    using store = await Fixture.withUsers(way);
    assert.equal(await store.commit(plainBatch([plainMessage("ana", "ben")])), true);
    const batch = plainBatch([plainMessage("ana", "ben"), plainMessage("ana", "cleo")]);
    const other = store.lock();
    await assert.rejects(store.commit(batch), (error) => error instanceof ChatError && error.code === "busy");
    other.close();
    assert.equal(await store.commit(batch), true);
    assert.deepEqual([batch.firstPosition, batch.seq(0), batch.seq(1)], [6, 4, 2]);
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
