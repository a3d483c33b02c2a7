import { createMessageId, messageIdTime } from "../../core/messages/message_id.ts";
import type { Database } from "./database.ts";

/**
 * How many openings a store remembers; beyond it, those in which nothing was appended go first, then the oldest. A client that comes back after
 * more of them is treated as one of another log: it loses nothing, and may get again what it had.
 */
export const maxIncarnations = 4_096;

interface Row {
  readonly number: number;
  readonly id: string;
  readonly head: number;
}

function prepareStatements(database: Database) {
  return {
    add: database.prepare("INSERT INTO incarnation (id, head) VALUES (?, ?)"),
    find: database.prepare("SELECT number, id, head FROM incarnation WHERE id = ?"),
    next: database.prepare("SELECT number, id, head FROM incarnation WHERE number > ? ORDER BY number LIMIT 1"),
    newestFirst: database.prepare("SELECT number, id, head FROM incarnation ORDER BY number DESC"),
    trim: database.prepare(
      `DELETE FROM incarnation WHERE number IN (
         SELECT number FROM (
           SELECT number, head = lead(head) OVER (ORDER BY number) AS isEmpty FROM incarnation
         ) ORDER BY isEmpty IS NOT 1, number
         LIMIT max(0, (SELECT count(*) FROM incarnation) - ?)
       )`,
    ),
  };
}

/**
 * The openings of a log, each with a random id and the head that it found. A client that took its positions from an incarnation of this log
 * shares this log up to the head that the next incarnation found: an entry with a higher position is another one, if the log was put back.
 */
export class Incarnations {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #current: string | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
  }

  /** Of this opening; empty before {@link begin}. */
  get current(): string {
    return this.#current ?? "";
  }

  /** To be called before a position beyond `head` is made, and before anyone is told of one. Idempotent. @throws {ChatError} `storage_full` */
  begin(head: number): void {
    if (this.#current !== undefined) return;
    const id = createMessageId();
    this.#database.transaction(() => {
      this.#statements.add.run(id, head);
      this.#statements.trim.run(maxIncarnations);
    });
    this.#current = id;
  }

  /** The position up to which this log is that of the incarnation `id`; undefined where this log did not have it. */
  sharedThrough(id: string, head: number): number | undefined {
    const row = this.#statements.find.get(id) as Row | undefined;
    if (row === undefined) return undefined;
    const next = this.#statements.next.get(row.number) as Row | undefined;
    return next?.head ?? head;
  }

  /**
   * The head that the first opening after the one with the id `foreign` found, by the times that ids begin with: a log that was put back is opened
   * after the one that it replaces. The newest opening's where none is later, as from a machine with another clock, or `foreign` is empty.
   */
  partedAt(foreign: string): number {
    const partedTime = foreign === "" ? Infinity : messageIdTime(foreign);
    let found: Row | undefined;
    for (const row of this.#statements.newestFirst.iterate() as Iterable<unknown> as Iterable<Row>) {
      if (found !== undefined && messageIdTime(row.id) <= partedTime) break;
      found = row;
    }
    return found?.head ?? 0;
  }
}
