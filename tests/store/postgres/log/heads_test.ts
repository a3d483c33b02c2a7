import assert from "node:assert/strict";
import { ChatError } from "../../../../src/core/chat_error.ts";
import { type Log, silentLog } from "../../../../src/core/log.ts";
import type { ExclusiveMessageStore } from "../../../../src/core/messages/message_store.ts";
import { Connection, type Parameter } from "../../../../src/store/postgres/connection/connection.ts";
import type { Database } from "../../../../src/store/postgres/connection/database.ts";
import { Heads } from "../../../../src/store/postgres/log/heads.ts";
import { PostgresMessageStore } from "../../../../src/store/postgres/log/postgres_message_store.ts";
import { access, openPostgresStore } from "../../../support/databases/postgres_store.ts";
import { plainBatch, plainMessage } from "../../../support/lane/plain_batches.ts";
import { accept, directAppend, entryAppend, userRecord } from "../../../support/servers/stored_messages.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const users = Array.from({ length: 9 }, (_, number) => `user${number}`);
const room = "+" + "r".repeat(26);
const roomCreated = { kind: "room_created", isPublic: false, historyVisible: true } as const;
/** Heads are written only when a test asks for it. */
const never = { delayMs: 1_000_000 };
const full = new ChatError("storage_full", "full");

async function openStore(options: Parameters<typeof openPostgresStore>[0] = never) {
  const store = await openPostgresStore(options);
  for (const user of users) await store.accounts.addUser(userRecord(user));
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
}

/** The order of a user's direct conversations as it is in the database, and the position up to which it is complete. */
async function written(database: Database, user = users[0]) {
  const positions = await database.read<{ position: number }>(
    `SELECT m.head_position AS position FROM member m JOIN "user" u ON u.id = m."user"
     WHERE u.name = $1 AND m.room = 0 ORDER BY m.conversation`,
    [user],
  );
  const [{ through }] = await database.read<{ through: number }>("SELECT heads_through AS through FROM log");
  return { positions: positions.map(({ position }) => position), through };
}

async function listed(messages: ExclusiveMessageStore, user = users[0]): Promise<string[]> {
  const { conversations } = await messages.conversationsOf(user, { beforePosition: 0, limit: 99, maxBytes: 99_999 });
  return conversations.map(({ conversation }) => conversation);
}

/** A database whose line of commits a test controls. */
function intercepted(
  database: Database,
  commit: (run: () => Promise<unknown>) => Promise<unknown>,
): Pick<Database, "read" | "commit"> {
  return {
    read: (text, values) => database.read(text, values),
    commit: <Row>(text: string, values?: readonly Parameter[]) =>
      commit(() => database.commit(text, values)) as Promise<Row[]>,
  };
}

Deno.test("a list has the conversations first that moved last, though commits write no order", async () => {
  await using store = await openStore();
  const { database, messages } = store;
  for (const peer of [1, 2, 3]) await accept(messages, directAppend(users[0], users[peer]));
  await messages.commitPlain(plainBatch([plainMessage(users[1], users[0])]));
  assert.deepEqual(await written(database), { positions: [0, 0, 0], through: 0 });
  assert.deepEqual(await listed(messages), ["user0:user1", "user0:user3", "user0:user2"]);
  assert.deepEqual((await written(database)).positions, [4, 2, 3]);
});

Deno.test("after a crash the next node finds the head, and the order that was not written", async () => {
  await using store = await openStore();
  const { database } = store;
  for (const peer of [1, 2, 3]) await accept(store.messages, directAppend(users[0], users[peer]));
  await store.messages.heads.write();
  for (const peer of [2, 1]) await accept(store.messages, directAppend(users[0], users[peer]));
  await accept(store.messages, entryAppend(room, users[0], { event: roomCreated, text: "ops" }));
  const next = await PostgresMessageStore.open(database, never);
  assert.equal(next.head, 6);
  assert.deepEqual(await listed(next), [room, "user0:user1", "user0:user2", "user0:user3"]);
  assert.deepEqual((await written(database)).positions, [5, 4, 3]);
  await next.close();
  assert.equal((await written(database)).through, 6);
});

Deno.test("heads that a crash of PostgreSQL undid are written again when the node connects again", async () => {
  await using store = await openStore();
  const { database, messages } = store;
  database.expect(messages.heads);
  for (const peer of [1, 2, 3]) await accept(messages, directAppend(users[0], users[peer]));
  await messages.heads.write();
  // The write did not wait for the disk.
  await database.write("UPDATE member SET head_position = 0");
  await using connection = await Connection.open(access, { name: "test" });
  const ours = [`chatd commit % ${access.address.schema}`];
  await connection.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE $1", ours);
  await eventually(async () => (await listed(messages)).length === 3);
  assert.deepEqual(await listed(messages), ["user0:user3", "user0:user2", "user0:user1"]);
  assert.deepEqual(await written(database), { positions: [1, 2, 3], through: 0 });
});

Deno.test("the head is found when retention removed the newest entries", async () => {
  await using store = await openStore();
  const { database, messages } = store;
  await accept(messages, directAppend(users[0], users[1]));
  await messages.heads.write();
  await database.write("UPDATE log SET kept_position = 1");
  await database.write("UPDATE conversation SET kept_seq = 1, kept_position = 1");
  await database.write("DELETE FROM entry");
  const next = await PostgresMessageStore.open(database, never);
  assert.equal(next.head, 1);
  const batch = plainBatch([plainMessage(users[0], users[1])]);
  assert.equal(await next.commitPlain(batch), true);
  assert.deepEqual([batch.firstPosition, batch.seq(0)], [2, 2]);
  await next.close();
});

Deno.test("heads are written by themselves after a while, and so is how far they are complete", async () => {
  await using store = await openStore({ delayMs: 1 });
  const { database, messages } = store;
  await accept(messages, directAppend(users[0], users[1]));
  await eventually(async () => (await written(database)).through === 1);
  assert.deepEqual((await written(database)).positions, [1]);
  await accept(messages, entryAppend(room, users[0], { event: roomCreated, text: "ops" }));
  await eventually(async () => (await written(database)).through === 2);
});

Deno.test("heads are written at once when many conversations moved", async () => {
  await using store = await openStore({ ...never, maxUnwritten: 4 });
  const { database, messages } = store;
  for (const peer of [1, 2, 3]) await accept(messages, directAppend(users[0], users[peer]));
  assert.deepEqual((await written(database)).positions, [0, 0, 0]);
  await accept(messages, directAppend(users[0], users[4]));
  await eventually(async () => (await written(database)).through === 4);
  assert.deepEqual((await written(database)).positions, [1, 2, 3, 4]);
});

Deno.test("closing the store writes all heads", async () => {
  const store = await openStore();
  await accept(store.messages, directAppend(users[0], users[1]));
  await store.messages.close();
  assert.deepEqual(await written(store.database), { positions: [1], through: 1 });
  await store.close();
});

Deno.test("closing succeeds without the database, and the next opening writes the heads", async () => {
  await using store = await openStore();
  await accept(store.messages, directAppend(users[0], users[1]));
  const lost = await Heads.open(intercepted(store.database, () => Promise.reject(full)), never);
  await lost.close();
  assert.deepEqual(await written(store.database), { positions: [0], through: 0 });
  const next = await Heads.open(store.database, never);
  await next.write();
  assert.deepEqual((await written(store.database)).positions, [1]);
  await next.close();
});

Deno.test("write() calls share a writing, and wait for the next one if a conversation moved since", async () => {
  await using store = await openStore();
  for (const peer of [1, 2]) await accept(store.messages, directAppend(users[0], users[peer]));
  await store.messages.close();
  const begun: PromiseWithResolvers<void>[] = [];
  const database = intercepted(store.database, async (run) => {
    const gate = Promise.withResolvers<void>();
    begun.push(gate);
    await gate.promise;
    return await run();
  });
  const heads = await Heads.open(database, never);
  await heads.write();
  assert.equal(begun.length, 0);
  heads.move([{ conversation: 1, position: 3 }], 3);
  const first = Promise.all([heads.write(), heads.write()]);
  await eventually(() => begun.length === 1);
  const shared = heads.write();
  heads.move([{ conversation: 2, position: 4 }], 4);
  const later = Promise.all([heads.write(), heads.write()]);
  begun[0].resolve();
  await Promise.all([first, shared]);
  assert.deepEqual((await written(store.database)).positions, [3, 2]);
  await eventually(() => begun.length === 2);
  begun[1].resolve();
  await later;
  assert.deepEqual((await written(store.database)).positions, [3, 4]);
  const closing = heads.close();
  await eventually(() => begun.length === 3);
  begun[2].resolve();
  await closing;
});

Deno.test("a failed write() fails for its callers, and the next one writes those heads, too", async () => {
  await using store = await openStore();
  for (const peer of [1, 2]) await accept(store.messages, directAppend(users[0], users[peer]));
  let isFull = true;
  const heads = await Heads.open(intercepted(store.database, (run) => isFull ? Promise.reject(full) : run()), never);
  const failed = await Promise.allSettled([heads.write(), heads.write()]);
  assert.deepEqual(failed.map(({ status }) => status), ["rejected", "rejected"]);
  isFull = false;
  heads.move([{ conversation: 2, position: 3 }], 3);
  await heads.write();
  assert.deepEqual((await written(store.database)).positions, [1, 3]);
  await heads.close();
});

Deno.test("a failure that no caller waits for is logged, and writing is tried again", async () => {
  await using store = await openStore();
  await accept(store.messages, directAppend(users[0], users[1]));
  let isFull = true;
  const errors: string[] = [];
  const log: Log = { ...silentLog, error: (event) => errors.push(event) };
  const database = intercepted(store.database, (run) => isFull ? Promise.reject(full) : run());
  const heads = await Heads.open(database, { log, delayMs: 1, retryMs: 1 });
  await eventually(() => errors.length > 1);
  assert.equal(errors[0], "cannot write the heads of conversations");
  isFull = false;
  await eventually(async () => (await written(store.database)).through === 1);
  assert.deepEqual((await written(store.database)).positions, [1]);
  await heads.close();
});

Deno.test("a page continues from its list though the last conversation moves before the page is read", async () => {
  await using store = await openStore();
  const { messages } = store;
  for (const peer of [1, 2, 3, 4]) await accept(messages, directAppend(users[peer], users[0]));
  const write = messages.heads.write.bind(messages.heads);
  messages.heads.write = async () => {
    await write();
    await accept(messages, directAppend(users[3], users[0], { text: "moved" }));
  };
  const limits = { limit: 2, maxBytes: 99_999 };
  const first = await messages.conversationsOf(users[0], { beforePosition: 0, ...limits });
  const peers = ({ conversations }: typeof first) => conversations.map(({ conversation }) => conversation);
  assert.deepEqual(peers(first), [`${users[0]}:${users[4]}`, `${users[0]}:${users[3]}`]);
  assert.equal(first.conversations[1].last?.text, "moved");
  const second = await messages.conversationsOf(users[0], {
    beforePosition: first.conversations[1].position,
    ...limits,
  });
  assert.deepEqual(peers(second), [`${users[0]}:${users[2]}`, `${users[0]}:${users[1]}`]);
});
