import type { Accepted } from "../../../core/messages/message.ts";
import { decodeId, encodeId } from "../column_values.ts";
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

/** The ids of entries that are gone: they stay known for as long as they could be sent again. */
export class SpentIds {
  readonly #statements: ReturnType<typeof prepareStatements>;
  /** Of all of them, as far as they matter: ids begin with their time, so hardly any that is new has to be looked up. */
  #newest: string | undefined;

  constructor(database: Database) {
    this.#statements = prepareStatements(database);
    this.#readNewest();
  }

  /** When this is false, `find` finds nothing: as for nearly every id that is new. */
  mayHave(id: string): boolean {
    return this.#newest !== undefined && id <= this.#newest;
  }

  /** What was accepted with this id, of an entry that is gone. */
  find(sender: number, id: string): Accepted | undefined {
    if (!this.mayHave(id)) return undefined;
    const row = this.#statements.find.get(encodeId(id), sender) as unknown as SpentRow | undefined;
    if (!row) return undefined;
    const { position, conversation, seq, acceptedAt } = row;
    return { position, conversation, seq, acceptedAt };
  }

  /** Keeps the ids from `oldest` on of entries that are about to go. Part of the caller's transaction. */
  keep(conversation: number, range: { firstSeq: number; lastSeq: number; oldest: Uint8Array }): void {
    this.#statements.keep.run(conversation, range.firstSeq, range.lastSeq, range.oldest);
    this.#readNewest();
  }

  /** Forgets at most `limit` of those before `oldest`. @returns how many */
  forgetSome(oldest: Uint8Array, limit: number): number {
    return Number(this.#statements.forget.run(oldest, limit).changes);
  }

  #readNewest(): void {
    const { id } = this.#statements.newest.get() as { id: Uint8Array | null };
    this.#newest = id === null ? undefined : decodeId(id);
  }
}
