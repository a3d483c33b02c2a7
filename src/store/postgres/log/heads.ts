import type { Database } from "../connection/database.ts";

/** A direct conversation that a commit moved. */
export interface MovedDirect {
  /** Its key. */
  readonly conversation: number;
  /** Its newest position. */
  readonly position: number;
}

/**
 * The head of the log, and the order of the users' direct conversations: `member.head_position`, which commits do not
 * write (F4), but which is written before it is read.
 */
export class Heads {
  constructor(_database: Database) {
    throw new Error("not written");
  }

  /** Reads the head, and completes heads that the node before did not write. */
  static open(_database: Database): Promise<Heads> {
    throw new Error("not written");
  }

  /** The newest position on disk. */
  get head(): number {
    throw new Error("not written");
  }

  /** Records a commit. */
  move(_moved: Iterable<MovedDirect>, _head: number): void {
    throw new Error("not written");
  }

  /**
   * Resolves when `member.head_position` is written of all direct conversations that have moved so far; for statements
   * that order or filter by it, and before entries are removed.
   */
  write(): Promise<void> {
    throw new Error("not written");
  }
}
