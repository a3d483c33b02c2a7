import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { defaultSettings } from "../../../src/core/people/settings_store.ts";
import { makeBackup } from "../../../src/store/backup/backup.ts";
import { restoreBackup } from "../../../src/store/backup/restore.ts";
import { openStore } from "../../../src/store/open_store.ts";
import { Database, migrate } from "../../../src/store/sqlite/database.ts";
import { migrations } from "../../../src/store/sqlite/migrations.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { MessageFinder } from "../../../src/store/sqlite/search/message_finder.ts";
import { SearchIndex } from "../../../src/store/sqlite/search/search_index.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";
import { userRecord, wholeLog } from "../../support/servers/stored_messages.ts";

/** The number of the step that gives reactions their canonical form. */
const withCanonicalEmoji = migrations.findIndex((step) => step.includes("canonical_emoji"));

/** Makes the data folder of a chatd with this version of the schema, with messages from its first version on. */
function makeOldData(folder: string, version: number): void {
  Deno.mkdirSync(folder);
  using connection = new DatabaseSync(`${folder}/chatd.sqlite`);
  connection.function("searchable_text", { varargs: true }, (text) => new TextDecoder().decode(text as Uint8Array));
  connection.function("search_scope", { varargs: true }, (conversation, sender) => `c${conversation} u${sender}`);
  migrate(connection, "test", migrations.slice(0, 1));
  connection.exec(`
    INSERT INTO user (id, name, password_hash, disabled, created_at) VALUES
      (1, 'ana', '', 0, 1), (2, 'ben', '', 0, 1), (3, '4na', '', 0, 1);
    INSERT INTO conversation (id, name, head_seq, head_position) VALUES (1, 'ana:ben', 2, 2);
    INSERT INTO member (conversation, user) VALUES (1, 1), (1, 2);
    INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text) VALUES
      (1, 1, 1, 1, randomblob(16), 1, CAST('Straße' AS BLOB)), (2, 1, 2, 1, randomblob(16), 2, CAST('zqsecret' AS BLOB));
  `);
  migrate(connection, "test", migrations.slice(0, version));
  const tables = connection.prepare("SELECT name FROM sqlite_schema").all().map(({ name }) => name);
  if (tables.includes("reaction")) {
    connection.exec("INSERT INTO reaction VALUES (1, 1, x'e29da4', 1, 1), (1, 1, x'e29da4efb88f', 2, 2)");
  }
  if (tables.includes("file")) {
    connection.exec(`
      INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at)
        VALUES (1, randomblob(16), 'half.txt', 'text/plain', 5, zeroblob(32), 1)
    `);
  }
  if (tables.includes("search_index")) {
    connection.exec(`
      INSERT INTO search_index (rowid, text, scope) SELECT position, searchable_text(text), 'c1 u1' FROM entry;
      UPDATE search_cursor SET position = 2;
    `);
  }
}

Deno.test("the backup of any older version is restored with its messages, names and search", async () => {
  for (let version = 1; version <= migrations.length; version++) {
    using folder = temporaryFolder();
    const [data, backup, target] = ["data", "backup", "new"].map((name) => `${folder.path}/${name}`);
    makeOldData(data, version);
    await makeBackup({ folder: data, to: backup, chatd: "0.1.0" });
    const restored = restoreBackup({ from: backup, folder: target, logOut: false });
    assert.deepEqual([restored.manifest.schema, restored.users, restored.entries], [version, 3, 2]);
    {
      using store = openStore({ folder: target });
      const { settings, accounts } = store;
      const named = (user: string, displayName: string) =>
        settings.saveSettings(user, { ...defaultSettings, displayName });
      assert.equal(await named("ben", "Ben Ito"), "saved");
      // Accounts that look alike were there before the rule.
      assert.equal(await named("4na", "Ana"), "similar");
      assert.equal(await accounts.addUser(userRecord("b3n")), "similar");
    }
    using database = Database.open(target);
    const [index, finder] = [new SearchIndex(database), new MessageFinder(database)];
    const find = (text: string) =>
      finder.find({ user: "ben", terms: [{ text, prefix: false }], excluded: [], beforePosition: 0, limit: 9 })
        .positions;
    database.prepare("UPDATE entry SET text = x'', deleted = 1 WHERE position = 2").run();
    while (index.takeTurn({ head: 2, turnMs: 1_000, maxEntries: 1_000 }));
    assert.deepEqual([find("STRASSE"), find("zqsecret")], [[1], []], `version ${version}`);
    const page = await new SqliteMessageStore(database).history("ana", "ana:ben", {
      ...wholeLog,
      limit: 9,
      maxBytes: 1_000,
    });
    const [first] = page!.messages;
    assert.equal(first.text, "Straße");
    if (version >= 3 && version <= withCanonicalEmoji) {
      assert.deepEqual(first.reactions, [{ emoji: "❤️", count: 2, own: true }], `version ${version}`);
    }
  }
});
