// @ts-types="@types/pg"
import pg from "pg";
import {
  clientConfig,
  type ConnectionOptions,
  connectToPrimary,
  type Parameter,
  type Queries,
  runOn,
} from "./connection.ts";
import type { DatabaseAccess } from "./database_address.ts";
import { lostError, queryError } from "./postgres_error.ts";

export interface DatabaseOptions {
  readonly access: DatabaseAccess;
  /** That of the lease under which it writes: see `fence.ts`. */
  readonly generation: number;
}

const readers = 3;
const searchers = 2;
const searchTimeoutMs = 5_000;
const writers = 2;

/**
 * The connections of a serving node to one database: one line for commits, a few for other writes, and a few for reads.
 * Every write is refused once another node has the lease.
 */
export class Database implements AsyncDisposable {
  /** Settles with the error when a connection is lost; the database is to be opened anew then. */
  readonly lost: Promise<Error>;
  readonly #commits: pg.Client;
  readonly #writers: pg.Pool;
  readonly #readers: pg.Pool;
  readonly #searchers: pg.Pool;

  private constructor(pools: { commits: pg.Client; writers: pg.Pool; readers: pg.Pool; searchers: pg.Pool }) {
    ({ commits: this.#commits, writers: this.#writers, readers: this.#readers, searchers: this.#searchers } = pools);
    const { promise, resolve } = Promise.withResolvers<Error>();
    this.lost = promise;
    this.#commits.on("error", resolve);
    this.#commits.on("end", () => resolve(lostError(undefined)));
    // A pool replaces connections that it lost.
    for (const pool of [this.#writers, this.#readers, this.#searchers]) pool.on("error", () => {});
  }

  /** @throws {ChatError} as `connectError` says */
  static async open({ access, generation }: DatabaseOptions): Promise<Database> {
    const { client: commits, host } = await connectToPrimary(access, { name: "commit", generation, usesIndexes: true });
    const pool = (max: number, options: ConnectionOptions) =>
      new pg.Pool({ ...clientConfig(access, host, options), max, idleTimeoutMillis: 0 });
    return new Database({
      commits,
      writers: pool(writers, { name: "write", generation, usesIndexes: true }),
      readers: pool(readers, { name: "read", usesIndexes: true }),
      searchers: pool(searchers, { name: "search", statementTimeoutMs: searchTimeoutMs, usesIndexes: true }),
    });
  }

  /** Runs one statement in the line of commits: it sees all commits before it, and none of those after it. */
  commit<Row>(text: string, values: readonly Parameter[] = []): Promise<Row[]> {
    return runOn<Row>(this.#commits, text, values);
  }

  /** Runs one statement that writes. @throws {ChatError} as `queryError` says */
  write<Row>(text: string, values: readonly Parameter[] = []): Promise<Row[]> {
    return withClient(this.#writers, (client) => runOn<Row>(client, text, values));
  }

  /** Runs one statement that only reads. @throws {ChatError} as `queryError` says */
  read<Row>(text: string, values: readonly Parameter[] = []): Promise<Row[]> {
    return withClient(this.#readers, (client) => runOn<Row>(client, text, values));
  }

  /** Reads like {@link read}, on connections that slow searches may occupy, and for at most 5 s. */
  search<Row>(text: string, values: readonly Parameter[] = []): Promise<Row[]> {
    return withClient(this.#searchers, (client) => runOn<Row>(client, text, values));
  }

  /**
   * Runs `work` in one transaction, which is on disk when this resolves, and undone when it rejects. It may not wait for
   * anything but its statements.
   */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return withClient(this.#writers, (client) => transact(client, "BEGIN", work));
  }

  /** Runs reads that all see the same state. */
  snapshot<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return withClient(
      this.#readers,
      (client) => transact(client, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", work),
    );
  }

  /** Resolves when no statement runs any more. Idempotent. */
  async close(): Promise<void> {
    const all = [this.#commits, this.#writers, this.#readers, this.#searchers];
    await Promise.all(all.map((each) => each.end().catch(() => {})));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw queryError(error);
  }
  try {
    return await work(client);
  } finally {
    client.release();
  }
}

async function transact<T>(client: pg.PoolClient, begin: string, work: (queries: Queries) => Promise<T>): Promise<T> {
  const query = <Row>(text: string, values: readonly Parameter[] = []) => runOn<Row>(client, text, values);
  await query(begin);
  try {
    const result = await work({ query });
    await query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}
