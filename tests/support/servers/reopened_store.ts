import type { AccountStore } from "../../../src/core/accounts/account_store.ts";
import type { ExclusiveMessageStore } from "../../../src/core/messages/message_store.ts";
import type { RetentionStore } from "../../../src/core/messages/retention_store.ts";
import type { SettingsStore } from "../../../src/core/people/settings_store.ts";
import type { RoomStore } from "../../../src/core/rooms/room_store.ts";

/** The time of all entries. */
export const start = 1_700_000_000_000;

/** A store that is opened again and again, in order or after a crash. */
export interface ReopenedStore extends AsyncDisposable {
  readonly messages: ExclusiveMessageStore;
  readonly rooms: RoomStore;
  readonly accounts: AccountStore;
  readonly settings: SettingsStore;
  readonly retention: RetentionStore;
  reopen(): Promise<void>;
  /** Continues as the next process does. */
  crash(): Promise<void>;
  /** Writes heads of conversations, at least so many of those that are unwritten. */
  writeHeads(limit: number): Promise<void>;
  /** Does as a server does once a minute. */
  emptyLog(): void;
}

/** Removes what is beyond a number of entries in each conversation. */
export async function retain({ retention }: ReopenedStore, maxEntries: number): Promise<void> {
  await retention.setRule({ conversation: undefined, maxAgeMs: undefined, maxEntries });
  const { due } = await retention.findDue(0, start);
  for (const conversation of due) await retention.removeDue(conversation, { now: start, limit: 100 });
}
