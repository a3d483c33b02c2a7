import type { Database } from "../database.ts";
import { kindCodes } from "../log/entry_columns.ts";

/** How many entries are looked at between two looks at the clock. */
const step = 16;
/** How much of the index one turn merges, in its pages of 4 KiB, so that neither searches nor deletions have many places to look at. */
const mergedPages = 24;

export interface IndexingLimits {
  /** The newest position of the store. */
  readonly head: number;
  /** How long to go on beginning, in milliseconds. */
  readonly turnMs: number;
  readonly maxEntries: number;
}

function prepareStatements(database: Database) {
  return {
    cursor: database.prepare("SELECT position FROM search_cursor WHERE one = 1"),
    moveCursor: database.prepare("UPDATE search_cursor SET position = ? WHERE one = 1"),
    through: database.prepare(
      `SELECT max(position) AS position, count(*) AS count
       FROM (SELECT position FROM entry WHERE position > ? ORDER BY position LIMIT ${step})`,
    ),
    add: database.prepare(
      `INSERT INTO search_index (rowid, text, scope)
       SELECT position, searchable_text(text), search_scope(conversation, sender) FROM entry
       WHERE position > ? AND position <= ? AND kind = ${kindCodes.message} AND deleted = 0`,
    ),
    totalChanges: database.prepare("SELECT total_changes() AS count"),
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

  /**
   * Indexes what comes next, and puts the index in order, in a transaction of its own.
   * @returns whether there is more to do. @throws {ChatError} `storage_full`.
   */
  takeTurn({ head, turnMs, maxEntries }: IndexingLimits): boolean {
    const end = performance.now() + turnMs;
    const { position, merged } = this.#database.transaction(() => {
      const { through, add, moveCursor } = this.#statements;
      let position = this.#position;
      for (let count = 0; position < head && count < maxEntries && performance.now() < end; count += step) {
        const next = through.get(position) as { position: number | null; count: number };
        const last = next.count < step ? head : next.position!;
        add.run(position, last);
        position = last;
      }
      if (position > this.#position) moveCursor.run(position);
      return { position, merged: this.#merge() };
    }, { durable: false });
    this.#position = position;
    return position < head || merged;
  }

  /** @returns whether anything was to be merged (https://sqlite.org/fts5.html, section 6.9). */
  #merge(): boolean {
    const { totalChanges, merge } = this.#statements;
    const before = totalChanges.get()!.count as number;
    merge.run();
    return totalChanges.get()!.count as number - before >= 2;
  }
}
