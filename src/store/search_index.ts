import { decodeText } from "./column_values.ts";
import type { Database } from "./database.ts";
import { scopeOf, searchableText } from "./search_expression.ts";

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

interface EntryRow {
  readonly position: number;
  readonly conversation: number;
  readonly sender: number;
  readonly text: Uint8Array;
}

function prepareStatements(database: Database) {
  return {
    cursor: database.prepare("SELECT position FROM search_cursor"),
    moveCursor: database.prepare("UPDATE search_cursor SET position = ?"),
    entries: database.prepare(
      "SELECT position, conversation, sender, text FROM entry WHERE position > ? ORDER BY position LIMIT ?",
    ),
    entry: database.prepare("SELECT position, conversation, sender, text FROM entry WHERE position = ?"),
    isIndexed: database.prepare("SELECT 1 FROM search_index WHERE rowid = ?"),
    add: database.prepare("INSERT INTO search_index (rowid, text, scope) VALUES (?, ?, ?)"),
    remove: database.prepare(
      "INSERT INTO search_index (search_index, rowid, text, scope) VALUES ('delete', ?, ?, ?)",
    ),
    merge: database.prepare(`INSERT INTO search_index (search_index, rank) VALUES ('merge', ${mergedPages})`),
  };
}

/**
 * The writing side of the index of words. It follows the log behind a cursor of its own. What is in it of an entry is always what the
 * entry's row says now: who changes or removes a row that may be indexed calls {@link erase} before, in the same transaction.
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
      let position = this.#position;
      for (let count = 0; count < maxEntries && performance.now() < end; count += step) {
        const entries = this.#statements.entries.all(position, step) as unknown as EntryRow[];
        for (const entry of entries) this.#add(entry);
        position = entries.length < step ? head : entries[step - 1].position;
        if (position >= head) break;
      }
      this.#statements.merge.run();
      this.#statements.moveCursor.run(position);
      return position;
    }, { durable: false });
    return this.#position < head;
  }

  /** Takes an entry's words out of the index, as the entry's row still has them. For use within a transaction. */
  erase(position: number): void {
    if (this.#statements.isIndexed.get(position) === undefined) return;
    const entry = this.#statements.entry.get(position) as unknown as EntryRow;
    this.#statements.remove.run(position, searchableText(decodeText(entry.text)), scopeOf(entry));
  }

  #add(entry: EntryRow): void {
    this.#statements.add.run(entry.position, searchableText(decodeText(entry.text)), scopeOf(entry));
  }
}
