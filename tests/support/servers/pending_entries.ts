import type { Append } from "../../../src/core/messages/message_store.ts";
import type { Origin, PendingEntry } from "../../../src/core/messages/pending_entry.ts";

/** The origin of an entry between two users. */
export const nowhere = {
  members: ["ana", "ben"],
  room: undefined,
  change: undefined,
  subscriber: undefined,
} satisfies Origin;

/** An entry that is always judged alike. */
export function judged(append: Append, origin: Origin = nowhere): PendingEntry {
  return { append, origin, refresh: () => Promise.resolve(), judge() {}, withdraw() {} };
}

/** For a queue that gets no plain messages. */
export const noBatches = { onBatchStored() {}, onBatchReturned() {}, onBatchError() {}, onBatchFailed() {} };
