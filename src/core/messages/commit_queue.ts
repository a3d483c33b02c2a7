import { ChatError } from "../chat_error.ts";
import { type Metrics, silentMetrics } from "../metrics.ts";
import type { Message } from "./message.ts";
import type { Append, ChangeResult, MessageStore, MoveCursor, MoveRead } from "./message_store.ts";

const maxWaiting = 20_000;
const maxWaitingBytes = 64 * 1024 * 1024;
const maxChangesInCommit = 1_000;
/** Delay of read positions that no commit took along, in milliseconds. */
const moveDelayMs = 500;
/**
 * Delay of cursors, in milliseconds. They wait for their own commit: in a busy room, each message's commit would
 * otherwise write the cursors of all members.
 */
const cursorDelayMs = 2_000;

interface Waiting {
  readonly append: Append;
  /** Its sender, passed on with the committed message. */
  readonly origin: unknown;
  readonly settle: PromiseWithResolvers<ChangeResult>;
}

interface WaitingCursor extends MoveCursor {
  position: number;
}

export interface CommitQueueOptions {
  store: MessageStore;
  /** Runs a callback after all input that is ready now was read, which groups messages that arrive together. */
  defer(callback: () => void): void;
  /** Called for each accepted message in the order of the log, before its `append` resolves. */
  onAccepted(message: Message, origin: unknown): void;
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
  /** Read positions, each once. */
  readonly #moves = new Map<string, MoveRead>();
  #moveTimer: ReturnType<typeof setTimeout> | undefined;
  /** Cursors by device, which nearly always has one consumer: a key for both would be made for each acknowledgement. */
  readonly #cursors = new Map<string, WaitingCursor[]>();
  #cursorTimer: ReturnType<typeof setTimeout> | undefined;
  /**
   * Read positions that follow from users' own messages, by user and conversation. They are not part of every commit,
   * which would cost a row for each message; and as every message passes here, no object is made for them.
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
   * Resolves when the message is on disk, or was already there.
   * @throws {ChatError} `busy` when the queue is full, `storage_full` from the store.
   */
  append(append: Append, origin: unknown): Promise<ChangeResult> {
    const bytes = append.text.length;
    if (this.#waiting.length >= maxWaiting || this.#waitingBytes + bytes > maxWaitingBytes) {
      return Promise.reject(
        new ChatError("busy", "The server has too many messages to store: try again.", {
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

  /** Moves a cursor with a commit soon. A crash before it only means that messages are delivered again. */
  moveCursor(deviceId: string, consumer: string, position: number): void {
    const cursors = this.#cursors.get(deviceId);
    const waiting = findCursor(cursors, consumer);
    if (waiting !== undefined) waiting.position = position;
    else this.#cursors.set(deviceId, [...cursors ?? [], { kind: "move_cursor", deviceId, consumer, position }]);
    this.#cursorTimer ??= setTimeout(() => {
      this.#cursorTimer = undefined;
      this.#schedule();
    }, cursorDelayMs);
  }

  /** Moves a read position with a commit soon. A crash before it only means that messages count as unread again. */
  moveRead(conversation: string, user: string, seq: number): void {
    const key = `read ${conversation} ${user}`;
    const waiting = this.#moves.get(key);
    if (waiting !== undefined && waiting.seq >= seq) return;
    this.#move(key, { kind: "move_read", conversation, user, seq });
  }

  /** Moves the read position of `user`, who wrote `seq`, with a commit soon, if everything before it was read. */
  moveOwnRead(conversation: string, user: string, seq: number): void {
    let reads = this.#ownReads.get(user);
    if (reads === undefined) this.#ownReads.set(user, reads = new Map());
    reads.set(conversation, seq);
    this.#ownTimer ??= setTimeout(() => this.#takeOwnReads(), moveDelayMs);
  }

  /** Returns the position that a cursor moves to soon; undefined when none waits. */
  waitingCursor(deviceId: string, consumer: string): number | undefined {
    return findCursor(this.#cursors.get(deviceId), consumer)?.position;
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

  #move(key: string, change: MoveRead): void {
    this.#moves.set(key, change);
    this.#moveTimer ??= setTimeout(() => {
      this.#moveTimer = undefined;
      this.#schedule();
    }, moveDelayMs);
  }

  /** Resolves when everything in the queue now was committed. */
  async flush(): Promise<void> {
    for (;;) {
      this.#takeOwnReads();
      this.#dropTimers();
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
    return this.#waiting.length > 0 || (this.#moves.size > 0 && this.#moveTimer === undefined) || this.#areCursorsDue();
  }

  #areCursorsDue(): boolean {
    return this.#cursors.size > 0 && this.#cursorTimer === undefined;
  }

  /** Makes everything due. */
  #dropTimers(): void {
    clearTimeout(this.#moveTimer);
    clearTimeout(this.#cursorTimer);
    this.#moveTimer = this.#cursorTimer = undefined;
  }

  #start(): Promise<void> {
    this.#committing = this.#commit().finally(() => {
      this.#committing = undefined;
      if (this.#isDue()) this.#schedule();
    });
    return this.#committing;
  }

  /** Takes the read positions, and the cursors that are due. */
  #takeMoves(): (MoveCursor | MoveRead)[] {
    clearTimeout(this.#moveTimer);
    this.#moveTimer = undefined;
    const moves: (MoveCursor | MoveRead)[] = [...this.#moves.values()];
    this.#moves.clear();
    if (this.#areCursorsDue()) {
      for (const cursors of this.#cursors.values()) moves.push(...cursors);
      this.#cursors.clear();
    }
    return moves;
  }

  async #commit(): Promise<void> {
    const moves = this.#takeMoves();
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

function findCursor(cursors: readonly WaitingCursor[] = [], consumer: string): WaitingCursor | undefined {
  return cursors.find((cursor) => cursor.consumer === consumer);
}
