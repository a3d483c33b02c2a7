import type { Database } from "../database.ts";
import { kindCodes } from "../../shared/entry_columns.ts";

/** Entries to index between two checks of the time. */
const step = 16;
/** Pages of 4 KiB to merge per turn, which keeps the number of segments low for searches and deletions. */
const mergedPages = 24;

export interface IndexingLimits {
  /** The newest position of the store. */
  readonly head: number;
  /** How long to start further steps, in milliseconds. */
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
      `INSERT INTO search_index (rowid, text, file, scope)
       SELECT e.position, searchable_text(e.text), searchable_text(f.name),
         search_scope(e.conversation, e.sender) || iif(e.file, ' file', '')
       FROM entry e LEFT JOIN file f ON f.position = e.position AND e.file = 1
       WHERE e.position > ? AND e.position <= ? AND kind = ${kindCodes.message} AND deleted = 0`,
    ),
    totalChanges: database.prepare("SELECT total_changes() AS count"),
    merge: database.prepare(`INSERT INTO search_index (search_index, rank) VALUES ('merge', ${mergedPages})`),
  };
}

/**
 * The writing side of the search index, which follows the log with its own cursor. Triggers update the index in the
 * same transaction as an indexed row, so both always agree.
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

  /** The position up to which entries are indexed. */
  get position(): number {
    return this.#position;
  }

  /**
   * Indexes the next entries and merges segments of the index, in a separate transaction.
   * @returns whether there is more to do. @throws {ChatError} `storage_full`
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

  /** @returns whether segments were merged (https://sqlite.org/fts5.html, section 6.9). */
  #merge(): boolean {
    const { totalChanges, merge } = this.#statements;
    const before = totalChanges.get()!.count as number;
    merge.run();
    return totalChanges.get()!.count as number - before >= 2;
  }
}
