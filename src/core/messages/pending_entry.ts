import type { Subscriber } from "../people/live_sessions.ts";
import type { RoomChange, RoomState } from "../rooms/room_state.ts";
import type { Message } from "./message.ts";
import type { Append } from "./message_store.ts";
import type { NamedReaders } from "./naming.ts";

/** Where a committed entry comes from, and its audience. */
export interface Origin {
  /** The users of a direct conversation, each once; empty for a room. */
  readonly members: readonly string[];
  readonly room: RoomState | undefined;
  /** The change of the room, of an event of it. */
  readonly change: RoomChange | undefined;
  readonly subscriber: Subscriber | undefined;
}

/** A committed entry. */
export interface Committed {
  readonly message: Message;
  /** Undefined for an entry that was read from the store: its audience follows from the entry. */
  readonly origin: Origin | undefined;
  /** The readers that it names, if there are any. Of an entry that was read from the store, only the store knows them. */
  readonly named?: NamedReaders;
}

/** An entry on its way into the log. It is judged by the state of memory, which may have changed before it is stored. */
export interface PendingEntry {
  /** The entry as it was judged last. */
  readonly append: Append;
  readonly origin: Origin;
  /** Reads the input of {@link judge} from stores, before the entry is judged again. @throws {ChatError} of the store */
  refresh(): Promise<void>;
  /** Judges it by the present state, and counts it for the entries that are judged after it. */
  judge(): void;
  /** Ends the effect of {@link judge} on other entries. Idempotent. */
  withdraw(): void;
}
