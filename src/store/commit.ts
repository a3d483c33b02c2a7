import type { Accepted } from "../core/message.ts";
import type { Append, Change, ChangeResult, MoveCursor } from "../core/message_store.ts";
import { BoundedMap } from "./bounded_map.ts";
import { encodeId, encodeText } from "./column_values.ts";
import type { Database } from "./database.ts";
import { isDiskFailure } from "./storage_error.ts";

const maxCached = 20_000;

interface Conversation {
  readonly id: number;
  readonly headSeq: number;
  readonly headPosition: number;
}

interface EncodedAppend {
  readonly sender: number;
  readonly id: Uint8Array;
  readonly text: Uint8Array;
}

interface KnownEntry {
  readonly position: number;
  readonly conversation: string;
  readonly seq: number;
  readonly acceptedAt: number;
  readonly text: Uint8Array;
}

function prepareStatements(database: Database) {
  return {
    head: database.prepare("SELECT coalesce(max(head_position), 0) AS head FROM conversation"),
    findUser: database.prepare("SELECT id FROM user WHERE name = ?"),
    findConversation: database.prepare(
      "SELECT id, head_seq AS headSeq, head_position AS headPosition FROM conversation WHERE name = ?",
    ),
    addConversation: database.prepare("INSERT INTO conversation (name, head_seq, head_position) VALUES (?, 0, 0)"),
    addMember: database.prepare("INSERT INTO member (conversation, user, head_position) VALUES (?, ?, 0)"),
    moveHead: database.prepare("UPDATE conversation SET head_seq = ?, head_position = ? WHERE id = ?"),
    moveMembers: database.prepare("UPDATE member SET head_position = ? WHERE conversation = ?"),
    findEntry: database.prepare(
      `SELECT e.position, c.name AS conversation, e.seq, e.accepted_at AS acceptedAt, e.text
       FROM entry e JOIN conversation c ON c.id = e.conversation WHERE e.sender = ? AND e.id = ?`,
    ),
    addEntry: database.prepare(
      `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (sender, id) DO NOTHING`,
    ),
    moveCursor: database.prepare(
      `INSERT INTO consumer (device, name, position) VALUES ((SELECT id FROM device WHERE public_id = ?), ?, ?)
       ON CONFLICT (device, name) DO UPDATE SET position = max(position, excluded.position)`,
    ),
    savepoint: database.prepare("SAVEPOINT change"),
    rollback: database.prepare("ROLLBACK TO change"),
    release: database.prepare("RELEASE change"),
  };
}

/** The writing side of the message store. Heads are kept in memory too: nobody else writes to this database. */
export class Committer {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #userIds = new BoundedMap<string, number>(maxCached);
  readonly #conversations = new BoundedMap<string, Conversation>(maxCached);
  #head: number;
  /** What the open transaction made of the head and of conversations; forgotten when it fails. */
  #pendingHead = 0;
  #pending = new Map<string, Conversation>();

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#head = (this.#statements.head.get() as { head: number }).head;
  }

  get head(): number {
    return this.#head;
  }

  /**
   * Savepoints cost more than most changes do, and hardly any change fails: so a commit is tried without, and only one
   * in which a change failed is done again with a savepoint for each.
   */
  commit(changes: readonly Change[]): ChangeResult[] {
    if (changes.length === 0) return [];
    const apply = (change: Change) => this.#apply(change);
    let failure: unknown;
    try {
      return this.#transact(changes, (change) => {
        try {
          return apply(change);
        } catch (error) {
          failure = error;
          throw error;
        }
      });
    } catch (error) {
      if (failure === undefined || isDiskFailure(failure)) throw error;
    }
    return this.#transact(changes, (change) => this.#inSavepoint(change, apply));
  }

  #transact(changes: readonly Change[], apply: (change: Change) => ChangeResult): ChangeResult[] {
    this.#pending = new Map();
    this.#pendingHead = this.#head;
    const results = this.#database.transaction(() => {
      const results = changes.map(apply);
      for (const { id, headSeq, headPosition } of this.#pending.values()) {
        this.#statements.moveHead.run(headSeq, headPosition, id);
        this.#statements.moveMembers.run(headPosition, id);
      }
      return results;
    });
    for (const [name, conversation] of this.#pending) this.#conversations.set(name, conversation);
    this.#head = this.#pendingHead;
    return results;
  }

  #inSavepoint(change: Change, apply: (change: Change) => ChangeResult): ChangeResult {
    const { savepoint, rollback, release } = this.#statements;
    savepoint.run();
    try {
      const result = apply(change);
      release.run();
      return result;
    } catch (cause) {
      if (isDiskFailure(cause)) throw cause;
      rollback.run();
      release.run();
      return { kind: "failed", cause };
    }
  }

  #apply(change: Change): ChangeResult {
    return change.kind === "append" ? this.#append(change) : this.#moveCursor(change);
  }

  #append(append: Append): ChangeResult {
    const encoded = {
      sender: this.#knownUserId(append.sender),
      id: encodeId(append.id),
      text: encodeText(append.text),
    };
    if (append.refused) return this.#sentBefore(append, encoded) ?? { kind: "refused" };
    const conversation = this.#findConversation(append.conversation);
    // Hardly any id is sent again, so it is looked up when it cannot be added; but no conversation is made for one that was sent.
    if (conversation) return this.#appendTo(conversation, append, encoded) ?? this.#sentBefore(append, encoded)!;
    return this.#sentBefore(append, encoded) ?? this.#appendTo(this.#addConversation(append), append, encoded)!;
  }

  /** @returns undefined, having done nothing, when the sender had an entry with this id accepted before. */
  #appendTo(conversation: Conversation, append: Append, { sender, id, text }: EncodedAppend): ChangeResult | undefined {
    const position = this.#pendingHead + 1;
    const seq = conversation.headSeq + 1;
    const { addEntry } = this.#statements;
    const { changes } = addEntry.run(position, conversation.id, seq, sender, id, append.acceptedAt, text);
    if (changes === 0) return undefined;
    // Last, because nothing may be pending of a change that failed.
    this.#pendingHead = position;
    this.#pending.set(append.conversation, { id: conversation.id, headSeq: seq, headPosition: position });
    return {
      kind: "accepted",
      message: {
        position,
        conversation: append.conversation,
        seq,
        acceptedAt: append.acceptedAt,
        id: append.id,
        sender: append.sender,
        text: append.text,
      },
    };
  }

  #sentBefore(append: Append, { sender, id, text }: EncodedAppend): ChangeResult | undefined {
    const before = this.#statements.findEntry.get(sender, id) as KnownEntry | undefined;
    if (!before) return undefined;
    const same = before.conversation === append.conversation && equal(before.text, text);
    return same ? { kind: "duplicate", accepted: toAccepted(before) } : { kind: "conflict" };
  }

  #moveCursor({ deviceId, consumer, position }: MoveCursor): ChangeResult {
    if (position > this.#pendingHead) {
      throw new RangeError(`The cursor of ${deviceId} cannot be at ${position}: the head is at ${this.#pendingHead}`);
    }
    this.#statements.moveCursor.run(deviceId, consumer, position);
    return { kind: "moved" };
  }

  #findConversation(name: string): Conversation | undefined {
    return this.#pending.get(name) ?? this.#conversations.get(name) ??
      this.#statements.findConversation.get(name) as Conversation | undefined;
  }

  #addConversation({ conversation, members }: Append): Conversation {
    const id = Number(this.#statements.addConversation.run(conversation).lastInsertRowid);
    for (const member of members) this.#statements.addMember.run(id, this.#knownUserId(member));
    return { id, headSeq: 0, headPosition: 0 };
  }

  #userId(name: string): number | undefined {
    const cached = this.#userIds.get(name);
    if (cached !== undefined) return cached;
    const id = (this.#statements.findUser.get(name) as { id: number } | undefined)?.id;
    if (id !== undefined) this.#userIds.set(name, id);
    return id;
  }

  #knownUserId(name: string): number {
    const id = this.#userId(name);
    if (id === undefined) throw new Error(`There is no user "${name}"`);
    return id;
  }
}

function toAccepted({ position, conversation, seq, acceptedAt }: KnownEntry): Accepted {
  return { position, conversation, seq, acceptedAt };
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
