import assert from "node:assert/strict";
import { silentLog } from "../../../src/core/log.ts";
import { Database, databasePath } from "../../../src/store/sqlite/database.ts";
import { allocatedLogBytes } from "../../../src/store/sqlite/log_allocation.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { busyCommits, Indexer } from "../../../src/store/sqlite/search/indexer.ts";
import { SearchIndex } from "../../../src/store/sqlite/search/search_index.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";
import { accept, directAppend, userRecord } from "../../support/servers/stored_messages.ts";
import { eventually } from "../../support/waiting/eventually.ts";

async function openStore(folder: string) {
  const database = Database.open(folder);
  const accounts = new SqliteAccountStore(database);
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  return { database, messages: new SqliteMessageStore(database), [Symbol.dispose]: () => database.close() };
}

/** Copies an open database, as a crash would leave it. */
function copyFiles(folder: string, to: string): void {
  for (const end of ["", "-wal"]) Deno.copyFileSync(databasePath(folder) + end, databasePath(to) + end);
}

Deno.test("a database recovers from an allocated log: an empty one, and one with commits", async () => {
  using folder = temporaryFolder();
  using store = await openStore(folder.path);
  const { database, messages } = store;
  assert.ok(database.truncateLog());
  database.allocateLog();
  for (let count = 0; count < 3; count++) {
    assert.equal(database.logBytes, allocatedLogBytes);
    using copy = temporaryFolder();
    copyFiles(folder.path, copy.path);
    using recovered = Database.open(copy.path);
    assert.equal(recovered.heads.head, count);
    await accept(messages, directAppend("ana", "ben"));
  }
});

Deno.test("allocating keeps the commits that the log has", async () => {
  using folder = temporaryFolder();
  using store = await openStore(folder.path);
  await accept(store.messages, directAppend("ana", "ben"));
  store.database.allocateLog();
  assert.equal(store.database.logBytes, allocatedLogBytes);
  using copy = temporaryFolder();
  copyFiles(folder.path, copy.path);
  using recovered = Database.open(copy.path);
  assert.equal(recovered.heads.head, 1);
});

Deno.test("the log is allocated again after it was emptied, only if there were many commits, and contains only zeros then", async () => {
  using folder = temporaryFolder();
  using store = await openStore(folder.path);
  const { database, messages } = store;
  // One turn indexes all: a later one would write to the log that was allocated.
  const timing = { delayMs: 1, turnMs: 60_000, retryMs: 1, forgetMs: 1 };
  const index = new SearchIndex(database);
  using indexer = new Indexer({ database, index, head: () => messages.head, log: silentLog, timing });
  indexer.start();
  await accept(messages, directAppend("ana", "ben", { text: "secret ".repeat(2_000) }));
  await eventually(() => database.logBytes === 0);
  for (let count = 0; count < busyCommits; count++) await accept(messages, directAppend("ana", "ben"));
  await eventually(() => {
    const log = Deno.readFileSync(`${databasePath(folder.path)}-wal`);
    return log.length === allocatedLogBytes && log.every((byte) => byte === 0);
  });
});

Deno.test("a database without a log gets none", () => {
  using database = Database.openInMemory();
  database.allocateLog();
  assert.equal(database.logBytes, 0);
});
