import type { Accepted } from "../../../core/messages/message.ts";
import { idOfBytes } from "../../../core/messages/message_id_bytes.ts";
import { encodeId } from "../../shared/column_values.ts";
import type { Database } from "../database.ts";

interface SpentRow {
  position: number;
  conversation: string;
  seq: number;
  acceptedAt: number;
}

function prepareStatements(database: Database) {
  return {
    newest: database.prepare("SELECT max(id) AS id FROM spent_id"),
    find: database.prepare(
      `SELECT s.position, c.name AS conversation, s.seq, s.accepted_at AS acceptedAt
       FROM spent_id s CROSS JOIN conversation c ON c.id = s.conversation WHERE s.id = ? AND s.sender = ?`,
    ),
    keep: database.prepare(
      `INSERT OR IGNORE INTO spent_id (id, sender, position, conversation, seq, accepted_at)
       SELECT id, sender, position, conversation, seq, accepted_at FROM entry
       WHERE conversation = ? AND seq BETWEEN ? AND ? AND id >= ?`,
    ),
    forget: database.prepare(
      "DELETE FROM spent_id WHERE (id, sender) IN (SELECT id, sender FROM spent_id WHERE id < ? LIMIT +?)",
    ),
  };
}

/** The ids of removed entries, kept for as long as clients may send them again. */
export class SpentIds {
  readonly #statements: ReturnType<typeof prepareStatements>;
  /** The newest spent id. Ids begin with their time, so most new ids are higher and need no look-up. */
  #newest: string | undefined;

  constructor(database: Database) {
    this.#statements = prepareStatements(database);
    this.#readNewest();
  }

  /** Whether `find` may find this id; false for most new ids. */
  mayHave(id: string): boolean {
    return this.#newest !== undefined && id <= this.#newest;
  }

  /** Whether `find` finds the id that has its 16 bytes at `at`. */
  hasBytes(sender: number, bytes: Uint8Array, at: number): boolean {
    return this.#newest !== undefined && this.find(sender, idOfBytes(bytes.subarray(at, at + 16))) !== undefined;
  }

  /** Returns the accepted entry with this id, if it was removed. */
  find(sender: number, id: string): Accepted | undefined {
    if (!this.mayHave(id)) return undefined;
    const row = this.#statements.find.get(encodeId(id), sender) as unknown as SpentRow | undefined;
    if (!row) return undefined;
    const { position, conversation, seq, acceptedAt } = row;
    return { position, conversation, seq, acceptedAt };
  }

  /** Saves the ids from `oldest` on of entries that are about to be removed, in the caller's transaction. */
  keep(conversation: number, range: { firstSeq: number; lastSeq: number; oldest: Uint8Array }): void {
    this.#statements.keep.run(conversation, range.firstSeq, range.lastSeq, range.oldest);
    this.#readNewest();
  }

  /** Forgets up to `limit` ids before `oldest`. @returns the number of forgotten ids */
  forgetSome(oldest: Uint8Array, limit: number): number {
    return Number(this.#statements.forget.run(oldest, limit).changes);
  }

  #readNewest(): void {
    const { id } = this.#statements.newest.get() as { id: Uint8Array | null };
    this.#newest = id === null ? undefined : idOfBytes(id);
  }
}
