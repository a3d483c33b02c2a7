import { decodeText } from "../../shared/column_values.ts";
import { kindCodes } from "../../shared/entry_columns.ts";
import { indexForm } from "../../shared/index_form.ts";
import type { Database } from "../connection/database.ts";
import { Tokenizer } from "./tokenizer.ts";
import { toVector, type WordVector } from "./word_vector.ts";

/** Changed messages of one turn. */
const maxAgain = 100;
/** Messages that are split into words without a pause. */
const step = 16;

export interface IndexingLimits {
  /** The newest position of the store. */
  readonly head: number;
  readonly maxEntries: number;
  /** How long to split texts without a pause, in milliseconds. */
  readonly turnMs: number;
}

interface EntryRow {
  readonly position: number;
  readonly conversation: number;
  readonly sender: number;
  readonly kind: number;
  readonly deleted: number;
  readonly edited_seq: number | null;
  readonly text: Uint8Array;
  readonly file: number;
  readonly name: string | null;
}

/** A changed message; null where it was removed. */
type ChangedRow =
  & { readonly mark: number; readonly changed: number }
  & { [Key in keyof EntryRow]: EntryRow[Key] | null };

const columns = `e.position, e.conversation, e.sender, e.kind, e.deleted, e.edited_seq, e.text, e.file,
  (SELECT f.name FROM file f WHERE f.position = e.position AND e.file = 1) AS name`;
const statements = {
  cursor: "SELECT position, form FROM search_cursor",
  empty: "TRUNCATE search, search_again",
  renew: "UPDATE search_cursor SET position = 0, form = $1",
  next: `SELECT ${columns} FROM entry e WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position LIMIT $3`,
  changed: `SELECT a.mark, a.position AS changed, ${columns}
    FROM (SELECT mark, position FROM search_again ORDER BY mark LIMIT ${maxAgain}) a
    LEFT JOIN entry e ON e.position = a.position ORDER BY a.mark`,
  write: "SELECT index_messages_1($1, $2, $3, $4, $5, $6, $7, $8)",
};

/** The database of an index. */
export type IndexDatabase = Pick<Database, "read" | "write" | "snapshot" | "transaction">;

/** The writing side of the search index, which follows the log with its own cursor. */
export class PostgresSearchIndex implements Disposable {
  readonly #database: IndexDatabase;
  readonly #tokenizer = new Tokenizer();
  #position: number;

  private constructor(database: IndexDatabase, position: number) {
    this.#database = database;
    this.#position = position;
  }

  /** Empties an index with words of another form, which is then filled anew. @throws {ChatError} */
  static async open(database: IndexDatabase): Promise<PostgresSearchIndex> {
    const [{ position, form }] = await database.read<{ position: number; form: string }>(statements.cursor);
    if (form === indexForm()) return new PostgresSearchIndex(database, position);
    await database.transaction(async ({ query }) => {
      await query(statements.empty);
      await query(statements.renew, [indexForm()]);
    });
    return new PostgresSearchIndex(database, 0);
  }

  /** The position up to which entries are indexed. */
  get position(): number {
    return this.#position;
  }

  /**
   * Indexes the next entries, and messages that were changed, in one transaction.
   * @returns whether there is more to do. @throws {ChatError} `storage_full`
   */
  async takeTurn({ head, maxEntries, turnMs }: IndexingLimits): Promise<boolean> {
    const { position, next, changed } = await this.#database.snapshot(async ({ query }) => {
      // A crash of the database may have undone a turn.
      const [{ position }] = await query<{ position: number }>(statements.cursor);
      return {
        position,
        next: await query<EntryRow>(statements.next, [position, head, maxEntries]),
        changed: await query<ChangedRow>(statements.changed),
      };
    });
    this.#position = position;
    // The position says that all changes before it are indexed.
    const isBehind = changed.length === maxAgain;
    const added = isBehind ? [] : next;
    const reached = isBehind
      ? position
      : Math.max(position, next.length < maxEntries ? head : 0, next.at(-1)?.position ?? 0);
    if (reached === position && changed.length === 0) return false;
    // Entries beyond are read later, changed as they are.
    const present = changed.filter((row) =>
      row.position !== null && row.position <= reached
    ) as (ChangedRow & EntryRow)[];
    const latest = new Map([...added, ...present].map((row) => [row.position, row]));
    const messages = [...latest.values()].filter(({ kind, deleted }) => kind === kindCodes.message && deleted === 0);
    const vectors = await this.#toVectors(messages, turnMs);
    const indexed = new Set(messages.map(({ position }) => position));
    await this.#database.write(statements.write, [
      messages.map(({ position }) => position),
      messages.map(({ edited_seq }) => edited_seq),
      vectors.map(({ isLong }) => Number(isLong)),
      vectors.map(({ vector }) => vector),
      changed.map((row) => row.changed).filter((position) => !indexed.has(position)),
      changed.map(({ mark }) => mark),
      position,
      reached,
    ]);
    this.#position = reached;
    return isBehind || next.length === maxEntries;
  }

  [Symbol.dispose](): void {
    this.#tokenizer[Symbol.dispose]();
  }

  async #toVectors(rows: readonly EntryRow[], turnMs: number): Promise<WordVector[]> {
    const vectors: WordVector[] = [];
    let end = performance.now() + turnMs;
    for (let first = 0; first < rows.length; first += step) {
      if (performance.now() >= end) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        end = performance.now() + turnMs;
      }
      const some = rows.slice(first, first + step);
      const words = this.#tokenizer.split(
        some.map(({ text, name }) => ({ text: decodeText(text), file: name ?? "" })),
      );
      some.forEach(({ position, conversation, sender, file }, index) => {
        vectors.push(toVector(words[index], { position, conversation, sender, hasFile: file === 1 }));
      });
    }
    return vectors;
  }
}
