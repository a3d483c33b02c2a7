import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { CommitQueue } from "../../../src/core/messages/commit_queue.ts";
import type { Change, ChangeResult } from "../../../src/core/messages/message_store.ts";
import type { Committed, Origin, PendingEntry } from "../../../src/core/messages/pending_entry.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { BehindMessageStore } from "../../support/fakes/behind_store.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";
import { judged, noBatches, nowhere } from "../../support/servers/pending_entries.ts";
import { deviceRecord, directAppend, userRecord } from "../../support/servers/stored_messages.ts";
import { TestMessageStore } from "../../support/servers/test_message_store.ts";
import { TestStore } from "../../support/servers/test_store.ts";
import { turns } from "../../support/waiting/turns.ts";

/** Records the changes of each commit, which waits for `gate` while there is one. */
class GatedStore extends TestMessageStore {
  readonly commits: Change[][] = [];
  gate: Promise<void> | undefined;

  override async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    this.commits.push([...changes]);
    await this.gate;
    return await super.commit(changes);
  }

  get sizes(): number[] {
    return this.commits.map(({ length }) => length);
  }
}

async function open() {
  const { messages: store, accounts } = TestStore.openWith((log) => new GatedStore(log));
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  await accounts.saveDevice(deviceRecord("d1", "ana"));
  const deferred: (() => void)[] = [];
  const accepted: Committed[] = [];
  const queue = new CommitQueue({
    store,
    defer: (callback) => void deferred.push(callback),
    onCommitted: (entries) => void accepted.push(...entries),
    ...noBatches,
  });
  /** The input that is ready has been read. */
  const proceed = async () => {
    await turns();
    for (let callback = deferred.shift(); callback !== undefined; callback = deferred.shift()) callback();
    await turns(2);
  };
  const append = (text: string, origin?: Origin) => queue.append(judged(directAppend("ana", "ben", { text }), origin));
  return { store, queue, accepted, proceed, append };
}

Deno.test("messages that arrive together are committed together, in order", async () => {
  const { store, accepted, proceed, append } = await open();
  const results = Promise.all(["1", "2", "3"].map((text) => append(text)));
  assert.deepEqual(store.sizes, []);
  await proceed();
  assert.deepEqual(store.sizes, [3]);
  assert.deepEqual(accepted.map(({ message }) => [message.text, message.seq]), [["1", 1], ["2", 2], ["3", 3]]);
  assert.deepEqual((await results).map(({ kind }) => kind), ["accepted", "accepted", "accepted"]);
});

Deno.test("messages that arrive during a commit wait for the next one", async () => {
  const { store, accepted, proceed, append } = await open();
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  const first = append("1");
  await proceed();
  const rest = Promise.all([append("2"), append("3")]);
  await proceed();
  assert.deepEqual([store.sizes, accepted.length], [[1], 0]);
  gate.resolve();
  await first;
  await proceed();
  await rest;
  assert.deepEqual(store.sizes, [1, 2]);
  assert.deepEqual(accepted.map(({ message }) => message.text), ["1", "2", "3"]);
});

Deno.test("a message is published with its origin before its append resolves", async () => {
  const { accepted, proceed, append } = await open();
  const origin = { ...nowhere };
  const published = append("1", origin).then(() => accepted.map((each) => each.origin));
  await proceed();
  assert.deepEqual(await published, [origin]);
  assert.equal(accepted[0].origin, origin);
});

Deno.test("a commit holds at most 1000 messages", async () => {
  const { store, accepted, proceed, append } = await open();
  const all = Promise.all(Array.from({ length: 2_001 }, (_, index) => append(`${index}`)));
  for (let round = 0; round < 3; round++) await proceed();
  await all;
  assert.deepEqual(store.sizes, [1_000, 1_000, 1]);
  assert.deepEqual(
    accepted.map(({ message }) => message.text),
    Array.from({ length: 2_001 }, (_, index) => `${index}`),
  );
});

Deno.test("a commit that fails rejects its own messages only", async () => {
  const { store, accepted, proceed, append } = await open();
  const full = new ChatError("storage_full", "The disk is full.");
  store.commitError = full;
  const failing = Promise.allSettled([append("1"), append("2")]);
  await proceed();
  assert.deepEqual((await failing).map((result) => result.status === "rejected" && result.reason), [full, full]);
  assert.equal(accepted.length, 0);
  store.commitError = undefined;
  const next = append("3");
  await proceed();
  assert.equal((await next).kind, "accepted");
  assert.deepEqual(accepted.map(({ message }) => [message.text, message.seq]), [["3", 1]]);
});

Deno.test("cursors wait for two seconds, the last one of each consumer, and do not burden the commits before", async () => {
  using time = new FakeTime();
  const { store, queue, proceed, append } = await open();
  const sent = Promise.all([append("1"), append("2"), append("3")]);
  await proceed();
  await sent;
  queue.moves.moveCursor("d1", "ui", 1);
  queue.moves.moveCursor("d1", "tail", 2);
  await time.tick(1_999);
  queue.moves.moveCursor("d1", "ui", 3);
  const next = append("4");
  await proceed();
  await next;
  assert.deepEqual(store.sizes, [3, 1]);
  assert.equal(queue.moves.waitingCursor("d1", "ui"), 3);
  await time.tick(1);
  await proceed();
  assert.deepEqual(store.commits[2], [
    { kind: "move_cursor", deviceId: "d1", consumer: "ui", position: 3 },
    { kind: "move_cursor", deviceId: "d1", consumer: "tail", position: 2 },
  ]);
  assert.equal(queue.moves.waitingCursor("d1", "ui"), undefined);
  assert.equal(time.pending, 0);
});

Deno.test("cursors that are due ride along with the next commit", async () => {
  using time = new FakeTime();
  const { store, queue, proceed, append } = await open();
  queue.moves.moveCursor("d1", "ui", 0);
  await time.tick(2_000);
  const next = append("1");
  await proceed();
  await next;
  assert.deepEqual(store.sizes, [2]);
});

Deno.test("a cursor that falls due during a commit is committed after it", async () => {
  using time = new FakeTime();
  const { store, queue, proceed, append } = await open();
  const gate = Promise.withResolvers<void>();
  store.gate = gate.promise;
  const first = append("1");
  await proceed();
  queue.moves.moveCursor("d1", "ui", 0);
  await time.tick(2_000);
  gate.resolve();
  await first;
  await proceed();
  assert.deepEqual(store.sizes, [1, 1]);
});

Deno.test("flush() commits everything in the queue, and leaves no timer", async () => {
  using time = new FakeTime();
  const { store, queue, proceed, append } = await open();
  const sent = Promise.all(Array.from({ length: 1_500 }, (_, index) => append(`${index}`)));
  queue.moves.moveCursor("d1", "ui", 0);
  await queue.flush();
  await sent;
  assert.deepEqual(store.sizes, [1_001, 500]);
  await proceed();
  assert.deepEqual(store.sizes, [1_001, 500]);
  assert.equal(time.pending, 0);
});

Deno.test("flush() ends when the store refuses all commits", async () => {
  using time = new FakeTime();
  const { store, queue, append } = await open();
  store.commitError = new ChatError("storage_full", "The disk is full.");
  const sent = rejectsWith("storage_full", append("1"));
  queue.moves.moveCursor("d1", "ui", 0);
  await queue.flush();
  await sent;
  assert.equal(time.pending, 0);
});

Deno.test("too many or too large messages are refused as busy until the store has answered", async () => {
  const { store, queue, append } = await open();
  store.commitError = new ChatError("storage_full", "The disk is full.");
  const fill = async (count: number, text: string) => {
    const waiting = Promise.allSettled(Array.from({ length: count }, () => append(text)));
    assert.equal((await rejectsWith("busy", append("x"))).retryAfterMs, 1_000);
    await queue.flush();
    await waiting;
  };
  await fill(20_000, "x");
  await fill(4_096, "x".repeat(16_384));
  store.commitError = undefined;
  const next = append("x");
  await queue.flush();
  assert.equal((await next).kind, "accepted");
});

Deno.test("an entry that cannot be judged again is rejected, and the others are committed", async () => {
  const { messages: store, accounts } = BehindMessageStore.open();
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  const queue = new CommitQueue({ store, defer: setImmediate, onCommitted() {}, ...noBatches });
  store.meanwhile.push(() => {});
  let withdrawn = 0;
  const failing: PendingEntry = {
    ...judged(directAppend("ana", "ben", { text: "1" })),
    refresh: () => Promise.reject(new Error("no connection")),
    withdraw: () => void withdrawn++,
  };
  const rejected = assert.rejects(queue.append(failing), /no connection/);
  const sent = queue.append(judged(directAppend("ana", "ben", { text: "2" })));
  await rejected;
  assert.equal((await sent).kind, "accepted");
  assert.deepEqual([store.commits, withdrawn], [[["1", "2"], ["2"]], 1]);
});

Deno.test("cursors of an unjudged commit are moved by the next one, and never back", async () => {
  using time = new FakeTime();
  const { messages: store, accounts } = BehindMessageStore.open();
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  await accounts.saveDevice(deviceRecord("d1", "ana"));
  const queue = new CommitQueue({
    store,
    defer: (callback) => void setImmediate(callback),
    onCommitted() {},
    ...noBatches,
  });
  for (const text of ["1", "2"]) await queue.append(judged(directAppend("ana", "ben", { text })));
  store.meanwhile.push(() => {
    assert.equal(queue.moves.waitingCursor("d1", "ui"), 2);
    queue.moves.moveCursor("d1", "ui", 1);
    queue.moves.moveCursor("d1", "tail", 1);
  });
  queue.moves.moveCursor("d1", "ui", 2);
  await queue.flush();
  const open = (consumer: string) => store.openConsumer("d1", consumer, { maxConsumers: 9, start: { at: 0 } });
  assert.deepEqual([await open("ui"), await open("tail")], [2, 1]);
  assert.equal(time.pending, 0);
});
