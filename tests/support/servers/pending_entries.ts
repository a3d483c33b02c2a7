import type { Append } from "../../../src/core/messages/message_store.ts";
import type { Origin, PendingEntry } from "../../../src/core/messages/pending_entry.ts";

/** The origin of an entry between two users. */
export const nowhere: Origin = { members: ["ana", "ben"], room: undefined, change: undefined, subscriber: undefined };

/** An entry that is always judged alike. */
export function judged(append: Append, origin = nowhere): PendingEntry {
  return { append, origin, refresh: () => Promise.resolve(), judge() {}, withdraw() {} };
}
