import type { Accepted, Attachment, Message } from "../core/message.ts";
import type { Append, Change, ChangeResult, MoveCursor, MoveRead } from "../core/message_store.ts";
import { isRoomId } from "../core/room.ts";
import { Attachments } from "./attachments.ts";
import { BoundedMap } from "./bounded_map.ts";
import { encodeId, encodeText } from "./column_values.ts";
import type { Database } from "./database.ts";
import { eventColumns, kindCodes } from "./entry_columns.ts";
import { MessageChanges } from "./message_changes.ts";
import { type Placed, RoomChanges } from "./room_changes.ts";
import type { SpentIds } from "./spent_ids.ts";
import { isDiskFailure } from "./storage_error.ts";
import type { UserIds } from "./user_ids.ts";
import { openEnd } from "./visibility.ts";

const maxCached = 20_000;
/** How many entries a read position moves over that are to be looked at. */
const maxOwnRun = 1_000;

interface Conversation {
  readonly id: number;
  readonly isRoom: boolean;
  readonly headSeq: number;
  readonly headPosition: number;
  /** How many of its entries are events. */
  readonly uncounted: number;
  /** It is a room that was deleted: nothing of it is ever to be again but that its id was used. */
  readonly isGone: boolean;
}

type ConversationRow = Omit<Conversation, "isRoom" | "isGone"> & { hasRoom: number };

interface EncodedAppend {
  readonly sender: number;
  readonly id: Uint8Array;
  readonly text: Uint8Array;
  readonly kind: number;
  readonly target: number | null;
  readonly subject: number | null;
  readonly automatic: number;
}

interface KnownEntry {
  readonly position: number;
  readonly conversation: string;
  readonly seq: number;
  readonly acceptedAt: number;
  readonly text: Uint8Array;
  readonly kind: number;
  readonly target: number | null;
  readonly subject: number | null;
  readonly automatic: number;
  /** It is a message whose text is not what was sent. */
  readonly changed: number;
  /** It is or was a message with a file. */
  readonly file: number;
}

function prepareStatements(database: Database) {
  return {
    head: database.prepare("SELECT coalesce(max(head_position), 0) AS head FROM conversation"),
    findConversation: database.prepare(
      `SELECT id, head_seq AS headSeq, head_position AS headPosition, uncounted,
         EXISTS (SELECT 1 FROM room r WHERE r.conversation = c.id) AS hasRoom
       FROM conversation c WHERE name = ?`,
    ),
    addConversation: database.prepare("INSERT INTO conversation (name, head_seq, head_position) VALUES (?, 0, 0)"),
    addMember: database.prepare("INSERT INTO member (conversation, user, head_position) VALUES (?, ?, 0)"),
    addSpan: database.prepare(
      `INSERT INTO span (user, conversation, first_seq, last_seq, last_position, room)
       VALUES (?, ?, 1, ${openEnd}, ${openEnd}, 0)`,
    ),
    moveHead: database.prepare("UPDATE conversation SET head_seq = ?, head_position = ?, uncounted = ? WHERE id = ?"),
    moveMembers: database.prepare("UPDATE member SET head_position = ? WHERE conversation = ?"),
    findEntry: database.prepare(
      `SELECT e.position, c.name AS conversation, e.seq, e.accepted_at AS acceptedAt, e.text, e.kind, e.target, e.subject,
         e.deleted <> 0 OR e.edited_at IS NOT NULL AS changed,
         e.file, e.automatic
       FROM entry e JOIN conversation c ON c.id = e.conversation WHERE e.sender = ? AND e.id = ?`,
    ),
    addPlain: database.prepare(
      `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (sender, id) DO NOTHING`,
    ),
    add: database.prepare(
      `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, kind, target, subject, uncounted,
         automatic)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sender, id) DO NOTHING`,
    ),
    moveCursor: database.prepare(
      `INSERT INTO consumer (device, name, position) VALUES ((SELECT id FROM device WHERE public_id = ?), ?, ?)
       ON CONFLICT (device, name) DO UPDATE SET position = max(position, excluded.position)`,
    ),
    newestStay: database.prepare(
      `SELECT last_seq AS lastSeq FROM span WHERE user = ? AND conversation = ? ORDER BY first_seq DESC LIMIT 1`,
    ),
    readSeq: database.prepare("SELECT read_seq AS readSeq FROM member WHERE conversation = ? AND user = ?"),
    hasOthers: database.prepare(
      `SELECT 1 FROM entry WHERE conversation = ? AND seq > ? AND seq <= ? AND kind = ${kindCodes.message} AND sender <> ?
       LIMIT 1`,
    ),
    moveRead: database.prepare(
      `UPDATE member SET read_seq = :seq, read_uncounted =
         coalesce((SELECT uncounted FROM entry WHERE conversation = :conversation AND seq = :seq), read_uncounted)
       WHERE conversation = :conversation AND user = :user AND read_seq < :seq`,
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
  readonly #users: UserIds;
  readonly #spentIds: SpentIds;
  readonly #roomChanges: RoomChanges;
  readonly #messageChanges: MessageChanges;
  readonly #attachments: Attachments;
  readonly #conversations = new BoundedMap<string, Conversation>(maxCached);
  #head: number;
  /** What the open transaction made of the head and of conversations; forgotten when it fails. */
  #pendingHead = 0;
  #pending = new Map<string, Conversation>();

  constructor(database: Database, { users, spentIds }: { users: UserIds; spentIds: SpentIds }) {
    this.#database = database;
    this.#spentIds = spentIds;
    this.#statements = prepareStatements(database);
    this.#users = users;
    this.#roomChanges = new RoomChanges(database, users);
    this.#messageChanges = new MessageChanges(database, users);
    this.#attachments = new Attachments(database);
    this.#head = (this.#statements.head.get() as { head: number }).head;
  }

  get head(): number {
    return this.#head;
  }

  /** Conversations may have other names than before, or be gone. */
  forgetNames(): void {
    this.#conversations.clear();
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
      for (const { id, isRoom, headSeq, headPosition, uncounted } of this.#pending.values()) {
        this.#statements.moveHead.run(headSeq, headPosition, uncounted, id);
        if (!isRoom) this.#statements.moveMembers.run(headPosition, id);
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
    switch (change.kind) {
      case "append":
        return this.#append(change);
      case "move_cursor":
        return this.#moveCursor(change);
      case "move_read":
        return this.#moveRead(change);
    }
  }

  #append(append: Append): ChangeResult {
    const encoded = this.#encode(append);
    if (append.refused) return this.#sentBefore(append, encoded) ?? { kind: "refused" };
    const conversation = this.#findConversation(append.conversation);
    // Hardly any id is sent again, so it is looked up when it cannot be added; but nothing else is done for one that was sent.
    const isPlain = append.event === undefined && append.uploadId === undefined && !this.#spentIds.mayHave(encoded.id);
    if (conversation && isPlain && !conversation.isGone) {
      return this.#appendTo(conversation, append, encoded) ?? this.#sentBefore(append, encoded)!;
    }
    return this.#sentBefore(append, encoded) ?? this.#obstacle(append, encoded, conversation) ??
      this.#appendTo(conversation ?? this.#addConversation(append), append, encoded)!;
  }

  #encode({ sender: senderName, id: uuid, text, event, replyTo, automatic: isAutomatic }: Append): EncodedAppend {
    const automatic = isAutomatic ? 1 : 0;
    const sender = this.#users.get(senderName);
    const id = encodeId(uuid);
    if (event === undefined) {
      const target = replyTo ?? null;
      return { sender, id, text: encodeText(text), kind: kindCodes.message, target, subject: null, automatic };
    }
    const { kind, target, subject: subjectName, text: kept } = eventColumns(event, text);
    const subject = subjectName === null ? null : this.#users.get(subjectName);
    return { sender, id, text: encodeText(kept), kind, target, subject, automatic };
  }

  #obstacle(append: Append, { sender }: EncodedAppend, conversation: Conversation | undefined) {
    const { uploadId, event } = append;
    if (conversation === undefined && isRoomId(append.conversation) && event?.kind !== "room_created") {
      return { kind: "no_room" } as const;
    }
    if (conversation?.isGone) return { kind: event?.kind === "room_created" ? "conflict" : "no_room" } as const;
    if (uploadId !== undefined && !this.#attachments.isReady({ owner: sender, id: uploadId })) {
      return { kind: "upload_gone" } as const;
    }
    if (this.#roomChanges.takesName(append, conversation?.id)) return { kind: "name_taken" } as const;
    const kind = this.#messageChanges.obstacle(append, sender, conversation?.id);
    return kind && { kind };
  }

  /** @returns undefined, having done nothing, when the sender had a message with this id accepted before. */
  #appendTo(conversation: Conversation, append: Append, encoded: EncodedAppend): ChangeResult | undefined {
    const { event, acceptedAt, uploadId } = append;
    const { sender } = encoded;
    const position = this.#pendingHead + 1;
    const seq = conversation.headSeq + 1;
    const uncounted = event === undefined ? conversation.uncounted : conversation.uncounted + 1;
    const placed = { conversation: conversation.id, seq, position, uncounted, sender, acceptedAt };
    if (!this.#add(placed, encoded)) return undefined;
    if (event !== undefined || append.mentions !== undefined) this.#makeSo(append, placed);
    const attachment = uploadId === undefined
      ? undefined
      : this.#attachments.attach(position, { owner: sender, id: uploadId });
    // Last, because nothing may be pending of a change that failed.
    this.#pendingHead = position;
    const { id, isRoom } = conversation;
    this.#pending.set(append.conversation, {
      id,
      isRoom,
      headSeq: seq,
      headPosition: position,
      uncounted,
      isGone: false,
    });
    return { kind: "accepted", message: toMessage(append, { position, seq, ordinal: seq - uncounted, attachment }) };
  }

  /** Values that are bound take time, so there is a statement for what most entries are. */
  #add(
    { position, conversation, seq, uncounted, sender, acceptedAt }: Placed,
    { id, text, kind, target, subject, automatic }: EncodedAppend,
  ): boolean {
    const { addPlain, add } = this.#statements;
    const { changes } = uncounted === 0 && target === null && automatic === 0
      ? addPlain.run(position, conversation, seq, sender, id, acceptedAt, text)
      : add.run(position, conversation, seq, sender, id, acceptedAt, text, kind, target, subject, uncounted, automatic);
    return changes !== 0;
  }

  #makeSo(append: Append, entry: Placed): void {
    const { event, text, mentions = [] } = append;
    if (event === undefined) this.#messageChanges.addMentions(mentions, entry.conversation, entry.seq);
    else if ("target" in event) this.#messageChanges.apply(append, entry);
    else this.#roomChanges.apply(event, text, entry);
  }

  #sentBefore(append: Append, encoded: EncodedAppend): ChangeResult | undefined {
    const { sender, id, text, kind, target, subject, automatic } = encoded;
    const before = this.#statements.findEntry.get(sender, id) as KnownEntry | undefined;
    if (!before) return this.#sentLongBefore(append, { sender, id });
    // A change of a room says how all of it is then, which is another when the request that changed a part comes again.
    const isChange = kind === kindCodes.roomChanged;
    const same = before.conversation === append.conversation && before.kind === kind &&
      (isChange || before.target === target) && before.subject === subject && before.automatic === automatic &&
      (isChange || before.changed !== 0 || equal(before.text, text)) && this.#hasUpload(before, append.uploadId);
    return same ? { kind: "duplicate", accepted: toAccepted(before) } : { kind: "conflict" };
  }

  /** The entry is gone, and with it what it said. */
  #sentLongBefore(append: Append, { sender, id }: Pick<EncodedAppend, "sender" | "id">): ChangeResult | undefined {
    const accepted = this.#spentIds.find(sender, id);
    if (!accepted) return undefined;
    return accepted.conversation === append.conversation ? { kind: "duplicate", accepted } : { kind: "conflict" };
  }

  /** Also when the file was erased since, and nothing tells which it was. */
  #hasUpload({ file, position }: KnownEntry, uploadId: string | undefined): boolean {
    if (file === 0 || uploadId === undefined) return file === 0 && uploadId === undefined;
    return (this.#attachments.uploadAt(position) ?? uploadId) === uploadId;
  }

  #moveCursor({ deviceId, consumer, position }: MoveCursor): ChangeResult {
    if (position > this.#pendingHead) {
      throw new RangeError(`The cursor of ${deviceId} cannot be at ${position}: the head is at ${this.#pendingHead}`);
    }
    this.#statements.moveCursor.run(deviceId, consumer, position);
    return { kind: "moved" };
  }

  #moveRead({ conversation: name, user: userName, seq, ownOnly }: MoveRead): ChangeResult {
    const conversation = this.#findConversation(name);
    const user = this.#users.find(userName);
    if (conversation === undefined || user === undefined) return { kind: "moved" };
    const { newestStay, moveRead } = this.#statements;
    const stay = newestStay.get(user, conversation.id) as { lastSeq: number } | undefined;
    const through = Math.min(seq, conversation.headSeq, stay?.lastSeq ?? 0);
    if (!ownOnly || this.#isOwnRun(user, conversation.id, through)) {
      moveRead.run({ conversation: conversation.id, user, seq: through });
    }
    return { kind: "moved" };
  }

  /** Whether `user` has read every message up to `seq` that is not of themself. */
  #isOwnRun(user: number, conversation: number, seq: number): boolean {
    const { readSeq, hasOthers } = this.#statements;
    const member = readSeq.get(conversation, user) as { readSeq: number } | undefined;
    return member !== undefined && seq - member.readSeq <= maxOwnRun &&
      hasOthers.get(conversation, member.readSeq, seq, user) === undefined;
  }

  #findConversation(name: string): Conversation | undefined {
    const known = this.#pending.get(name) ?? this.#conversations.get(name);
    if (known !== undefined) return known;
    const row = this.#statements.findConversation.get(name) as ConversationRow | undefined;
    if (row === undefined) return undefined;
    const { hasRoom, ...conversation } = row;
    const isRoom = isRoomId(name);
    return { ...conversation, isRoom, isGone: isRoom && hasRoom === 0 };
  }

  #addConversation({ conversation, members, event }: Append): Conversation {
    const isRoom = isRoomId(conversation);
    if (isRoom !== (event?.kind === "room_created")) throw new Error(`There is no room "${conversation}"`);
    const id = Number(this.#statements.addConversation.run(conversation).lastInsertRowid);
    for (const member of members) {
      const user = this.#users.get(member);
      this.#statements.addMember.run(id, user);
      this.#statements.addSpan.run(user, id);
    }
    return { id, isRoom, headSeq: 0, headPosition: 0, uncounted: 0, isGone: false };
  }
}

function toMessage(
  { conversation, acceptedAt, id, sender, text, event, replyTo, automatic }: Append,
  { position, seq, ordinal, attachment }: {
    position: number;
    seq: number;
    ordinal: number;
    attachment: Attachment | undefined;
  },
): Message {
  const message = { position, conversation, seq, acceptedAt, id, sender, text, ordinal };
  if (event !== undefined) return { ...message, event };
  if (replyTo === undefined && attachment === undefined && !automatic) return message;
  return {
    ...message,
    ...(replyTo !== undefined && { replyTo }),
    ...(attachment !== undefined && { attachment }),
    ...(automatic && { automatic }),
  };
}

function toAccepted({ position, conversation, seq, acceptedAt }: KnownEntry): Accepted {
  return { position, conversation, seq, acceptedAt };
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
