import { ChatError } from "../../core/chat_error.ts";

/** Chunks of one user that were sent and not acknowledged, 3 MiB in all. */
export const maxUnread = 64;
/** Age at which a chunk counts as read, in milliseconds: its reader may have gone. */
const forgottenMs = 60_000;

/**
 * Bounds the chunks that the broker stores for clients that request them and do not read them, as it has no limit for
 * direct replies. Each chunk comes with a random receipt, whose return proves that the chunk was read.
 */
export class UnreadChunks {
  /** Sending times by user and receipt; oldest first. */
  readonly #unread = new Map<string, Map<string, number>>();

  /** Number of users with unacknowledged chunks. */
  get users(): number {
    return this.#unread.size;
  }

  /**
   * Registers a chunk to be sent.
   * @returns its receipt
   * @throws {ChatError} `rate_limited` when too many are unacknowledged
   */
  issueReceipt(user: string, now: number): string {
    const unread = this.#unread.get(user) ?? new Map<string, number>();
    for (const [receipt, sentAt] of unread) {
      if (sentAt > now - forgottenMs) break;
      unread.delete(receipt);
    }
    if (unread.size >= maxUnread) {
      throw new ChatError(
        "rate_limited",
        "Too many unacknowledged chunks. Acknowledge chunks with their receipts.",
        {
          retryAfterMs: 1_000,
        },
      );
    }
    const receipt = crypto.getRandomValues(new Uint8Array(8)).toHex();
    unread.set(receipt, now);
    this.#unread.set(user, unread);
    return receipt;
  }

  /** Acknowledges chunks by their receipts; ignores unknown ones. */
  acknowledge(user: string, receipts: readonly string[]): void {
    const unread = this.#unread.get(user);
    if (unread === undefined) return;
    for (const receipt of receipts) unread.delete(receipt);
    if (unread.size === 0) this.#unread.delete(user);
  }
}
