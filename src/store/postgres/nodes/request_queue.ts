import type { Database } from "../connection/database.ts";

/** The channel of notices that a request was made; the payload is the token of its node. */
export const requestChannel = "chatd_operator_request";
/** How long the row of a request is kept if its caller does not remove it, in milliseconds. */
const rowKeptMs = 120_000;

/** SQL: the time in milliseconds since the Unix epoch. */
export const nowMs = "(extract(epoch FROM clock_timestamp()) * 1000)::float8";

/** SQL: whether the process with this token holds the lease. */
export function isHeldBy(token: string): string {
  return `EXISTS (SELECT FROM lease l WHERE l.token = ${token} AND l.until > clock_timestamp())`;
}

/** A request that a node has taken, and no other process will. */
export interface TakenRequest {
  readonly id: string;
  readonly request: Uint8Array;
  /** When it was taken by the clock of the database, in milliseconds since the Unix epoch. */
  readonly now: number;
}

/** The requests to one process, which serves. */
export class RequestQueue {
  readonly #database: Pick<Database, "read" | "write">;
  readonly #token: string;

  constructor(database: Pick<Database, "read" | "write">, token: string) {
    this.#database = database;
    this.#token = token;
  }

  /**
   * Takes requests, oldest first, each once, as long as the process holds the lease. It may die before it answers them,
   * and then no other process runs them.
   */
  async take(limit: number): Promise<TakenRequest[]> {
    const untaken = "SELECT r.id FROM operator_request r WHERE r.node = $1 AND r.taken_at IS NULL";
    const waiting = await this.#database.read(`${untaken} LIMIT 1`, [this.#token]);
    if (waiting.length === 0) return [];
    return await this.#database.write<TakenRequest>(
      `UPDATE operator_request SET taken_at = clock_timestamp()
       WHERE id IN (${untaken} ORDER BY r.made_at LIMIT $2) AND taken_at IS NULL AND ${isHeldBy("$1")}
       RETURNING id, request, ${nowMs} AS now`,
      [this.#token, limit],
    );
  }

  async answer(id: string, answer: Uint8Array): Promise<void> {
    await this.#database.write("UPDATE operator_request SET answer = $2 WHERE id = $1", [id, answer]);
  }

  /** Removes rows that their callers left. */
  async removeOld(): Promise<void> {
    await this.#database.write(
      "DELETE FROM operator_request WHERE made_at < clock_timestamp() - $1 * interval '1 millisecond'",
      [rowKeptMs],
    );
  }

  /** Whether a notice on {@link requestChannel} is about a request to this process. */
  isMine(payload: string): boolean {
    return payload === this.#token;
  }
}
