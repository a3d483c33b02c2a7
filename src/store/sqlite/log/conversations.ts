import { isRoomId } from "../../../core/rooms/room.ts";
import type { Database } from "../database.ts";
import { BoundedMap } from "../../shared/bounded_map.ts";
import { type Head, headOf } from "./heads.ts";

const maxCached = 20_000;

/** A conversation, as entries are appended to it. */
export interface Conversation extends Head {
  /** Whether it is a deleted room, of which only the used id remains. */
  readonly isGone: boolean;
}

/** A conversation whose head a transaction moves. */
export type MovedConversation = { -readonly [Key in keyof Conversation]: Conversation[Key] };

type ConversationRow = Omit<Conversation, "isRoom" | "isGone"> & { hasRoom: number };

/** The conversations of the log by name, cached with their newest heads. */
export class Conversations {
  readonly #find;
  readonly #cached = new BoundedMap<string, Conversation>(maxCached);
  #generation = 0;

  constructor(database: Database) {
    this.#find = database.prepare(
      `SELECT c.id, ${headOf.seq} AS headSeq, ${headOf.position} AS headPosition, ${headOf.uncounted} AS uncounted,
         EXISTS (SELECT 1 FROM room r WHERE r.conversation = c.id) AS hasRoom
       FROM conversation c WHERE c.name = ?`,
    );
  }

  /** Changes when names were forgotten. */
  get generation(): number {
    return this.#generation;
  }

  find(name: string): Conversation | undefined {
    const cached = this.#cached.get(name);
    if (cached !== undefined) return cached;
    const row = this.#find.get(name) as ConversationRow | undefined;
    if (row === undefined) return undefined;
    const { hasRoom, ...conversation } = row;
    const isRoom = isRoomId(name);
    return { ...conversation, isRoom, isGone: isRoom && hasRoom === 0 };
  }

  /** Adds conversations as a transaction left them. */
  add(conversations: Iterable<readonly [name: string, conversation: Conversation]>): void {
    for (const [name, conversation] of conversations) this.#cached.set(name, conversation);
  }

  /** Must be called after conversations were renamed or deleted. */
  forgetNames(): void {
    this.#cached.clear();
    this.#generation += 1;
  }
}
