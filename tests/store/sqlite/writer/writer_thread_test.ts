import assert from "node:assert/strict";
import { createMessageId } from "../../../../src/core/messages/message_id.ts";
import { PlainBatch, recordWord } from "../../../../src/core/messages/plain_batch.ts";
import { isConstraint } from "../../../../src/store/sqlite/storage_error.ts";
import { Database, databasePath } from "../../../../src/store/sqlite/database.ts";
import { WriterThread } from "../../../../src/store/sqlite/writer/writer_thread.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { workerEntry } from "../../../support/processes/worker_entry.ts";
import { inFrame } from "../../../support/lane/plain_batches.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const decoder = new TextDecoder();
const user = 1;
const conversation = 1;
const ignore = () => {};

/** A database with one user and one conversation, and a writer thread of it. */
class Fixture implements Disposable {
  readonly #folder = temporaryFolder();
  readonly failures: string[] = [];
  readonly database: Database;
  readonly writer: WriterThread;

  constructor({ entry = workerEntry, folder }: { entry?: string; folder?: string } = {}) {
    const { path } = this.#folder;
    this.database = Database.open(path);
    this.database.transaction(() => {
      this.database.prepare(
        "INSERT INTO user (id, name, password_hash, disabled, created_at) VALUES (?, 'ana', '', 0, 0)",
      ).run(user);
      this.database.prepare("INSERT INTO conversation (id, name, head_seq, head_position) VALUES (?, 'ana:ana', 0, 0)")
        .run(conversation);
    });
    this.writer = new WriterThread({
      path: databasePath(folder ?? path),
      entry,
      maxTurnMs: 1,
      onNotStarted: ({ message }) => this.failures.push(`not started: ${message}`),
      onDied: ({ message }) => this.failures.push(`died: ${message}`),
    });
  }

  async whenReady(): Promise<void> {
    await eventually(() => this.writer.isReady);
  }

  /** The names of the files of the database. */
  files(): string[] {
    return Array.from(Deno.readDirSync(this.#folder.path), ({ name }) => name);
  }

  /** The texts of the log, by position. */
  log(): string[] {
    const rows = this.database.prepare("SELECT position, seq, sender, text FROM entry ORDER BY position").all();
    return rows.map(({ position, seq, sender, text }) => {
      return `${position} ${seq} ${sender} ${decoder.decode(text as Uint8Array)}`;
    });
  }

  [Symbol.dispose](): void {
    this.writer.close();
    this.database.close();
    this.#folder[Symbol.dispose]();
  }
}

/** Makes a batch of messages, numbered from `first` on. */
function batchOf(texts: readonly string[], first: number, { sender = user, id = createMessageId } = {}): PlainBatch {
  const batch = new PlainBatch();
  batch.firstPosition = first;
  texts.forEach((text, index) => {
    const route = { sender: "ana", conversation: "ana:ana" };
    batch.add({ route, session: undefined, requestId: 1, ...inFrame(id(), text) }, 1_700_000_000_000);
    const at = batch.offsets[index] / 8;
    batch.words[at + recordWord.seq] = first + index;
    batch.words[at + recordWord.conversation] = conversation;
    batch.words[at + recordWord.sender] = sender;
  });
  return batch;
}

Deno.test("a writer thread stores the records of a batch, which another connection then reads", async () => {
  using fixture = new Fixture();
  await fixture.whenReady();
  const many = Array.from({ length: 40 }, (_, index) => `text ${index}`);
  const texts = ["hello", "", "日本語 🙂", "x".repeat(8_192), "a\0b", ...many];
  const batch = batchOf(texts, 1);
  await fixture.writer.write(batch.bytes, 1, ignore);
  assert.deepEqual(fixture.log(), texts.map((text, index) => `${index + 1} ${index + 1} 1 ${text}`));
  const [{ id }] = fixture.database.prepare("SELECT lower(hex(id)) AS id FROM entry WHERE position = 1").all();
  assert.equal(id, batch.message(0).id.replaceAll("-", ""));
});

Deno.test("a batch with an id that was used before is not stored at all", async () => {
  using fixture = new Fixture();
  await fixture.whenReady();
  const id = createMessageId();
  await fixture.writer.write(batchOf(["first"], 1, { id: () => id }).bytes, 1, ignore);
  const ids = [createMessageId(), id];
  const again = batchOf(["new", "again"], 2, { id: () => ids.shift()! });
  await assert.rejects(fixture.writer.write(again.bytes, 2, ignore), isConstraint);
  assert.deepEqual(fixture.log(), ["1 1 1 first"]);
  await fixture.writer.write(batchOf(["third"], 2).bytes, 2, ignore);
  assert.deepEqual(fixture.log(), ["1 1 1 first", "2 2 1 third"]);
});

Deno.test("a used id is found at any place of a batch", async () => {
  using fixture = new Fixture();
  await fixture.whenReady();
  const used = createMessageId();
  await fixture.writer.write(batchOf(["first"], 1, { id: () => used }).bytes, 1, ignore);
  const texts = Array.from({ length: 20 }, (_, index) => `${index}`);
  for (let place = 0; place < texts.length; place++) {
    let index = 0;
    const batch = batchOf(texts, 2, { id: () => index++ === place ? used : createMessageId() });
    await assert.rejects(fixture.writer.write(batch.bytes, 2, ignore), isConstraint, `at ${place}`);
  }
  const ids = texts.map(() => createMessageId());
  ids[1] = ids[0];
  await assert.rejects(
    fixture.writer.write(batchOf(texts, 2, { id: () => ids.shift()! }).bytes, 2, ignore),
    isConstraint,
  );
  assert.deepEqual(fixture.log(), ["1 1 1 first"]);
});

Deno.test("a batch that SQLite refuses fails with its error, and the next one is stored", async () => {
  using fixture = new Fixture();
  await fixture.whenReady();
  await assert.rejects(fixture.writer.write(batchOf(["x"], 1, { sender: 0.5 }).bytes, 1, ignore), (error: Error) => {
    assert.match(error.message, /cannot store REAL value in INTEGER column entry.sender/);
    return "errcode" in error && Number(error.errcode) === 19;
  });
  await fixture.writer.write(batchOf(["y"], 1).bytes, 1, ignore);
  assert.deepEqual(fixture.log(), ["1 1 1 y"]);
});

Deno.test("after waitUntilIdle(), another connection can write", async () => {
  using fixture = new Fixture();
  await fixture.whenReady();
  for (let round = 0; round < 20; round++) {
    const texts = Array.from({ length: 50 }, (_, index) => `${index}`);
    const first = round * 50 + 1;
    const writing = fixture.writer.write(batchOf(texts, first).bytes, first, ignore);
    assert.equal(fixture.writer.isReady, false);
    fixture.writer.waitUntilIdle();
    fixture.database.transaction(() => fixture.database.prepare("UPDATE user SET created_at = ?").run(round));
    await writing;
  }
  assert.equal(fixture.log().length, 1_000);
});

Deno.test("close() lets the write in progress finish, and frees the database", async () => {
  using fixture = new Fixture();
  await fixture.whenReady();
  const writing = fixture.writer.write(batchOf(["last"], 1).bytes, 1, ignore);
  fixture.writer.close();
  await writing;
  assert.equal(fixture.database.truncateLog(), true);
  assert.deepEqual(fixture.log(), ["1 1 1 last"]);
  assert.deepEqual(fixture.failures, []);
});

Deno.test("close() closes the connection of the thread, so that the store's is the last one", async () => {
  for (let round = 0; round < 5; round++) {
    using fixture = new Fixture();
    await fixture.whenReady();
    fixture.writer.close();
    fixture.database.close();
    // SQLite removes the write-ahead log when the last connection is closed.
    assert.deepEqual(fixture.files(), ["chatd.sqlite"]);
  }
});

/** A thread that opens no database, and does as `program` says when it gets its memory. */
function threadThat(program: string): string {
  return `data:text/javascript,onmessage = ({ data: { memory } }) => { ${program} }; postMessage("loaded");`;
}

Deno.test("the death of a thread that was ready is reported", async () => {
  using fixture = new Fixture({ entry: threadThat(`postMessage("open"); throw new Error("no memory");`) });
  await eventually(() => fixture.failures.length > 0);
  assert.match(fixture.failures[0], /^died: The writer thread died: .*no memory/);
  assert.equal(fixture.writer.isReady, false);
});

Deno.test("a thread that cannot load or open the database is not ready, and says why", async () => {
  using loading = new Fixture({ entry: `data:text/javascript,throw new Error("no memory")` });
  using opening = new Fixture({ folder: "/nonexistent/folder" });
  for (const { failures, writer } of [loading, opening]) {
    await eventually(() => failures.length > 0);
    assert.match(failures.join(), /^not started: The writer thread died: .*(no memory|unable to open database file)/);
    assert.equal(writer.isReady, false);
  }
});

Deno.test("a thread that hangs in a turn is reported once, and nothing waits for it again", async () => {
  using fixture = new Fixture({ entry: threadThat(`postMessage("open");`) });
  await fixture.whenReady();
  void fixture.writer.write(batchOf(["lost"], 1).bytes, 1, ignore);
  for (let round = 0; round < 2; round++) {
    assert.throws(() => fixture.writer.waitUntilIdle(), /busy/);
  }
  assert.deepEqual(fixture.failures.map((failure) => failure.replace(/ for .*/, "")), [
    "died: The writer thread has been busy",
  ]);
});

Deno.test("a store that cannot take note of a stored batch ends", async () => {
  using fixture = new Fixture();
  await fixture.whenReady();
  const writing = fixture.writer.write(batchOf(["stored"], 1).bytes, 1, () => {
    throw new Error("disk I/O error");
  });
  await assert.rejects(writing, /disk I\/O error/);
  assert.deepEqual(fixture.failures, ["died: disk I/O error"]);
  assert.equal(fixture.writer.isReady, false);
});

Deno.test("a writer thread that is closed before it has loaded writes nothing", () => {
  using fixture = new Fixture();
  fixture.writer.close();
  assert.equal(fixture.writer.isReady, false);
});
