import { type Log, silentLog } from "../../../core/log.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import type { Parameter, Queries } from "../connection/connection.ts";
import type { Database } from "../connection/database.ts";
import { logHead } from "./log_head.ts";

const write = "SELECT write_heads_1($1, $2, $3)";

type HeadsDatabase = Pick<Database, "read" | "commit">;

/** A direct conversation that a commit moved. */
export interface MovedDirect {
  /** Its key. */
  readonly conversation: number;
  /** Its newest position. */
  readonly position: number;
}

export interface HeadsOptions {
  /** Where failures are logged of writing that no caller waits for. */
  readonly log?: Log;
  /** The number of unwritten conversations at which they are written at once. Default: 1024. */
  readonly maxUnwritten?: number;
  /** The wait from the first commit to the writing that it causes, in milliseconds. Default: 5 s. */
  readonly delayMs?: number;
  /** The wait after a failure, in milliseconds. Default: 30 s. */
  readonly retryMs?: number;
}

/**
 * The head of the log, and the order of the users' direct conversations: `member.head_position`, which commits do not
 * write (decision 0018), but which is written before it is read. `log.heads_through` is a position up to which all of
 * them are complete; it is written now and then, because commits read its row.
 */
export class Heads {
  readonly #database: HeadsDatabase;
  readonly #log: Log;
  readonly #maxUnwritten: number;
  readonly #delayMs: number;
  readonly #retryMs: number;
  #head: number;
  /** The newest position of each conversation that moved since it was written, by its key. */
  #unwritten = new Map<number, number>();
  /** The writing that has begun. */
  #running: Promise<void> | undefined;
  /** The writing that begins after it. */
  #next: Promise<void> | undefined;
  #isThroughDue = false;
  #isFailing = false;
  #isClosed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Called with the head after each commit. */
  onMoved: ((head: number) => void) | undefined;

  private constructor(database: HeadsDatabase, head: number, options: HeadsOptions) {
    const { log = silentLog, maxUnwritten = 1_024, delayMs = 5_000, retryMs = 30_000 } = options;
    this.#database = database;
    this.#log = log;
    this.#maxUnwritten = maxUnwritten;
    this.#delayMs = delayMs;
    this.#retryMs = retryMs;
    this.#head = head;
  }

  /** Reads the head, and the conversations that the node before moved and did not write. */
  static async open(database: HeadsDatabase, options: HeadsOptions = {}): Promise<Heads> {
    const { head, through, moved } = await readHeads({ query: (text, values) => database.read(text, values) });
    const heads = new Heads(database, head, options);
    if (head > through) heads.move(moved, head);
    return heads;
  }

  /** Repeats writes by `queries`, because a crash of PostgreSQL may have undone them: see `writeHeads`. */
  async restore(queries: Queries): Promise<void> {
    const { moved } = await readHeads(queries);
    if (moved.length > 0) await queries.query(write, valuesOf(moved, null));
  }

  /** The newest position on disk. */
  get head(): number {
    return this.#head;
  }

  /** Records a commit. */
  move(moved: Iterable<MovedDirect>, head: number): void {
    for (const { conversation, position } of moved) this.#unwritten.set(conversation, position);
    this.#head = head;
    this.onMoved?.(head);
    if (this.#isClosed) return;
    const isMuch = this.#unwritten.size >= this.#maxUnwritten;
    if (isMuch && !this.#isFailing && this.#next === undefined) this.#writeUnasked();
    else this.#timer ??= setTimeout(() => this.#writeUnasked(), this.#delayMs);
  }

  /**
   * Resolves when `member.head_position` is written of all direct conversations that have moved so far; for statements
   * that order or filter by it, and before entries are removed.
   * @throws {ChatError} as any statement that writes
   */
  write(): Promise<void> {
    if (this.#unwritten.size === 0) return this.#running ?? Promise.resolve();
    return this.#writeNext();
  }

  /** Writes all heads, if that is possible. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#isThroughDue = true;
    // After a failure the next opening writes them.
    await this.#writeNext().catch(() => {});
  }

  /** Writes all heads of conversations that moved so far; callers in the meantime share it. */
  #writeNext(): Promise<void> {
    return this.#next ??= this.#writeAfter(this.#running);
  }

  async #writeAfter(running: Promise<void> | undefined): Promise<void> {
    await running?.catch(() => {});
    this.#next = undefined;
    await (this.#running = this.#writeNow());
  }

  /** In the line of commits, because some of these move read positions of the same members in another order. */
  async #writeNow(): Promise<void> {
    const written = this.#unwritten;
    this.#unwritten = new Map();
    try {
      const through = this.#isThroughDue ? this.#head : null;
      const moved = [...written].map(([conversation, position]) => ({ conversation, position }));
      await this.#database.commit(write, valuesOf(moved, through));
      if (through !== null) this.#isThroughDue = false;
    } catch (error) {
      for (const [conversation, position] of written) {
        if (!this.#unwritten.has(conversation)) this.#unwritten.set(conversation, position);
      }
      throw error;
    } finally {
      this.#running = undefined;
    }
  }

  async #writeUnasked(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isThroughDue = true;
    try {
      await this.#writeNext();
      this.#isFailing = false;
    } catch (error) {
      if (this.#isClosed) return;
      this.#isFailing = true;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#writeUnasked(), this.#retryMs);
      this.#log.error("cannot write the heads of conversations", { error, retryMs: this.#retryMs });
    }
  }
}

/** Reads the head of the log, and the direct conversations that moved since all of them were written. */
async function readHeads(queries: Queries): Promise<{ head: number; through: number; moved: MovedDirect[] }> {
  const [{ head, through }] = await queries.query<{ head: number; through: number }>(
    `SELECT ${logHead} AS head, heads_through AS through FROM log`,
  );
  const moved = await queries.query<MovedDirect & { name: string }>(
    `SELECT c.id AS conversation, c.name, max(e.position) AS position
     FROM entry e JOIN conversation c ON c.id = e.conversation WHERE e.position > $1 GROUP BY c.id`,
    [through],
  );
  return { head, through, moved: moved.filter(({ name }) => !isRoomId(name)) };
}

/** Returns the parameters of `write`. */
function valuesOf(moved: readonly MovedDirect[], through: number | null): Parameter[] {
  const sorted = moved.toSorted((one, other) => one.conversation - other.conversation);
  return [sorted.map(({ conversation }) => conversation), sorted.map(({ position }) => position), through];
}
