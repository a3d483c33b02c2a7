/** Plain messages in the queue of commits, between other entries. */
import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { CommitQueue } from "../../../src/core/messages/commit_queue.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import type { Change, ChangeResult } from "../../../src/core/messages/message_store.ts";
import type { PlainBatch } from "../../../src/core/messages/plain_batch.ts";
import type { LaneSession } from "../../../src/core/messages/plain_lane.ts";
import { CountedMetrics } from "../../support/fakes/counted_metrics.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";
import { judged, nowhere } from "../../support/servers/pending_entries.ts";
import { inFrame } from "../../support/lane/plain_batches.ts";
import { deviceRecord, directAppend, entryAppend, userRecord } from "../../support/servers/stored_messages.ts";
import { TestMessageStore } from "../../support/servers/test_message_store.ts";
import { TestStore } from "../../support/servers/test_store.ts";
import { turns } from "../../support/waiting/turns.ts";

/** Records its commits. */
class WatchedStore extends TestMessageStore {
  /** The texts of each commit; "plain:" before those of a batch, "moves" for a commit without entries. */
  readonly commits: string[] = [];
  /** Batches wait for it while there is one. */
  gate: Promise<void> | undefined;
  /** Whether batches are not stored. */
  refuses = false;
  /** Commits that come back unjudged. */
  behind = 0;
  plainError: unknown;

  override async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    const texts = changes.flatMap((change) => change.kind === "append" ? [change.text] : []);
    this.commits.push(texts.length > 0 ? texts.join(" ") : "moves");
    await this.gate;
    if (this.behind-- > 0) return "behind" as unknown as ChangeResult[];
    return await super.commit(changes);
  }

  override async commitPlain(batch: PlainBatch): Promise<boolean> {
    const texts = Array.from({ length: batch.count }, (_, index) => batch.message(index).text);
    this.commits.push(`plain: ${texts.join(" ")}`);
    await this.gate;
    if (this.plainError !== undefined) throw this.plainError;
    return !this.refuses && await super.commitPlain(batch);
  }
}

const route = { ...nowhere, sender: "ana", conversation: "ana:ben", recipient: "ben", roomName: undefined };

async function open() {
  const { messages: store, accounts } = TestStore.openWith((log) => new WatchedStore(log));
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  await accounts.saveDevice(deviceRecord("d1", "ana"));
  await store.commit([directAppend("ana", "ben", { text: "first" })]);
  store.commits.length = 0;
  /** The texts in the order in which they were applied. */
  const applied: string[] = [];
  const failures: string[] = [];
  /** Called after each batch. */
  const onStored: (() => void)[] = [];
  const metrics = new CountedMetrics();
  const queue = new CommitQueue({
    store,
    metrics,
    defer: (callback) => void setImmediate(callback),
    onCommitted: (entries) => applied.push(...entries.map(({ message }) => message.text)),
    onBatchStored: (batch) => {
      for (let index = 0; index < batch.count; index++) applied.push(batch.message(index).text);
      for (const each of onStored) each();
    },
    onBatchReturned: (batch) => {
      for (let index = 0; index < batch.count; index++) {
        const { conversation, sender, id, text } = batch.message(index);
        void queue.append(judged(entryAppend(conversation, sender, { id, text })));
      }
    },
    onBatchError: (error) => failures.push((error as Error).message),
    onBatchFailed: ({ requestIds }, error) => {
      for (const id of requestIds) failures.push(`${id} ${(error as ChatError).code}`);
    },
  });
  const append = (text: string) => queue.append(judged(directAppend("ana", "ben", { text })));
  const session: LaneSession = { onStored() {}, resubmit() {}, onFailed() {} };
  const add = (text: string, { requestId = 1 } = {}) => {
    return queue.addPlain({ route, session, requestId, ...inFrame(createMessageId(), text) }, Date.now());
  };
  return { store, queue, metrics, add, append, applied, failures, onStored };
}

Deno.test("plain messages that came before other entries are committed before them", async () => {
  const { queue, store, add, append, applied } = await open();
  assert.deepEqual([add("1"), add("2")], [true, true]);
  void append("3");
  await queue.flush();
  assert.deepEqual(store.commits, ["plain: 1 2", "3"]);
  assert.deepEqual(applied, ["1", "2", "3"]);
});

Deno.test("a plain message is not added while entries wait that came before it", async () => {
  const { queue, store, add, append } = await open();
  void append("1");
  assert.equal(add("2"), false);
  await queue.flush();
  assert.equal(add("3"), true);
  await queue.flush();
  assert.deepEqual(store.commits, ["1", "plain: 3"]);
});

Deno.test("plain messages that come during a commit follow it, and entries that come later follow them", async () => {
  const { queue, store, add, append, applied } = await open();
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  void append("1");
  await turns(2);
  assert.equal(add("2"), true);
  void append("3");
  assert.equal(add("4"), false);
  gate.resolve();
  await queue.flush();
  assert.deepEqual(store.commits, ["1", "plain: 2", "3"]);
  assert.deepEqual(applied, ["1", "2", "3"]);
});

Deno.test("a batch that is not stored is submitted again with all that came after it, in order", async () => {
  const { queue, store, add, append, applied } = await open();
  const gate = Promise.withResolvers<void>();
  Object.assign(store, { gate: gate.promise, refuses: true });
  add("1");
  add("2");
  await turns(2);
  add("3");
  void append("4");
  gate.resolve();
  await queue.flush();
  assert.deepEqual(store.commits, ["plain: 1 2", "1 2 3 4"]);
  assert.deepEqual(applied, ["1", "2", "3", "4"]);
});

Deno.test("plain messages that came during a commit that comes back unjudged follow its entries", async () => {
  const { queue, store, add, append, applied } = await open();
  const gate = Promise.withResolvers<void>();
  Object.assign(store, { gate: gate.promise, behind: 1 });
  void append("1");
  await turns(2);
  assert.equal(add("2"), true);
  void append("3");
  gate.resolve();
  await queue.flush();
  assert.deepEqual(store.commits, ["1", "1 2 3"]);
  assert.deepEqual(applied, ["1", "2", "3"]);
});

Deno.test("a full disk fails each message of a batch, and the next batch goes on", async () => {
  const { queue, store, add, applied, failures } = await open();
  store.plainError = new ChatError("storage_full", "The disk is full.");
  add("1", { requestId: 7 });
  add("2", { requestId: 8 });
  await queue.flush();
  assert.deepEqual([applied, failures], [[], ["7 storage_full", "8 storage_full"]]);
  store.plainError = undefined;
  add("3");
  await queue.flush();
  assert.deepEqual(applied, ["3"]);
});

Deno.test("a batch that the store fails to write for another reason than the disk is committed one by one", async () => {
  const { queue, store, add, applied, failures } = await open();
  store.plainError = new Error("One of the messages is bad.");
  add("1");
  add("2");
  await queue.flush();
  assert.deepEqual(store.commits, ["plain: 1 2", "1 2"]);
  assert.deepEqual([applied, failures], [["1", "2"], ["One of the messages is bad."]]);
});

Deno.test("a large batch is given to the store before the batch before it is published, and a small one after it", async () => {
  for (const [size, begun] of [[9, 2], [8, 1]]) {
    const { queue, store, add, applied, onStored } = await open();
    const gate = Promise.withResolvers<void>();
    store.gate = gate.promise;
    const begunAtOnce: number[] = [];
    onStored.push(() => void begunAtOnce.push(store.commits.length));
    add("first");
    await turns(2);
    const texts = Array.from({ length: size }, (_, index) => `${index}`);
    for (const text of texts) add(text);
    gate.resolve();
    await queue.flush();
    assert.equal(begunAtOnce[0], begun);
    assert.deepEqual(store.commits, ["plain: first", `plain: ${texts.join(" ")}`]);
    assert.deepEqual(applied, ["first", ...texts]);
  }
});

Deno.test("a large batch that is not stored is submitted again after the batch before it is published", async () => {
  const { queue, store, add, append, applied, onStored } = await open();
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  add("first");
  await turns(2);
  const texts = Array.from({ length: 9 }, (_, index) => `${index}`);
  for (const text of texts) add(text);
  void append("last");
  onStored.push(() => void (store.refuses = true));
  gate.resolve();
  await queue.flush();
  assert.deepEqual(store.commits, ["plain: first", `plain: ${texts.join(" ")}`, `${texts.join(" ")} last`]);
  assert.deepEqual(applied, ["first", ...texts, "last"]);
});

Deno.test("moves that are due get their turn during a steady flow of plain messages", async () => {
  using time = new FakeTime();
  const { queue, store, add, onStored } = await open();
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  let rest = 5;
  onStored.push(() => void (rest-- > 0 && add("more")));
  queue.moves.moveCursor("d1", "ui", 1);
  add("first");
  await turns(2);
  await time.tick(2_000);
  gate.resolve();
  await queue.flush();
  assert.deepEqual(store.commits.slice(0, 3), ["plain: first", "moves", "plain: more"]);
});

Deno.test("flush() resolves when plain messages, other entries and moves are committed", async () => {
  const { queue, store, add, append } = await open();
  queue.moves.moveCursor("d1", "ui", 1);
  add("1");
  void append("2");
  await queue.flush();
  await queue.flush();
  assert.deepEqual(store.commits, ["plain: 1", "2"]);
  assert.equal(queue.moves.waitingCursor("d1", "ui"), undefined);
});

Deno.test("a batch is counted like other commits, with the time until it is on disk", async () => {
  const { queue, metrics, add, onStored } = await open();
  const { now } = performance;
  let later = 0;
  performance.now = () => now.call(performance) + later;
  onStored.push(() => later += 1_000_000);
  try {
    add("1");
    add("2");
    await queue.flush();
  } finally {
    performance.now = now;
  }
  const [{ seconds, ...counts }, ...more] = metrics.commits;
  assert.deepEqual([counts, more], [{ messages: 2, events: 0, changes: 2 }, []]);
  assert.ok(seconds > 0 && seconds < 500, String(seconds));
});
