import { ChatError } from "../../core/chat_error.ts";

/** Chunks of one user that were sent and not seen to be read, 3 MiB of them. */
export const maxUnread = 64;
/** After this they count as read, in milliseconds: their reader may have gone. */
const forgottenMs = 60_000;

/**
 * Bounds the chunks that the broker keeps for clients that ask for them and do not read them: for direct replies it has no limit.
 * Each chunk comes with a random receipt, which proves that the chunk was read.
 */
export class UnreadChunks {
  /** When each was sent, by receipt, of each user; oldest first. */
  readonly #unread = new Map<string, Map<string, number>>();

  /** Number of users who have something to read. */
  get users(): number {
    return this.#unread.size;
  }

  /** @returns the receipt of a chunk that is going to be sent. @throws {ChatError} `rate_limited` when there are too many. */
  send(user: string, now: number): string {
    const unread = this.#unread.get(user) ?? new Map<string, number>();
    for (const [receipt, sentAt] of unread) {
      if (sentAt > now - forgottenMs) break;
      unread.delete(receipt);
    }
    if (unread.size >= maxUnread) {
      throw new ChatError(
        "rate_limited",
        "You were sent more chunks than you said you have: say so with their receipts.",
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

  /** The user has these. Others are ignored. */
  took(user: string, receipts: readonly string[]): void {
    const unread = this.#unread.get(user);
    if (unread === undefined) return;
    for (const receipt of receipts) unread.delete(receipt);
    if (unread.size === 0) this.#unread.delete(user);
  }
}
