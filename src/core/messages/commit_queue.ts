import { ChatError } from "../chat_error.ts";
import { type Metrics, silentMetrics } from "../metrics.ts";
import type { ChangeResult, MessageStore, MoveCursor, MoveRead } from "./message_store.ts";
import type { Committed, PendingEntry } from "./pending_entry.ts";

const maxWaiting = 20_000;
const maxWaitingBytes = 64 * 1024 * 1024;
const maxChangesInCommit = 1_000;
const moveDelayMs = 500;
/** Commits in a row that come back as "behind", before the queue waits for the state to settle. */
const maxBehind = 3;
const settlingMs = 5;

type Moves = Map<string, MoveCursor | MoveRead>;

interface Waiting {
  readonly entry: PendingEntry;
  readonly settle: PromiseWithResolvers<ChangeResult>;
}

export interface CommitQueueOptions {
  store: MessageStore;
  /** Runs a callback after all input that is ready now was read, which groups messages that arrive together. */
  defer(callback: () => void): void;
  /** Called with the accepted entries of a commit in the order of the log, before their `append` resolves. */
  onCommitted(entries: readonly Committed[]): void;
  /** Called for each read position when it is on disk, except those that follow from a user's own messages. */
  onRead?(read: MoveRead): void;
  /** Default: no metrics. */
  metrics?: Metrics;
}

/** Group commit: sends that arrive together share one transaction, and cursors ride along. */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #metrics: Metrics;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Cursors and read positions, each once. */
  #moves: Moves = new Map();
  /** The moves of the commit in progress. */
  #movesUnderway: Moves = new Map();
  #moveTimer: ReturnType<typeof setTimeout> | undefined;
  /**
   * Read positions that follow from users' own messages, by user and conversation. They are not part of every commit,
   * which would cost a row for each message; and as every message passes here, no object is made for them.
   */
  readonly #ownReads = new Map<string, Map<string, number>>();
  #ownTimer: ReturnType<typeof setTimeout> | undefined;
  #scheduled = false;
  #committing: Promise<void> | undefined;
  /** Commits in a row that came back as "behind". */
  #behind = 0;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? silentMetrics;
  }

  /**
   * Resolves when the message is on disk, or was already there.
   * @throws {ChatError} `busy` when the queue is full, `storage_full` from the store.
   */
  append(entry: PendingEntry): Promise<ChangeResult> {
    const bytes = entry.append.text.length;
    if (this.#waiting.length >= maxWaiting || this.#waitingBytes + bytes > maxWaitingBytes) {
      return Promise.reject(
        new ChatError("busy", "The server has too many messages to store: try again.", {
          retryAfterMs: 1_000,
        }),
      );
    }
    const settle = Promise.withResolvers<ChangeResult>();
    this.#waiting.push({ entry, settle });
    this.#waitingBytes += bytes;
    this.#schedule();
    return settle.promise;
  }

  /** Moves a cursor with the next commit. A crash before it only means that messages are delivered again. */
  moveCursor(deviceId: string, consumer: string, position: number): void {
    this.#move(cursorKey(deviceId, consumer), { kind: "move_cursor", deviceId, consumer, position });
  }

  /** Moves a read position with a commit soon. A crash before it only means that messages count as unread again. */
  moveRead(conversation: string, user: string, seq: number): void {
    const key = `read ${conversation} ${user}`;
    const waiting = this.#moves.get(key) ?? this.#movesUnderway.get(key);
    if (waiting !== undefined && target(waiting) >= seq) return;
    this.#move(key, { kind: "move_read", conversation, user, seq });
  }

  /** Moves the read position of `user`, who wrote `seq`, with a commit soon, if everything before it was read. */
  moveOwnRead(conversation: string, user: string, seq: number): void {
    let reads = this.#ownReads.get(user);
    if (reads === undefined) this.#ownReads.set(user, reads = new Map());
    reads.set(conversation, seq);
    this.#ownTimer ??= setTimeout(() => this.#takeOwnReads(), moveDelayMs);
  }

  /** Returns the position that a cursor moves to with the next commit or that in progress; undefined for none. */
  waitingCursor(deviceId: string, consumer: string): number | undefined {
    const key = cursorKey(deviceId, consumer);
    const waiting = this.#moves.get(key) ?? this.#movesUnderway.get(key);
    return waiting?.kind === "move_cursor" ? waiting.position : undefined;
  }

  #takeOwnReads(): void {
    clearTimeout(this.#ownTimer);
    this.#ownTimer = undefined;
    // These follow read positions that were set explicitly.
    for (const [user, reads] of this.#ownReads) {
      for (const [conversation, seq] of reads) {
        const key = `own ${conversation} ${user}`;
        this.#moves.delete(key);
        this.#move(key, { kind: "move_read", conversation, user, seq, ownOnly: true });
      }
    }
    this.#ownReads.clear();
  }

  #move(key: string, change: MoveCursor | MoveRead): void {
    this.#moves.set(key, change);
    this.#moveTimer ??= setTimeout(() => {
      this.#moveTimer = undefined;
      this.#schedule();
    }, moveDelayMs);
  }

  /** Resolves when all entries that the store has at the time of the call are applied. */
  async settled(): Promise<void> {
    await this.#committing;
  }

  /** Resolves when everything in the queue now was committed. */
  async flush(): Promise<void> {
    for (;;) {
      this.#takeOwnReads();
      if (this.#waiting.length === 0 && this.#moves.size === 0 && this.#committing === undefined) return;
      await (this.#committing ?? this.#start());
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#committing !== undefined) return;
    this.#scheduled = true;
    this.#options.defer(() => {
      this.#scheduled = false;
      if (this.#committing === undefined && this.#isDue()) this.#start();
    });
  }

  #isDue(): boolean {
    return this.#waiting.length > 0 || (this.#moves.size > 0 && this.#moveTimer === undefined);
  }

  #start(): Promise<void> {
    this.#committing = this.#commit().finally(() => {
      this.#committing = undefined;
      if (this.#isDue()) this.#schedule();
    });
    return this.#committing;
  }

  async #commit(): Promise<void> {
    clearTimeout(this.#moveTimer);
    this.#moveTimer = undefined;
    const moves = this.#movesUnderway = this.#moves;
    this.#moves = new Map();
    const batch = this.#waiting.splice(0, maxChangesInCommit);
    for (const { entry } of batch) this.#waitingBytes -= entry.append.text.length;
    const begun = performance.now();
    let results: ChangeResult[] | "behind";
    try {
      results = await this.#options.store.commit([...batch.map(({ entry }) => entry.append), ...moves.values()]);
    } catch (error) {
      for (const { settle } of batch) settle.reject(error);
      return;
    } finally {
      this.#movesUnderway = new Map();
    }
    if (results === "behind") return await this.#judgeAgain(batch, moves);
    this.#behind = 0;
    this.#complete(batch, results, (performance.now() - begun) / 1_000);
    let index = batch.length;
    for (const move of moves.values()) {
      const { kind } = results[index++];
      if (move.kind === "move_read" && !move.ownOnly && kind === "moved") this.#options.onRead?.(move);
    }
  }

  #complete(batch: readonly Waiting[], results: readonly ChangeResult[], seconds: number): void {
    const accepted: Committed[] = [];
    let messages = 0;
    batch.forEach(({ entry }, index) => {
      const result = results[index];
      if (result.kind !== "accepted") return;
      if (result.message.event === undefined) messages += 1;
      accepted.push({ message: result.message, origin: entry.origin });
    });
    this.#options.onCommitted(accepted);
    batch.forEach(({ settle }, index) => settle.resolve(results[index]));
    this.#metrics.committed({ messages, events: accepted.length - messages, changes: results.length, seconds });
  }

  /**
   * Puts the changes of a commit that came back as "behind" in front of the others, and judges all entries again in
   * their order, as if they were submitted now.
   */
  async #judgeAgain(batch: readonly Waiting[], moves: Moves): Promise<void> {
    this.#waiting = [...batch, ...this.#waiting];
    for (const { entry } of batch) this.#waitingBytes += entry.append.text.length;
    for (const [key, move] of moves) {
      const newer = this.#moves.get(key);
      if (newer === undefined || target(newer) < target(move)) this.#moves.set(key, move);
    }
    this.#behind += 1;
    if (this.#behind >= maxBehind) await new Promise((resolve) => setTimeout(resolve, settlingMs));
    await this.#refresh();
    // In one turn: an entry that is submitted meanwhile must not be judged without those before it.
    for (const { entry } of this.#waiting) entry.withdraw();
    for (const { entry } of this.#waiting) entry.judge();
  }

  /** Refreshes all entries, and rejects those for which that fails. */
  async #refresh(): Promise<void> {
    const failed = new Map<Waiting, unknown>();
    for (const waiting of [...this.#waiting]) {
      await waiting.entry.refresh().catch((error) => failed.set(waiting, error));
    }
    if (failed.size === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !failed.has(waiting));
    for (const [{ entry, settle }, error] of failed) {
      this.#waitingBytes -= entry.append.text.length;
      entry.withdraw();
      settle.reject(error);
    }
  }
}

function target(move: MoveCursor | MoveRead): number {
  return move.kind === "move_cursor" ? move.position : move.seq;
}

function cursorKey(deviceId: string, consumer: string): string {
  return `cursor ${deviceId} ${consumer}`;
}
