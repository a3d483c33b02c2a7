import type { SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { isRoomId } from "../../../core/rooms/room.ts";

/** The newest entry of a conversation, which remains its head after the entry was removed. */
export interface Head {
  /** The key of the conversation. */
  readonly id: number;
  readonly isRoom: boolean;
  readonly headSeq: number;
  readonly headPosition: number;
  /** The number of the conversation's entries that are events. */
  readonly uncounted: number;
}

interface UnwrittenHead {
  head: Head;
  /** The columns include all entries of the conversation at lower positions. */
  readonly since: number;
  /** The members of a direct conversation, by key. */
  readonly members: readonly number[];
}

export interface HeadsOptions {
  /** The number of unwritten heads at which the next commit first writes the oldest quarter. Default: 1024. */
  readonly maxUnwritten?: number;
  /** The number of entries after the written heads at which the next commit first writes all. Default: 65,536. */
  readonly maxBehind?: number;
}

interface Connection {
  prepare(sql: string): StatementSync;
}

/** SQL: the head of the conversation `c`, an alias of the table. No other code reads the columns of heads. */
export const headOf = {
  seq: "newest_seq(c.id, c.head_seq)",
  position: "newest_position(c.id, c.head_position)",
  uncounted: "newest_uncounted(c.id, c.uncounted)",
} as const;

function prepareStatements(connection: Connection) {
  return {
    through: connection.prepare("SELECT heads_through AS position FROM log"),
    head: connection.prepare("SELECT max(position) AS position FROM entry"),
    // The other columns are those of the row with the maximum (https://sqlite.org/lang_select.html#bareagg).
    recover: connection.prepare(
      `SELECT c.id, c.name, e.seq AS headSeq, max(e.position) AS headPosition, e.uncounted
       FROM entry e CROSS JOIN conversation c ON c.id = e.conversation WHERE e.position > ? GROUP BY e.conversation`,
    ),
    members: connection.prepare("SELECT user FROM member WHERE conversation = ?"),
    write: connection.prepare("UPDATE conversation SET head_seq = ?, head_position = ?, uncounted = ? WHERE id = ?"),
    writeMembers: connection.prepare("UPDATE member SET head_position = ? WHERE conversation = ?"),
    moveThrough: connection.prepare("UPDATE log SET heads_through = ?"),
  };
}

/**
 * The heads of the log and of its conversations. A commit does not write them: the columns of conversation and member
 * may be older, and heads that differ from them are in memory until {@link write}. log.heads_through is the position up
 * to which all heads are in the columns; after a crash, later ones are read from the entries.
 */
export class Heads {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #maxUnwritten: number;
  readonly #maxBehind: number;
  /** By conversation, the one that has been unwritten for longest first. */
  readonly #unwritten = new Map<number, UnwrittenHead>();
  /** The direct conversations with an unwritten head, by member. */
  readonly #unwrittenOf = new Map<number, Set<number>>();
  #through: number;
  #head: number;
  /** Called when a head is unwritten and none was before. */
  onUnwritten: (() => void) | undefined;

  constructor(connection: Connection, { maxUnwritten = 1024, maxBehind = 65_536 }: HeadsOptions = {}) {
    this.#statements = prepareStatements(connection);
    this.#maxUnwritten = maxUnwritten;
    this.#maxBehind = maxBehind;
    this.#through = this.#head = toPosition(this.#statements.through.get());
    this.#recover();
  }

  /** The newest position of the log; 0 if it is empty. */
  get head(): number {
    return this.#head;
  }

  /** The number of unwritten heads. */
  get unwritten(): number {
    return this.#unwritten.size;
  }

  /** The number of heads that must be written before the next commit. */
  get excess(): number {
    if (this.#head - this.#through >= this.#maxBehind) return this.#unwritten.size;
    if (this.#unwritten.size < this.#maxUnwritten) return 0;
    return this.#unwritten.size - Math.floor(this.#maxUnwritten * 3 / 4);
  }

  /** The functions of {@link headOf}: each takes the key of a conversation and its column. */
  get functions(): Record<string, (id: SQLOutputValue, written: SQLOutputValue) => SQLInputValue> {
    return {
      newest_seq: (id, written) => this.#unwritten.get(id as number)?.head.headSeq ?? written,
      newest_position: (id, written) => this.#unwritten.get(id as number)?.head.headPosition ?? written,
      newest_uncounted: (id, written) => this.#unwritten.get(id as number)?.head.uncounted ?? written,
    };
  }

  /** Whether the head of a conversation in the columns is the newest. */
  isWritten(conversation: number): boolean {
    return !this.#unwritten.has(conversation);
  }

  /**
   * Returns the unwritten heads of a user's direct conversations. An index by written heads has old positions of these
   * conversations.
   */
  unwrittenOf(user: number): Head[] {
    return Array.from(this.#unwrittenOf.get(user) ?? [], (conversation) => this.#unwritten.get(conversation)!.head);
  }

  /** Records the heads that a transaction moved, after its commit. `position` is the new head of the log. */
  move(heads: Iterable<Head>, position: number): void {
    const before = this.#unwritten.size;
    for (const head of heads) this.#set(head, this.#head + 1);
    this.#head = position;
    if (before === 0 && this.#unwritten.size > 0) this.onUnwritten?.();
  }

  /** Writes up to `limit` heads, in the caller's transaction. {@link forget} must follow its commit. */
  write(limit: number): void {
    const { write, writeMembers, moveThrough } = this.#statements;
    for (const { head: { id, isRoom, headSeq, headPosition, uncounted } } of this.#unwritten.values().take(limit)) {
      write.run(headSeq, headPosition, uncounted, id);
      if (!isRoom) writeMembers.run(headPosition, id);
    }
    moveThrough.run(this.#throughAfter(limit));
  }

  /** Drops as many heads as {@link write} wrote. */
  forget(limit: number): void {
    this.#through = this.#throughAfter(limit);
    for (const [conversation, { members }] of this.#unwritten.entries().take(limit)) {
      this.#unwritten.delete(conversation);
      for (const member of members) this.#forgetOf(member, conversation);
    }
  }

  /** Returns the position up to which all heads are written once `limit` heads are. */
  #throughAfter(limit: number): number {
    const { value: next } = this.#unwritten.values().drop(limit).next();
    return next === undefined ? this.#head : next.since - 1;
  }

  #set(head: Head, since: number): void {
    const known = this.#unwritten.get(head.id);
    if (known !== undefined) {
      known.head = head;
      return;
    }
    const members = head.isRoom ? [] : this.#membersOf(head.id);
    this.#unwritten.set(head.id, { head, since, members });
    for (const member of members) {
      const conversations = this.#unwrittenOf.get(member);
      if (conversations === undefined) this.#unwrittenOf.set(member, new Set([head.id]));
      else conversations.add(head.id);
    }
  }

  #forgetOf(member: number, conversation: number): void {
    const conversations = this.#unwrittenOf.get(member);
    conversations?.delete(conversation);
    if (conversations?.size === 0) this.#unwrittenOf.delete(member);
  }

  #membersOf(conversation: number): number[] {
    return (this.#statements.members.all(conversation) as { user: number }[]).map(({ user }) => user);
  }

  #recover(): void {
    const rows = this.#statements.recover.all(this.#through) as unknown as (Omit<Head, "isRoom"> & { name: string })[];
    const heads = rows.map(({ name, ...head }) => ({ ...head, isRoom: isRoomId(name) }));
    this.move(heads, Math.max(this.#head, toPosition(this.#statements.head.get())));
  }
}

function toPosition(row: unknown): number {
  return (row as { position: number | null }).position ?? 0;
}
