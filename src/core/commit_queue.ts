import { ChatError } from "./chat_error.ts";
import type { Append, Change, ChangeResult, MessageStore } from "./message_store.ts";
import type { Message } from "./message.ts";

const maxWaiting = 20_000;
const maxChangesInCommit = 1_000;
const cursorDelayMs = 500;

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
}

/** Group commit: sends that arrive together share one transaction, and cursors ride along. */
export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #waiting: Waiting[] = [];
  #cursors = new Map<string, Change>();
  #cursorTimer: ReturnType<typeof setTimeout> | undefined;
  #scheduled = false;
  #committing: Promise<void> | undefined;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the message is on disk, or was before.
   * @throws {ChatError} `busy` when too much waits already, `storage_full` from the store.
   */
  append(append: Append, origin: unknown): Promise<ChangeResult> {
    if (this.#waiting.length >= maxWaiting) {
      return Promise.reject(
        new ChatError("busy", "The server has more messages to store than it can take: try again.", {
          retryAfterMs: 1_000,
        }),
      );
    }
    const settle = Promise.withResolvers<ChangeResult>();
    this.#waiting.push({ append, origin, settle });
    this.#schedule();
    return settle.promise;
  }

  /** Is part of the next commit; losing it only means that messages are delivered again. */
  moveCursor(deviceId: string, consumer: string, position: number): void {
    this.#cursors.set(`${deviceId} ${consumer}`, { kind: "move_cursor", deviceId, consumer, position });
    this.#cursorTimer ??= setTimeout(() => this.#schedule(), cursorDelayMs);
  }

  /** Resolves when everything that waits now has been committed. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#cursors.size > 0 || this.#committing !== undefined) {
      await (this.#committing ?? this.#start());
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#committing !== undefined) return;
    this.#scheduled = true;
    this.#options.defer(() => {
      this.#scheduled = false;
      if (this.#committing === undefined) this.#start();
    });
  }

  #start(): Promise<void> {
    this.#committing = this.#commit().finally(() => {
      this.#committing = undefined;
      if (this.#waiting.length > 0) this.#schedule();
    });
    return this.#committing;
  }

  async #commit(): Promise<void> {
    clearTimeout(this.#cursorTimer);
    this.#cursorTimer = undefined;
    const cursors = [...this.#cursors.values()];
    this.#cursors.clear();
    const batch = this.#waiting.splice(0, maxChangesInCommit);
    let results: ChangeResult[];
    try {
      results = await this.#options.store.commit([...batch.map((waiting) => waiting.append), ...cursors]);
    } catch (error) {
      for (const { settle } of batch) settle.reject(error);
      return;
    }
    for (const [index, { origin, settle }] of batch.entries()) {
      const result = results[index];
      if (result.kind === "accepted") this.#options.onAccepted(result.message, origin);
      settle.resolve(result);
    }
  }
}
