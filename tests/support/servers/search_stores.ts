import { SearchIndex } from "../../../src/store/sqlite/search/search_index.ts";
import { PostgresSearch } from "../../../src/store/postgres/search/postgres_search.ts";
import { PostgresSearchIndex } from "../../../src/store/postgres/search/postgres_search_index.ts";
import type { Database as PostgresDatabase } from "../../../src/store/postgres/connection/database.ts";
import type { Database } from "../../../src/store/sqlite/database.ts";
import type { OpenedSearch, SearchedRows } from "../../contract/message_search.ts";
import { openPostgresStore } from "../databases/postgres_store.ts";
import { SearchStore } from "./search_store.ts";
import { userRecord } from "./stored_messages.ts";

const limits = { turnMs: 1_000, maxEntries: 1_000 };

/** For the contract: a store in SQLite, in memory. */
export async function openSqliteSearch(): Promise<OpenedSearch> {
  const store = await SearchStore.open();
  const { database, messages, finder } = store;
  let index = new SearchIndex(database);
  return {
    messages,
    find: (request) => Promise.resolve(finder.find(request)),
    async indexThrough(head) {
      while (index.takeTurn({ head, ...limits }));
      await Promise.resolve();
    },
    takeTurn: (maxEntries) => Promise.resolve(index.takeTurn({ ...limits, head: messages.head, maxEntries })),
    reopenIndex: () => Promise.resolve(void (index = new SearchIndex(database))),
    words() {
      database.prepare("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, search_index, 'instance')").run();
      const words = database.prepare("SELECT term, doc, col, offset FROM temp.words ORDER BY 1, 2, 3, 4").all();
      database.prepare("DROP TABLE temp.words").run();
      return Promise.resolve(words);
    },
    emptyIndex() {
      database.prepare("INSERT INTO search_index (search_index) VALUES ('delete-all')").run();
      database.prepare("UPDATE search_cursor SET position = 0").run();
      return Promise.resolve(void (index = new SearchIndex(database)));
    },
    rows: sqliteRows(database),
    close: () => {
      // Reports words that no message has any more.
      database.prepare("INSERT INTO search_index (search_index) VALUES ('integrity-check')").run();
      return Promise.resolve(store.close());
    },
  };
}

function sqliteRows(database: Database): SearchedRows {
  const run = (sql: string, ...values: (string | number)[]) =>
    Promise.resolve(void database.prepare(sql).run(...values));
  return {
    async attachFile(position, name) {
      await run(
        `INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at, complete, position)
         VALUES (1, randomblob(16), ?, 'text/plain', 1, zeroblob(32), 1, 1, ?)`,
        name,
        position,
      );
      await run("UPDATE entry SET file = 1 WHERE position = ?", position);
    },
    removeFile: (position) => run("DELETE FROM file WHERE position = ?", position),
    removeEntry: (position) => run("DELETE FROM entry WHERE position = ?", position),
    failToRemoveEntries() {
      try {
        database.transaction(() => {
          database.prepare("DELETE FROM entry").run();
          throw new Error("no");
        });
      } catch {
        // As intended.
      }
      return Promise.resolve();
    },
    setText: (position, text) =>
      run("UPDATE entry SET text = CAST(? AS BLOB) WHERE position = ? AND deleted = 0", text, position),
    blank: (position) => run("UPDATE entry SET text = x'', deleted = 1 WHERE position = ?", position),
    addPeers(texts) {
      database.transaction(() => {
        for (const [index, text] of texts.entries()) {
          const name = `peer${index + 1}`;
          const position = (index + 1) * 2;
          const { lastInsertRowid: user } = database
            .prepare("INSERT INTO user (name, password_hash, disabled, created_at) VALUES (?, '', 0, 0)").run(name);
          const { lastInsertRowid: conversation } = database
            .prepare("INSERT INTO conversation (name, head_seq, head_position) VALUES (?, 1, ?)")
            .run(`ana:${name}`, position);
          database.prepare("INSERT INTO span SELECT id, ?, 1, 9, 9, 0 FROM user WHERE name = 'ana'").run(conversation);
          database.prepare(
            `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
             VALUES (?, ?, 1, ?, zeroblob(16), 0, CAST(? AS BLOB))`,
          ).run(position, conversation, user, text);
        }
      });
      return Promise.resolve();
    },
  };
}

/** For the contract: a store in PostgreSQL. */
export async function openPostgresSearch() {
  const store = await openPostgresStore();
  const { database, messages, accounts } = store;
  for (const user of ["ana", "ben", "cleo"]) await accounts.addUser(userRecord(user));
  const search = new PostgresSearch(database);
  let index = await PostgresSearchIndex.open(database);
  const reopenIndex = async () => {
    index[Symbol.dispose]();
    index = await PostgresSearchIndex.open(database);
  };
  return {
    database,
    messages,
    get index() {
      return index;
    },
    find: search.find.bind(search),
    async indexThrough(head: number) {
      while (await index.takeTurn({ head, ...limits }));
    },
    takeTurn: (maxEntries: number) => index.takeTurn({ ...limits, head: messages.head, maxEntries }),
    reopenIndex,
    words: () => database.read("SELECT position, edited_seq, long, words::text FROM search ORDER BY position"),
    async emptyIndex() {
      await database.write("DELETE FROM search");
      await database.write("UPDATE search_cursor SET position = 0");
      await reopenIndex();
    },
    rows: postgresRows(database),
    async close() {
      search[Symbol.dispose]();
      index[Symbol.dispose]();
      await store.close();
    },
  } satisfies OpenedSearch & Record<string, unknown>;
}

function postgresRows(database: PostgresDatabase): SearchedRows {
  const run = async (sql: string, ...values: (string | number)[]) => void await database.write(sql, values);
  return {
    async attachFile(position, name) {
      await run(
        `INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at, complete, position)
         SELECT id, gen_random_uuid(), $1, 'text/plain', 1, sha256(''), 1, 1, $2 FROM "user" WHERE name = 'ana'`,
        name,
        position,
      );
      await run("UPDATE entry SET file = 1 WHERE position = $1", position);
    },
    removeFile: (position) => run("DELETE FROM file WHERE position = $1", position),
    async removeEntry(position) {
      // As retention, so that the position is not given again.
      await run("UPDATE log SET kept_position = greatest(kept_position, $1)", position);
      await run("DELETE FROM entry WHERE position = $1", position);
    },
    async failToRemoveEntries() {
      const failing = database.transaction(async ({ query }) => {
        await query("DELETE FROM entry");
        throw new Error("no");
      });
      await failing.catch(() => {});
    },
    setText: (position, text) =>
      run("UPDATE entry SET text = convert_to($1, 'UTF8') WHERE position = $2 AND deleted = 0", text, position),
    blank: (position) => run("UPDATE entry SET text = '', deleted = 1 WHERE position = $1", position),
    async addPeers(texts) {
      await database.write(
        `INSERT INTO "user" (name, password_hash, disabled, created_at)
         SELECT 'peer' || n, '', 0, 0 FROM generate_series(1, $1::int) n`,
        [texts.length],
      );
      await database.write(
        "INSERT INTO conversation (name) SELECT 'ana:' || name FROM \"user\" WHERE name LIKE 'peer%'",
      );
      await database.write(
        `INSERT INTO span SELECT u.id, c.id, 1, 9, 9, 0 FROM "user" u, conversation c WHERE u.name = 'ana'`,
      );
      await database.write(
        `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
         SELECT t.n * 2, c.id, 1, u.id, gen_random_uuid(), 0, convert_to(t.text, 'UTF8')
         FROM unnest($1::text[]) WITH ORDINALITY AS t (text, n)
         JOIN "user" u ON u.name = 'peer' || t.n JOIN conversation c ON c.name = 'ana:peer' || t.n`,
        [texts],
      );
    },
  };
}
