import type { Database } from "./database.ts";
import { kindCodes } from "./entry_columns.ts";

/** How many entries are looked at between two looks at the clock. */
const step = 16;
/** What one turn merges of the index at most, in pages of it: more than a turn of usual messages adds in the long run. */
const mergedPages = 16;

export interface IndexingLimits {
  /** The newest position of the store. */
  readonly head: number;
  /** How long to go on beginning, in milliseconds. */
  readonly turnMs: number;
  readonly maxEntries: number;
}

function prepareStatements(database: Database) {
  return {
    cursor: database.prepare("SELECT position FROM search_cursor"),
    moveCursor: database.prepare("UPDATE search_cursor SET position = ?"),
    through: database.prepare(
      `SELECT max(position) AS position, count(*) AS count
       FROM (SELECT position FROM entry WHERE position > ? ORDER BY position LIMIT ${step})`,
    ),
    add: database.prepare(
      `INSERT INTO search_index (rowid, text, scope)
       SELECT position, searchable_text(text), search_scope(conversation, sender) FROM entry
       WHERE position > ? AND position <= ? AND kind = ${kindCodes.message} AND deleted = 0`,
    ),
    merge: database.prepare(`INSERT INTO search_index (search_index, rank) VALUES ('merge', ${mergedPages})`),
  };
}

/**
 * The writing side of the index of words, which follows the log behind a cursor of its own. What the index has of an entry is always what
 * the entry's row says: what happens to a row that is indexed, happens to the index in the same transaction.
 */
export class SearchIndex {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #position: number;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#position = (this.#statements.cursor.get() as { position: number }).position;
  }

  /** Everything up to here is found. */
  get position(): number {
    return this.#position;
  }

  /** Indexes what comes next, in a transaction of its own. @returns whether there is more. @throws {ChatError} `storage_full`. */
  indexNext({ head, turnMs, maxEntries }: IndexingLimits): boolean {
    if (this.#position >= head) return false;
    const end = performance.now() + turnMs;
    this.#position = this.#database.transaction(() => {
      const { through, add, merge, moveCursor } = this.#statements;
      let position = this.#position;
      for (let count = 0; position < head && count < maxEntries && performance.now() < end; count += step) {
        const next = through.get(position) as { position: number | null; count: number };
        const last = next.count < step ? head : next.position!;
        add.run(position, last);
        position = last;
      }
      merge.run();
      moveCursor.run(position);
      return position;
    }, { durable: false });
    return this.#position < head;
  }
}
