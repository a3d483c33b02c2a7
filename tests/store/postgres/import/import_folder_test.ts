import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { silentLog } from "../../../../src/core/log.ts";
import { openStore } from "../../../../src/store/open_store.ts";
import { Connection } from "../../../../src/store/postgres/connection/connection.ts";
import { takeLease } from "../../../../src/store/postgres/connection/lease.ts";
import { importFolder } from "../../../../src/store/postgres/import/import_folder.ts";
import { openPostgresStore } from "../../../../src/store/postgres/open_postgres_store.ts";
import { complete } from "../../../contract/file_store.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { access, emptySchema } from "../../../support/databases/postgres_store.ts";
import {
  accept,
  deviceRecord,
  directAppend,
  entryAppend,
  userRecord,
  wholeLog,
} from "../../../support/servers/stored_messages.ts";

const users = ["ana", "ben", "cleo"];
const room = "+" + "o".repeat(26);
const unlimited = { limit: 1_000, maxBytes: 1_000_000 };
const content = new Uint8Array(150_000).map((_, index) => index % 251);

type Stores = Pick<ReturnType<typeof openStore>, "messages" | "accounts" | "rooms" | "settings" | "files">;

/** Fills a data folder with one of each: accounts, a login, rooms, changes of messages, a file, a block, a retention rule. */
async function fill(folder: string): Promise<{ before: unknown; sha256: string }> {
  using store = openStore({ folder });
  store.beginServing();
  const { messages, accounts, settings } = store;
  for (const user of users) await accounts.addUser(userRecord(user));
  await accounts.saveDevice(deviceRecord("laptop", "ana"));
  const first = await accept(messages, directAppend("ana", "ben", { text: "with a \u0000 in it" }));
  await accept(messages, directAppend("ben", "ana", { text: "second" }));
  const event = (sender: string, event: Parameters<typeof entryAppend>[2] & object) =>
    accept(messages, entryAppend(first.conversation, sender, event));
  await event("ana", { event: { kind: "edited", target: 1 }, text: "edited" });
  await event("ben", { event: { kind: "reacted", target: 1, emoji: "👍", removed: false } });
  await event("ben", { event: { kind: "pinned", target: 1, removed: false } });
  await event("ben", { event: { kind: "deleted", target: 2 } });
  const made = { kind: "room_created", isPublic: true, historyVisible: true } as const;
  await accept(messages, entryAppend(room, "ana", { event: made, text: "ops" }));
  await accept(messages, entryAppend(room, "cleo", { event: { kind: "joined" } }));
  await accept(messages, entryAppend(room, "ana", { text: "@cleo look", mentions: ["cleo"] }));
  const { id: uploadId, sha256 } = await complete(store.files, content);
  await accept(messages, entryAppend(room, "ana", { text: "a file", uploadId }));
  await messages.openConsumer("laptop", "ui", { maxConsumers: 10, start: { at: 3 } });
  await settings.block("cleo", "ben", messages.head);
  await accounts.addUser(userRecord("erased"));
  await accounts.deleteUser("erased", { alias: "former-user", erase: true });
  return { before: await read(store), sha256 };
}

/** What the users see. */
async function read({ messages, accounts, rooms }: Stores): Promise<unknown> {
  const seen = [];
  for (const user of users) {
    seen.push(
      await messages.messagesAfter(user, 0, unlimited),
      await messages.conversationsOf(user, { beforePosition: 0, ...unlimited }),
      await messages.history(user, room, { ...wholeLog, ...unlimited, events: true }),
      await messages.pinsIn(user, "ana:ben", { beforePosition: 0, ...unlimited }),
      await accounts.findUser(user),
    );
  }
  const cursor = await messages.openConsumer("laptop", "ui", { maxConsumers: 10 });
  return { seen, cursor, room: await rooms.findRoom(room), head: messages.head, epoch: messages.epoch };
}

/** Serves from the database of this process. */
async function openImported() {
  await using connection = await Connection.open(access, { name: "test" });
  const generation = (await takeLease(connection, { node: "test", token: crypto.randomUUID() }))!;
  return await openPostgresStore({ access, generation, log: silentLog });
}

Deno.test("a data folder that was imported is served as it was, and goes on after its newest position", async () => {
  using folder = temporaryFolder();
  const { before, sha256 } = await fill(folder.path);
  await emptySchema();
  const { rows, contents, missing } = await importFolder({ folder: folder.path, access });
  assert.deepEqual([rows.get("user"), rows.get("entry"), contents, missing], [4, 10, 1, []]);
  const store = await openImported();
  try {
    assert.deepEqual(await read(store), before);
    assert.deepEqual(await store.files.read(sha256, { offset: 0, maxBytes: 1_000_000 }), content);
    const { head } = store.messages;
    const next = await accept(store.messages, directAppend("cleo", "ana"));
    assert.deepEqual([next.position, next.seq], [head + 1, 1]);
    assert.equal((await accept(store.messages, directAppend("ana", "ben"))).seq, 7);
    await store.accounts.addUser(userRecord("dan"));
  } finally {
    await store.close();
  }
});

Deno.test("a client goes on where it was in the folder: its incarnation is known", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  const { incarnation, head } = readIncarnation(folder.path);
  await emptySchema();
  await importFolder({ folder: folder.path, access });
  const store = await openImported();
  try {
    await store.beginServing();
    assert.equal(await store.messages.sharedThrough(incarnation), head);
  } finally {
    await store.close();
  }
});

function readIncarnation(folder: string): { incarnation: string; head: number } {
  using store = openStore({ folder });
  const { head } = store.messages;
  using database = new DatabaseSync(`${folder}/chatd.sqlite`, { readOnly: true });
  const { id } = database.prepare("SELECT id FROM incarnation ORDER BY number DESC").get() as { id: string };
  return { incarnation: id, head };
}

Deno.test("an absent content is reported, and everything else is imported", async () => {
  using folder = temporaryFolder();
  const { sha256 } = await fill(folder.path);
  Deno.removeSync(`${folder.path}/files/${sha256.slice(0, 2)}/${sha256}`);
  await emptySchema();
  const { contents, missing } = await importFolder({ folder: folder.path, access });
  assert.deepEqual([contents, missing], [0, [sha256]]);
  const store = await openImported();
  try {
    assert.equal(await store.files.read(sha256, { offset: 0, maxBytes: 10 }), undefined);
  } finally {
    await store.close();
  }
});

Deno.test("an import is refused into tables in use, while a server has the folder or the database, and without a folder", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  await emptySchema();
  const run = () => importFolder({ folder: folder.path, access });
  {
    await using connection = await Connection.open(access, { name: "test" });
    await takeLease(connection, { node: "other", token: crypto.randomUUID() });
    await assert.rejects(run(), { code: "busy", message: /node "other" serves it/ });
    await emptySchema();
  }
  {
    using _store = openStore({ folder: folder.path });
    using _lock = (await import("../../../../src/store/folder_lock.ts")).lockFolder(folder.path);
    await assert.rejects(run(), { code: "busy", message: /in use by another chatd server/ });
  }
  await run();
  await assert.rejects(run(), { code: "already_exists", message: /has accounts or messages already/ });
  using nothing = temporaryFolder();
  await assert.rejects(importFolder({ folder: nothing.path, access }), { code: "not_found" });
});

Deno.test("an import that fails leaves the tables empty", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  {
    using database = new DatabaseSync(`${folder.path}/chatd.sqlite`);
    // No table of PostgreSQL takes a flag of that size.
    database.exec("UPDATE entry SET automatic = 1000000 WHERE position = 10");
  }
  await emptySchema();
  await assert.rejects(importFolder({ folder: folder.path, access }));
  await using connection = await Connection.open(access, { name: "test" });
  assert.deepEqual(await connection.query('SELECT count(*) AS users FROM "user"'), [{ users: 0 }]);
});
