import { ChatError } from "../chat_error.ts";
import { type Metrics, silentMetrics } from "../metrics.ts";
import type { Message } from "./message.ts";
import type { Append, ChangeResult, MessageStore, MoveCursor, MoveRead } from "./message_store.ts";

const maxWaiting = 20_000;
const maxWaitingBytes = 64 * 1024 * 1024;
const maxChangesInCommit = 1_000;
const moveDelayMs = 500;

interface Waiting {
  readonly append: Append;
  /** Who sent it, passed on with the committed message. */
  readonly origin: unknown;
  readonly settle: PromiseWithResolvers<ChangeResult>;
}

export interface CommitQueueOptions {
  store: MessageStore;
  /** Runs a callback after the input that is ready now has been read, so that what came together is committed together. */
  defer(callback: () => void): void;
  /** Called for each accepted message in the order of the log, before its `append` resolves. */
  onAccepted(message: Message, origin: unknown): void;
  /** Called for each read position, but those of what people wrote themselves, when it is on disk. */
  onRead?(read: MoveRead): void;
  /** Nobody counts unless given. */
  metrics?: Metrics;
}

/** Group commit: sends that arrive together share one transaction, and cursors ride along. */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  readonly #metrics: Metrics;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Cursors and read positions, each once. */
  #moves = new Map<string, MoveCursor | MoveRead>();
  #moveTimer: ReturnType<typeof setTimeout> | undefined;
  /**
   * What people have read because they wrote it, by user and conversation: not part of every commit, which would cost each a row more. As
   * every message comes by here, nothing is made for it.
   */
  readonly #ownReads = new Map<string, Map<string, number>>();
  #ownTimer: ReturnType<typeof setTimeout> | undefined;
  #scheduled = false;
  #committing: Promise<void> | undefined;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? silentMetrics;
  }

  /**
   * Resolves when the message is on disk, or was before.
   * @throws {ChatError} `busy` when too much waits already, `storage_full` from the store.
   */
  append(append: Append, origin: unknown): Promise<ChangeResult> {
    const bytes = append.text.length;
    if (this.#waiting.length >= maxWaiting || this.#waitingBytes + bytes > maxWaitingBytes) {
      return Promise.reject(
        new ChatError("busy", "The server has more messages to store than it can take: try again.", {
          retryAfterMs: 1_000,
        }),
      );
    }
    const settle = Promise.withResolvers<ChangeResult>();
    this.#waiting.push({ append, origin, settle });
    this.#waitingBytes += bytes;
    this.#schedule();
    return settle.promise;
  }

  /** Is part of the next commit; losing it only means that messages are delivered again. */
  moveCursor(deviceId: string, consumer: string, position: number): void {
    this.#move(cursorKey(deviceId, consumer), { kind: "move_cursor", deviceId, consumer, position });
  }

  /** Is part of a commit soon; losing it only means that something counts as unread again. */
  moveRead(conversation: string, user: string, seq: number): void {
    const key = `read ${conversation} ${user}`;
    const waiting = this.#moves.get(key);
    if (waiting?.kind === "move_read" && waiting.seq >= seq) return;
    this.#move(key, { kind: "move_read", conversation, user, seq });
  }

  /** `user` wrote `seq`: for who had read everything before it, it is not unread. Is part of a commit soon. */
  moveOwnRead(conversation: string, user: string, seq: number): void {
    let reads = this.#ownReads.get(user);
    if (reads === undefined) this.#ownReads.set(user, reads = new Map());
    reads.set(conversation, seq);
    this.#ownTimer ??= setTimeout(() => this.#takeOwnReads(), moveDelayMs);
  }

  /** Where a cursor is going to be; undefined when nothing waits for it. */
  waitingCursor(deviceId: string, consumer: string): number | undefined {
    const waiting = this.#moves.get(cursorKey(deviceId, consumer));
    return waiting?.kind === "move_cursor" ? waiting.position : undefined;
  }

  #takeOwnReads(): void {
    clearTimeout(this.#ownTimer);
    this.#ownTimer = undefined;
    // After what was read otherwise.
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

  /** Resolves when everything that waits now has been committed. */
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
    const moves = [...this.#moves.values()];
    this.#moves.clear();
    const batch = this.#waiting.splice(0, maxChangesInCommit);
    for (const { append } of batch) this.#waitingBytes -= append.text.length;
    const begun = performance.now();
    let results: ChangeResult[];
    try {
      results = await this.#options.store.commit([...batch.map((waiting) => waiting.append), ...moves]);
    } catch (error) {
      for (const { settle } of batch) settle.reject(error);
      return;
    }
    const seconds = (performance.now() - begun) / 1_000;
    let messages = 0;
    let events = 0;
    batch.forEach(({ origin, settle }, index) => {
      const result = results[index];
      if (result.kind === "accepted") {
        if (result.message.event === undefined) messages += 1;
        else events += 1;
        this.#options.onAccepted(result.message, origin);
      }
      settle.resolve(result);
    });
    this.#metrics.committed({ messages, events, changes: results.length, seconds });
    for (const [index, move] of moves.entries()) {
      if (move.kind !== "move_read" || move.ownOnly || results[batch.length + index].kind !== "moved") continue;
      this.#options.onRead?.(move);
    }
  }
}

function cursorKey(deviceId: string, consumer: string): string {
  return `cursor ${deviceId} ${consumer}`;
}
