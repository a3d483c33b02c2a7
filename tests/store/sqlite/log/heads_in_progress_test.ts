import assert from "node:assert/strict";
import { Database } from "../../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../../src/store/sqlite/sqlite_account_store.ts";
import { temporaryFolder } from "../../../support/checks/temporary_folder.ts";
import { accept, directAppend, userRecord } from "../../../support/servers/stored_messages.ts";

Deno.test("writeHeads() also writes the heads that another connection is just moving", async () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  const accounts = new SqliteAccountStore(database);
  const messages = new SqliteMessageStore(database);
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  const { position } = await accept(messages, directAppend("ana", "ben"));
  const head = { id: 1, isRoom: false, headSeq: 2, headPosition: position + 1, uncounted: 0 };
  for (const written of [false, true]) {
    if (written) database.writeHeads();
    const next = {
      ...head,
      headSeq: head.headSeq + Number(written),
      headPosition: head.headPosition + Number(written),
    };
    // As the writer thread does when its batch is on disk.
    database.beforeWrite = () => {
      database.beforeWrite = undefined;
      database.heads.move([next], next.headPosition);
    };
    database.writeHeads();
    assert.equal(database.heads.unwritten, 0);
    const { heads_through } = database.prepare("SELECT heads_through FROM log").get()!;
    assert.equal(heads_through, next.headPosition);
  }
});
