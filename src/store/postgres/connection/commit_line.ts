// @ts-types="@types/pg"
import type pg from "pg";
import { ChatError } from "../../../core/chat_error.ts";
import { pause } from "../../../core/pause.ts";
import { connectToPrimary, endClient, type Parameter, type Queries, runOn } from "./connection.ts";
import type { DatabaseAccess } from "./database_address.ts";
import { leaseMs } from "./lease.ts";
import { lostError } from "./postgres_error.ts";
import { logHead } from "../log/log_head.ts";

/** How long a commit may take, in milliseconds, before its outcome counts as unknown. */
const commitMs = 30_000;
const reconnectMs = 250;

export interface CommitLineOptions {
  /** With one host: that of the lease. */
  readonly access: DatabaseAccess;
  readonly generation: number;
  /** How long to try to connect again, in milliseconds; as long as a lease lasts unless given. */
  readonly patienceMs?: number;
}

/** A log as memory has it. */
export interface ExpectedLog {
  readonly head: number;
  /**
   * Repeats writes that did not wait for the disk, because a crash of the database may have undone them. Nothing is read
   * or committed meanwhile.
   */
  restore(queries: Queries): Promise<void>;
}

/** The state of a log that a connection to another copy of it may show. */
interface LogState {
  readonly timeline: string;
  readonly head: number;
}

/**
 * The one connection for commits, which run in the order of the calls. A connection that is lost between two commits is
 * replaced, if the database still has all that was committed. After a commit whose outcome is unknown, memory may not be
 * the state of the log any more: {@link lost} settles, and the process must end.
 */
export class CommitLine {
  readonly lost: Promise<ChatError>;
  readonly #options: CommitLineOptions;
  readonly #timeline: string;
  readonly #lose: (error: ChatError) => void;
  readonly #closed = new AbortController();
  #client: Promise<pg.Client>;
  #running = 0;
  #closing: Promise<void> | undefined;
  #expected: ExpectedLog | undefined;

  private constructor(client: pg.Client, { timeline, options }: { timeline: string; options: CommitLineOptions }) {
    this.#options = options;
    this.#timeline = timeline;
    const { promise, resolve } = Promise.withResolvers<ChatError>();
    this.lost = promise;
    this.#lose = resolve;
    this.#client = Promise.resolve(client);
    this.#watch(client);
  }

  /** @throws {ChatError} as `connectError` says */
  static async open(options: CommitLineOptions): Promise<CommitLine> {
    const client = await connect(options);
    try {
      const { timeline } = await readState(client);
      return new CommitLine(client, { timeline, options });
    } catch (error) {
      await endClient(client);
      throw error;
    }
  }

  /** Resolves when the line is connected. @throws {ChatError} `unavailable` if it is lost */
  get connected(): Promise<unknown> {
    return this.#client;
  }

  /** Gives the log that must be there when the line connects again. */
  expect(log: ExpectedLog): void {
    this.#expected = log;
  }

  /** @throws {ChatError} as `queryError` says; after `unavailable`, {@link lost} settles */
  async run<Row>(text: string, values: readonly Parameter[]): Promise<Row[]> {
    this.#running++;
    try {
      const client = await this.#client;
      return await runOn<Row>(client, text, values);
    } catch (error) {
      if (error instanceof ChatError && error.code === "unavailable") this.#lose(error);
      throw error;
    } finally {
      this.#running--;
    }
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#closed.abort();
    const client = await this.#client.catch(() => undefined);
    if (client !== undefined) await endClient(client);
  }

  #watch(client: pg.Client): void {
    let isWatched = true;
    const onEnd = (error?: Error) => {
      if (!isWatched || this.#closed.signal.aborted) return;
      isWatched = false;
      // A commit in progress fails, too, and its outcome is unknown.
      if (this.#running > 0) return this.#lose(lostError(error));
      this.#client = this.#reconnect();
      this.#client.catch((error) => this.#lose(error));
    };
    client.on("error", onEnd);
    client.on("end", () => onEnd());
  }

  async #reconnect(): Promise<pg.Client> {
    const { patienceMs = leaseMs } = this.#options;
    const { signal } = this.#closed;
    for (const deadline = performance.now() + patienceMs;;) {
      try {
        const client = await connect(this.#options);
        return await this.#check(client);
      } catch (error) {
        if (!(error instanceof ChatError && error.code === "unavailable") || performance.now() >= deadline) {
          throw lostError(error);
        }
      }
      if (!await pause(reconnectMs, signal)) throw lostError(undefined);
    }
  }

  /** @throws {Error} if the log is another one than before the connection was lost, or cannot be restored */
  async #check(client: pg.Client): Promise<pg.Client> {
    try {
      const { timeline, head } = await readState(client);
      const expected = this.#expected?.head ?? head;
      if (timeline !== this.#timeline || head !== expected) {
        throw new Error(
          `the log was at position ${expected} of timeline ${this.#timeline}, and is at ${head} of timeline ${timeline}`,
        );
      }
      await this.#expected?.restore({ query: (text, values = []) => runOn(client, text, values) });
    } catch (error) {
      await endClient(client);
      throw error;
    }
    this.#watch(client);
    return client;
  }
}

async function connect({ access, generation }: CommitLineOptions): Promise<pg.Client> {
  // A time limit would end the wait for a synchronous standby, as if the commit were on it.
  const limits = { statementTimeoutMs: 0, answerTimeoutMs: commitMs };
  return (await connectToPrimary(access, { name: "commit", generation, usesIndexes: true, ...limits })).client;
}

async function readState(client: pg.Client): Promise<LogState> {
  const [state] = await runOn<LogState>(
    client,
    `SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline,
       ${logHead} AS head`,
    [],
  );
  return state;
}
