import { Connection } from "../connection/connection.ts";
import type { DatabaseAccess } from "../connection/database_address.ts";
import { commandHolder } from "../connection/lease.ts";
import { requireVersion } from "../schema/schema_version.ts";
import { isHeldBy, nowMs, requestChannel } from "./request_queue.ts";

/** The process that serves. */
export interface ServingProcess {
  /** The name of its node. */
  readonly node: string;
  /** See `NodeIdentity`. */
  readonly token: string;
  /** The key that calls to it are encrypted to; null for a node that takes none. */
  readonly publicKey: Uint8Array | null;
  /** The time by the clock of the database, in milliseconds since the Unix epoch. */
  readonly now: number;
}

/** A request as its caller finds it. */
export interface RequestState {
  readonly isTaken: boolean;
  readonly answer: Uint8Array | null;
  /** Whether the process that it is for still holds the lease. */
  readonly isServing: boolean;
}

/** A connection over which an operator makes requests to the node that serves. Its opener closes it. */
export class RequestLine implements AsyncDisposable {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws {ChatError} as `connectError` and `requireVersion` say */
  static async open(access: DatabaseAccess): Promise<RequestLine> {
    const connection = await Connection.open(access, { name: "command" });
    try {
      await requireVersion(connection, access.address);
      return new RequestLine(connection);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** Returns undefined while no node holds the lease. */
  async findServing(): Promise<ServingProcess | undefined> {
    const [serving] = await this.#connection.query<ServingProcess>(
      `SELECT l.node, l.token, n.public_key AS "publicKey", ${nowMs} AS now
       FROM lease l LEFT JOIN node n ON n.token = l.token WHERE l.until > clock_timestamp() AND l.node <> $1`,
      [commandHolder],
    );
    return serving;
  }

  /** Writes a request for the process with this token, and wakes it. */
  async add({ id, token, request }: { id: string; token: string; request: Uint8Array }): Promise<void> {
    await this.#connection.query(
      `WITH added AS (INSERT INTO operator_request (id, node, request) VALUES ($1, $2, $3) RETURNING node)
       SELECT pg_notify('${requestChannel}', node::text) FROM added`,
      [id, token, request],
    );
  }

  /** Returns undefined if the request is not there any more. */
  async read(id: string): Promise<RequestState | undefined> {
    const [state] = await this.#connection.query<RequestState>(
      `SELECT r.taken_at IS NOT NULL AS "isTaken", r.answer, ${isHeldBy("r.node")} AS "isServing"
       FROM operator_request r WHERE r.id = $1`,
      [id],
    );
    return state;
  }

  /** Removes a request that was not taken. @returns false if it was taken, or is not there */
  async withdraw(id: string): Promise<boolean> {
    const sql = "DELETE FROM operator_request WHERE id = $1 AND taken_at IS NULL RETURNING 1";
    return (await this.#connection.query(sql, [id])).length > 0;
  }

  /** Removes a request that was answered. */
  async remove(id: string): Promise<void> {
    await this.#connection.query("DELETE FROM operator_request WHERE id = $1", [id]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection.close();
  }
}
