import type { Database } from "../connection/database.ts";

/** The openings of a log, as in SQLite's `Incarnations`. */
export class Incarnations {
  constructor(_database: Database) {}

  /** The id of this opening; empty before {@link begin}. */
  get current(): string {
    throw new Error("not written");
  }

  /** Must resolve before a position beyond `head` is assigned or sent. Idempotent. */
  begin(_head: number): Promise<void> {
    throw new Error("not written");
  }

  /** Returns the position up to which this log equals that of the incarnation `id`; undefined if it is unknown. */
  sharedThrough(_id: string, _head: number): Promise<number | undefined> {
    throw new Error("not written");
  }

  /** Returns the head of the first opening later than the incarnation `foreign`, by the times in the ids. */
  partedAt(_foreign: string): Promise<number> {
    throw new Error("not written");
  }
}
