import { isRoomEvent } from "../../../core/messages/log_event.ts";
import type { Accepted, Attachment, Message } from "../../../core/messages/message.ts";
import type { Append, Change, ChangeResult, MoveCursor, MoveRead } from "../../../core/messages/message_store.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import { encodeId, encodeText } from "../column_values.ts";
import type { Database } from "../database.ts";
import { isDiskFailure } from "../storage_error.ts";
import { Attachments } from "./attachments.ts";
import { BoundedMap } from "./bounded_map.ts";
import { eventColumns, kindCodes } from "./entry_columns.ts";
import { MessageChanges } from "./message_changes.ts";
import { ReaderPositions } from "./reader_positions.ts";
import { type Placed, RoomChanges } from "./room_changes.ts";
import type { SpentIds } from "./spent_ids.ts";
import type { UserIds } from "./user_ids.ts";
import { openEnd } from "./visibility.ts";

const maxCached = 20_000;

interface Conversation {
  readonly id: number;
  readonly isRoom: boolean;
  headSeq: number;
  headPosition: number;
  /** How many of its entries are events. */
  uncounted: number;
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
  /** Null when what was sent is not known any more: it was edited, or erased. */
  readonly text: Uint8Array | null;
  readonly kind: number;
  readonly target: number | null;
  readonly subject: number | null;
  readonly automatic: number;
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
      `SELECT e.position, c.name AS conversation, e.seq, e.accepted_at AS acceptedAt, e.kind, e.target, e.subject,
         CASE WHEN e.kind = ${kindCodes.edited} THEN (
             SELECT t.text FROM entry t WHERE t.conversation = e.conversation AND t.seq = e.target AND t.edited_seq = e.seq)
           WHEN e.deleted = 0 AND e.edited_seq IS NULL THEN e.text END AS text,
         e.file, e.automatic
       FROM entry e JOIN conversation c ON c.id = e.conversation WHERE e.sender = ? AND e.id = ?`,
    ),
    // Binds few values, and only such that node:sqlite copies without an ArrayBuffer: those cost more than what SQLite does to strings.
    addPlain: database.prepare(
      `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, uncounted)
       VALUES (?, ?, ?, ?, unhex(?, '-'), ?, CAST(? AS BLOB), ?) ON CONFLICT (sender, id) DO NOTHING`,
    ),
    add: database.prepare(
      `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, kind, target, subject, uncounted,
         automatic)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
  readonly #readers: ReaderPositions;
  readonly #conversations = new BoundedMap<string, Conversation>(maxCached);
  #head: number;
  /** What the open transaction made of the head and of conversations, in copies of its own; forgotten when it fails. */
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
    this.#readers = new ReaderPositions(database);
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
    let failure: unknown;
    try {
      return this.#transact(() => {
        try {
          return changes.map((change) => this.#apply(change));
        } catch (error) {
          failure = error;
          throw error;
        }
      });
    } catch (error) {
      if (failure === undefined || isDiskFailure(failure)) throw error;
    }
    return this.#transact(() => changes.map((change) => this.#inSavepoint(change)));
  }

  #transact(apply: () => ChangeResult[]): ChangeResult[] {
    this.#pending = new Map();
    this.#pendingHead = this.#head;
    const results = this.#database.transaction(() => {
      const results = apply();
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

  #inSavepoint(change: Change): ChangeResult {
    const { savepoint, rollback, release } = this.#statements;
    savepoint.run();
    try {
      const result = this.#apply(change);
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
    const conversation = this.#findConversation(append.conversation);
    const added = isPlain(append) && conversation && this.#appendPlain(conversation, append);
    if (added) return added;
    const encoded = this.#encode(append);
    const before = this.#sentBefore(append, encoded);
    if (before || append.refused) return before ?? { kind: "refused" };
    return this.#obstacle(append, encoded, conversation) ??
      this.#appendTo(conversation ?? this.#addConversation(append), append, encoded);
  }

  /**
   * Hardly any id is sent again, so it is not looked up. @returns undefined, having done nothing, when the sender may have had a message with
   * this id accepted before, or it cannot be.
   */
  #appendPlain(conversation: Conversation, append: Append): ChangeResult | undefined {
    if (conversation.isGone || this.#spentIds.mayHave(append.id)) return undefined;
    const { id, sender, acceptedAt, text, mentions } = append;
    const position = this.#pendingHead + 1;
    const seq = conversation.headSeq + 1;
    const { id: key, uncounted } = conversation;
    const user = this.#users.get(sender);
    if (this.#statements.addPlain.run(position, key, seq, user, id, acceptedAt, text, uncounted).changes === 0) {
      return undefined;
    }
    if (mentions !== undefined) this.#messageChanges.addMentions(mentions, key, seq);
    this.#moveHead(conversation, append.conversation, { position, seq, uncounted });
    const ordinal = seq - uncounted;
    const message = { position, conversation: append.conversation, seq, acceptedAt, id, sender, text, ordinal };
    return { kind: "accepted", message };
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

  #appendTo(conversation: Conversation, append: Append, encoded: EncodedAppend): ChangeResult {
    const { event, acceptedAt, uploadId } = append;
    const { sender, id, text, kind, target, subject, automatic } = encoded;
    const position = this.#pendingHead + 1;
    const seq = conversation.headSeq + 1;
    const uncounted = event === undefined ? conversation.uncounted : conversation.uncounted + 1;
    const { id: key } = conversation;
    this.#statements.add.run(
      position,
      key,
      seq,
      sender,
      id,
      acceptedAt,
      text,
      kind,
      target,
      subject,
      uncounted,
      automatic,
    );
    this.#makeSo(append, { conversation: key, seq, position, uncounted, sender, acceptedAt });
    const attachment = uploadId === undefined
      ? undefined
      : this.#attachments.attach(position, { owner: sender, id: uploadId });
    this.#moveHead(conversation, append.conversation, { position, seq, uncounted });
    return { kind: "accepted", message: toMessage(append, { position, seq, ordinal: seq - uncounted, attachment }) };
  }

  /** The last of what an append does, because nothing may be pending of a change that failed. */
  #moveHead(
    conversation: Conversation,
    name: string,
    { position, seq, uncounted }: { position: number; seq: number; uncounted: number },
  ): void {
    let pending = this.#pending.get(name);
    if (pending === undefined) this.#pending.set(name, pending = { ...conversation });
    pending.headSeq = seq;
    pending.headPosition = position;
    pending.uncounted = uncounted;
    this.#pendingHead = position;
  }

  #makeSo(append: Append, entry: Placed): void {
    const { event, text, mentions = [] } = append;
    if (event === undefined) this.#messageChanges.addMentions(mentions, entry.conversation, entry.seq);
    else if (isRoomEvent(event)) this.#roomChanges.apply(event, text, entry);
    else this.#messageChanges.apply(event, append, entry);
  }

  #sentBefore(append: Append, encoded: EncodedAppend): ChangeResult | undefined {
    const { sender, id, kind, target, subject, automatic } = encoded;
    const before = this.#statements.findEntry.get(sender, id) as KnownEntry | undefined;
    if (!before) return this.#sentLongBefore(append, sender);
    // A change of a room says how all of it is then, which is another when the request that changed a part comes again.
    const isChange = kind === kindCodes.roomChanged;
    const text = kind === kindCodes.edited ? encodeText(append.text) : encoded.text;
    const same = before.conversation === append.conversation && before.kind === kind &&
      (isChange || before.target === target) && before.subject === subject && before.automatic === automatic &&
      (isChange || before.text === null || equal(before.text, text)) && this.#hasUpload(before, append.uploadId);
    return same ? { kind: "duplicate", accepted: toAccepted(before) } : { kind: "conflict" };
  }

  /** The entry is gone, and with it what it said. */
  #sentLongBefore({ id, conversation }: Append, sender: number): ChangeResult | undefined {
    const accepted = this.#spentIds.find(sender, id);
    if (!accepted) return undefined;
    return accepted.conversation === conversation ? { kind: "duplicate", accepted } : { kind: "conflict" };
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
    this.#readers.moveCursor(deviceId, consumer, position);
    return { kind: "moved" };
  }

  #moveRead(move: MoveRead): ChangeResult {
    const conversation = this.#findConversation(move.conversation);
    const user = this.#users.find(move.user);
    if (conversation !== undefined && user !== undefined) this.#readers.moveRead(user, conversation, move);
    return { kind: "moved" };
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

/** A message of text, with nothing else to be looked at. */
function isPlain({ event, replyTo, uploadId, automatic, refused }: Append): boolean {
  return event === undefined && replyTo === undefined && uploadId === undefined && !automatic && !refused;
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
