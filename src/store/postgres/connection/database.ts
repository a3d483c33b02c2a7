// @ts-types="@types/pg"
import pg from "pg";
import { ChatError } from "../../../core/chat_error.ts";
import { CommitLine, type ExpectedLog } from "./commit_line.ts";
import { clientConfig, type ConnectionOptions, endClient, type Parameter, type Queries, runOn } from "./connection.ts";
import type { DatabaseAccess } from "./database_address.ts";
import type { LeaseWatch } from "./held_lease.ts";
import { isFenced, lostError, queryError } from "./postgres_error.ts";

export interface DatabaseOptions {
  /** With one host: the primary that gave the lease. */
  readonly access: DatabaseAccess;
  /** That of the lease under which it writes: see `fence.ts`. */
  readonly generation: number;
  /** Confirms the lease before results of reads are given out; unless given, the lease lasts as long as the database. */
  readonly lease?: LeaseWatch;
  /** How long the line of commits tries to connect again, in milliseconds; as long as a lease lasts unless given. */
  readonly patienceMs?: number;
}

const readers = 3;
const searchers = 2;
const searchTimeoutMs = 5_000;
const writers = 2;

/**
 * The connections of a serving node to one database: one line for commits, a few for other writes, and a few for reads.
 * Every write is refused once another node has the lease. Pools replace connections that they lost.
 */
export class Database implements AsyncDisposable {
  /**
   * Settles with the reason when memory may not be the state of the log any more: after a write of unknown outcome, on
   * another log, or without the lease. Every call fails from then on, and the database is to be opened anew.
   */
  readonly lost: Promise<ChatError>;
  readonly #lose: (error: ChatError) => void;
  readonly #lease: LeaseWatch | undefined;
  readonly #commits: CommitLine;
  readonly #writers: pg.Pool;
  readonly #readers: pg.Pool;
  readonly #searchers: pg.Pool;
  /** All connections of the pools. */
  readonly #clients = new Set<pg.PoolClient>();
  /** Uses of connections of the pools, with those that wait for one, which a pool forgets when it ends. */
  readonly #uses = new Set<Promise<unknown>>();
  #end: ChatError | undefined;

  private constructor(
    { commits, writers, readers, searchers, lease }: {
      commits: CommitLine;
      writers: pg.Pool;
      readers: pg.Pool;
      searchers: pg.Pool;
      lease: LeaseWatch | undefined;
    },
  ) {
    this.#commits = commits;
    this.#writers = writers;
    this.#readers = readers;
    this.#searchers = searchers;
    this.#lease = lease;
    const { promise, resolve } = Promise.withResolvers<ChatError>();
    this.lost = promise;
    this.#lose = (error) => {
      this.#end ??= error;
      resolve(error);
      // Ends statements in progress, too: nothing is to be given out any more.
      void commits.close();
      for (const client of this.#clients) void client.end().catch(() => {});
    };
    void commits.lost.then(this.#lose);
    void lease?.lost.then(this.#lose);
    for (const pool of this.#pools) {
      pool.on("error", () => {});
      pool.on("connect", (client) => {
        this.#clients.add(client);
        // The pool does not listen to one that is lent, whose error would end the process; its next statement fails.
        client.on("error", () => {});
      });
      pool.on("remove", (client) => this.#clients.delete(client));
    }
  }

  /** @throws {ChatError} as `connectError` says */
  static async open({ access, generation, lease, patienceMs }: DatabaseOptions): Promise<Database> {
    const commits = await CommitLine.open({ access, generation, patienceMs });
    const [host] = access.address.hosts;
    const pool = (max: number, options: ConnectionOptions) =>
      new pg.Pool({ ...clientConfig(access, host, options), max, idleTimeoutMillis: 0 });
    return new Database({
      commits,
      writers: pool(writers, { name: "write", generation, usesIndexes: true }),
      readers: pool(readers, { name: "read", usesIndexes: true }),
      searchers: pool(searchers, { name: "search", statementTimeoutMs: searchTimeoutMs, usesIndexes: true }),
      lease,
    });
  }

  /** Gives the log that must still be there after the connection for commits was lost and replaced. */
  expect(log: ExpectedLog): void {
    this.#commits.expect(log);
  }

  /** Runs one statement in the line of commits: it sees all commits before it, and none of those after it. */
  async commit<Row>(text: string, values: readonly Parameter[] = []): Promise<Row[]> {
    this.#requireUse();
    return await this.#commits.run<Row>(text, values);
  }

  /** Runs one statement that writes. @throws {ChatError} as `queryError` says */
  async write<Row>(text: string, values: readonly Parameter[] = []): Promise<Row[]> {
    this.#requireUse();
    return await this.#withClient(this.#writers, (client) => this.#settle(runOn<Row>(client, text, values)));
  }

  /** Runs one statement that only reads. @throws {ChatError} as `queryError` says */
  async read<Row>(text: string, values: readonly Parameter[] = []): Promise<Row[]> {
    this.#requireUse();
    return await this.#certain(await this.#withReader(this.#readers, (client) => runOn<Row>(client, text, values)));
  }

  /** Reads like {@link read}, on connections that slow searches may occupy, and for at most 5 s. */
  async search<Row>(text: string, values: readonly Parameter[] = []): Promise<Row[]> {
    this.#requireUse();
    return await this.#certain(await this.#withReader(this.#searchers, (client) => runOn<Row>(client, text, values)));
  }

  /**
   * Runs `work` in one transaction, which is on disk when this resolves, and undone when it rejects. It may not wait for
   * anything but its statements.
   */
  async transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    this.#requireUse();
    try {
      return await this.#withClient(this.#writers, (client) => {
        return transact(client, { begin: "BEGIN", work, commit: () => this.#settle(runOn(client, "COMMIT", [])) });
      });
    } catch (error) {
      if (error instanceof ChatError && isFenced(error)) this.#lose(error);
      throw error;
    }
  }

  /** Runs reads that all see the same state. */
  async snapshot<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    this.#requireUse();
    const begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    return await this.#certain(
      await this.#withReader(this.#readers, (client) => {
        return transact(client, { begin, work, commit: () => runOn(client, "COMMIT", []) });
      }),
    );
  }

  /**
   * Resolves when all connections are closed, and reads and writes have ended. A commit that still runs is cut off:
   * the database may take it or not. Idempotent.
   */
  async close(): Promise<void> {
    this.#end ??= lostError(undefined);
    await Promise.all([this.#commits.close(), Promise.allSettled(this.#uses)]);
    // A pool does not wait until its idle connections are closed.
    await Promise.all([...this.#clients].map(endClient));
    await Promise.all(this.#pools.map((each) => endPool(each)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #pools(): readonly pg.Pool[] {
    return [this.#writers, this.#readers, this.#searchers];
  }

  #requireUse(): void {
    if (this.#end !== undefined) throw this.#end;
  }

  async #withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const use = withClient(pool, work);
    this.#uses.add(use);
    try {
      return await use;
    } finally {
      this.#uses.delete(use);
    }
  }

  /** Lends a connection for reads once the line of commits has restored the log after a crash of the database. */
  #withReader<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return this.#withClient(pool, async (client) => {
      await this.#commits.connected;
      return await work(client);
    });
  }

  /** Returns the result of a read, which is only given out by the node that serves. */
  async #certain<T>(result: T): Promise<T> {
    await this.#lease?.confirm();
    this.#requireUse();
    return result;
  }

  /** Waits for a write. One whose outcome is unknown, or that the fence refused, is the last one. */
  async #settle<T>(writing: Promise<T>): Promise<T> {
    try {
      return await writing;
    } catch (error) {
      if (isUnavailable(error)) this.#lose(error);
      throw error;
    }
  }
}

function isUnavailable(error: unknown): error is ChatError {
  return error instanceof ChatError && error.code === "unavailable";
}

async function endPool(pool: pg.Pool): Promise<void> {
  if (!pool.ending) await pool.end();
}

/** Lends a connection of a pool; one that failed is not used again. */
async function withClient<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw queryError(error);
  }
  let isBroken = false;
  try {
    return await work(client);
  } catch (error) {
    isBroken = isUnavailable(error);
    throw error;
  } finally {
    client.release(isBroken);
  }
}

/** Runs `work` and then `commit` in a transaction, which is undone when one of them rejects. */
async function transact<T>(
  client: pg.PoolClient,
  { begin, work, commit }: { begin: string; work(queries: Queries): Promise<T>; commit(): Promise<unknown> },
): Promise<T> {
  try {
    await runOn(client, begin, []);
    const result = await work({ query: (text, values = []) => runOn(client, text, values) });
    await commit();
    return result;
  } catch (error) {
    // A connection that is not used again needs no rollback.
    if (!isUnavailable(error)) await runOn(client, "ROLLBACK", []);
    throw error;
  }
}
