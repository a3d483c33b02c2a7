import { createMessageId, messageIdTime } from "../../core/messages/message_id.ts";
import { maxIncarnations } from "../shared/incarnation_limits.ts";
import type { Database } from "./database.ts";

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
 * The openings of a log, each with a random id and the head at that time. A client with positions of an incarnation
 * shares this log up to the head of the next incarnation: if the log was restored, entries with higher positions are
 * different.
 */
export class Incarnations {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #current: string | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
  }

  /** The id of this opening; empty before {@link begin}. */
  get current(): string {
    return this.#current ?? "";
  }

  /**
   * Must be called before a position beyond `head` is assigned or sent. Idempotent.
   * @throws {ChatError} `storage_full`
   */
  begin(head: number): void {
    if (this.#current !== undefined) return;
    const id = createMessageId();
    this.#database.transaction(() => {
      this.#statements.add.run(id, head);
      this.#statements.trim.run(maxIncarnations);
    });
    this.#current = id;
  }

  /** Returns the position up to which this log equals that of the incarnation `id`; undefined if it is unknown. */
  sharedThrough(id: string, head: number): number | undefined {
    const row = this.#statements.find.get(id) as Row | undefined;
    if (row === undefined) return undefined;
    const next = this.#statements.next.get(row.number) as Row | undefined;
    return next?.head ?? head;
  }

  /**
   * Returns the head of the first opening later than the incarnation `foreign`, by the times in the ids: a restored log
   * is opened after the log that it replaces. Returns the newest opening's head if none is later, which can happen with
   * another machine's clock, or if `foreign` is empty.
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
