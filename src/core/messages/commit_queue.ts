import { ChatError } from "../chat_error.ts";
import { type Metrics, silentMetrics } from "../metrics.ts";
import type { ChangeResult, MessageStore, MoveRead } from "./message_store.ts";
import type { Committed, PendingEntry } from "./pending_entry.ts";
import { type Moves, PendingMoves } from "./pending_moves.ts";
import { maxDirectMessages } from "./plain_batch.ts";
import type { LaneBatch, LaneRequest, LaneRoute, LaneSession } from "./plain_lane.ts";
import { PlainQueue } from "./plain_queue.ts";

const maxWaiting = 20_000;
const maxWaitingBytes = 64 * 1024 * 1024;
const maxChangesInCommit = 1_000;
/** Commits in a row that come back as "behind", before the queue waits for the state to settle. */
const maxBehind = 3;
const settlingMs = 5;

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
  /** Called with a batch that is on disk, in the order of the log. */
  onBatchStored(batch: LaneBatch): void;
  /** Called with a batch that was not stored as it is: each message is appended like other entries, before it returns. */
  onBatchReturned(batch: LaneBatch): void;
  /** Called with an error of the store before the batch that it belongs to is returned. */
  onBatchError(error: unknown): void;
  /** Called with a batch that could not be stored. */
  onBatchFailed(batch: LaneBatch, error: unknown): void;
  /** Called for each read position when it is on disk, except those that follow from a user's own messages. */
  onRead?(read: MoveRead): void;
  /** Default: no metrics. */
  metrics?: Metrics;
}

/**
 * Group commit: entries that arrive together share one transaction, and cursors ride along. Plain messages are committed
 * in batches of their own, and every entry stands in the log before all that were added after it.
 */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #metrics: Metrics;
  /** Plain messages, which came before all that is in `#waiting`. */
  readonly #plain = new PlainQueue<LaneRoute, LaneSession>();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Cursors and read positions, which ride along with commits. */
  readonly moves = new PendingMoves(() => this.#schedule());
  #scheduled = false;
  #committing: Promise<void> | undefined;
  /** Calls of {@link between} that wait for the end of a commit. */
  #interrupting = 0;
  /** Whether the newest commit is a batch of plain messages. */
  #wasPlain = false;
  /** Commits in a row that came back as "behind". */
  #behind = 0;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? silentMetrics;
  }

  /**
   * Resolves when the message is on disk, or was already there.
   * @throws {ChatError} `busy` when the queue is full; errors of {@link MessageStore.commit}.
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

  /**
   * Adds a plain message that may be stored, accepted at a time in milliseconds since the Unix epoch.
   * @returns false when entries that came before it wait, or too many messages do: {@link append} takes it then
   */
  addPlain(request: LaneRequest, acceptedAt: number): boolean {
    if (this.#waiting.length > 0 || !this.#plain.add(request, acceptedAt)) return false;
    this.#schedule();
    return true;
  }

  /** Resolves when all entries that the store has at the time of the call are applied. */
  async settled(): Promise<void> {
    await this.#committing;
  }

  /** Runs `work` between two commits: all entries that the store has are applied, and no other is committed meanwhile. */
  async between<T>(work: () => Promise<T>): Promise<T> {
    this.#interrupting += 1;
    while (this.#committing !== undefined) await this.#committing.catch(() => {});
    this.#interrupting -= 1;
    const result = work();
    this.#occupy(result.then(() => {}, () => {}));
    return await result;
  }

  /** Resolves when everything in the queue now was committed. */
  async flush(): Promise<void> {
    for (;;) {
      this.moves.makeDue();
      if (!this.#isDue() && this.#committing === undefined) return;
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
    return this.#plain.count > 0 || this.#waiting.length > 0 || this.moves.isDue;
  }

  #start(): Promise<void> {
    const batch = this.#takePlain();
    return this.#occupy(batch === undefined ? this.#commit() : this.#commitPlain(batch));
  }

  /** Lets no commit begin until `work` has ended. */
  #occupy(work: Promise<void>): Promise<void> {
    const committing = work.finally(() => {
      // The next batch is being committed already.
      if (this.#committing !== committing) return;
      this.#committing = undefined;
      if (this.#isDue()) this.#schedule();
    });
    return this.#committing = committing;
  }

  /** Takes the next batch, unless it is the turn of moves that waited for it. */
  #takePlain(): LaneBatch | undefined {
    const batch = this.#isTurnOfMoves ? undefined : this.#plain.take();
    this.#wasPlain = batch !== undefined;
    return batch;
  }

  get #isTurnOfMoves(): boolean {
    return this.#wasPlain && this.moves.isDue && this.#waiting.length === 0;
  }

  async #commitPlain(batch: LaneBatch): Promise<void> {
    const { store, onBatchStored, onBatchError, onBatchFailed } = this.#options;
    const { count } = batch;
    const begun = performance.now();
    let isStored = false;
    try {
      isStored = await store.commitPlain(batch);
    } catch (error) {
      if (error instanceof ChatError) return onBatchFailed(batch, error);
      onBatchError(error);
    }
    if (!isStored) return this.#returnPlain(batch);
    const seconds = (performance.now() - begun) / 1_000;
    // The thread of the store writes the next batch while this one is published.
    const goesOn = this.#plain.count > maxDirectMessages && !this.#isTurnOfMoves && this.#interrupting === 0;
    if (goesOn) void this.#start();
    onBatchStored(batch);
    this.#metrics.committed({ messages: count, events: 0, changes: count, seconds });
  }

  /** Has all plain messages, those of `first` before the others, appended in their order before the entries that wait. */
  #returnPlain(first: LaneBatch | undefined = this.#plain.take()): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let batch = first; batch !== undefined; batch = this.#plain.take()) this.#options.onBatchReturned(batch);
    this.#waiting.push(...waiting);
  }

  async #commit(): Promise<void> {
    const moves = this.moves.take();
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
      this.moves.settled();
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
      accepted.push({ message: result.message, origin: entry.origin, named: result.named });
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
    // These came during the commit.
    this.#returnPlain();
    this.#waiting = [...batch, ...this.#waiting];
    for (const { entry } of batch) this.#waitingBytes += entry.append.text.length;
    this.moves.putBack(moves);
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
