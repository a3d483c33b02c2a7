import { isRoomEvent } from "../../../core/messages/log_event.ts";
import type { Accepted } from "../../../core/messages/message.ts";
import type { Append, Change, ChangeResult, MoveCursor, MoveRead } from "../../../core/messages/message_store.ts";
import type { NamedReaders } from "../../../core/messages/naming.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import { toAcceptedMessage } from "../../shared/accepted_message.ts";
import { toAudienceCode } from "../../shared/codes.ts";
import { encodeId, encodeText } from "../../shared/column_values.ts";
import type { Database } from "../database.ts";
import { isDiskFailure } from "../storage_error.ts";
import { Attachments } from "./attachments.ts";
import type { Conversation, Conversations, MovedConversation } from "./conversations.ts";
import { eventColumns, kindCodes } from "../../shared/entry_columns.ts";
import type { Heads } from "./heads.ts";
import { MessageChanges } from "./message_changes.ts";
import { ReaderPositions } from "./reader_positions.ts";
import { type PlacedEntry, RoomChanges } from "./room_changes.ts";
import type { SpentIds } from "./spent_ids.ts";
import type { UserIds } from "./user_ids.ts";
import { openEnd } from "../../shared/visibility.ts";

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
  /** Null if the sent text is not known any more, because the message was edited or erased. */
  readonly text: Uint8Array | null;
  readonly kind: number;
  readonly target: number | null;
  readonly subject: number | null;
  readonly automatic: number;
  /** Whether it is or was a message with a file. */
  readonly file: number;
}

function prepareStatements(database: Database) {
  return {
    addConversation: database.prepare("INSERT INTO conversation (name, head_seq, head_position) VALUES (?, 0, 0)"),
    addMember: database.prepare("INSERT INTO member (conversation, user) VALUES (?, ?)"),
    addSpan: database.prepare(
      `INSERT INTO span (user, conversation, first_seq, last_seq, last_position, room)
       VALUES (?, ?, 1, ${openEnd}, ${openEnd}, 0)`,
    ),
    findEntry: database.prepare(
      `SELECT e.position, c.name AS conversation, e.seq, e.accepted_at AS acceptedAt, e.kind, e.target, e.subject,
         CASE WHEN e.kind = ${kindCodes.edited} THEN (
             SELECT t.text FROM entry t WHERE t.conversation = e.conversation AND t.seq = e.target AND t.edited_seq = e.seq)
           WHEN e.deleted = 0 AND e.edited_seq IS NULL THEN e.text END AS text,
         e.file, e.automatic
       FROM entry e JOIN conversation c ON c.id = e.conversation WHERE e.sender = ? AND e.id = ?`,
    ),
    // Binds strings instead of BLOBs: node:sqlite copies a BLOB through an ArrayBuffer, which costs more than SQLite's
    // conversion.
    addPlain: database.prepare(
      `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, uncounted)
       VALUES (?, ?, ?, ?, unhex(?, '-'), ?, CAST(? AS BLOB), ?) ON CONFLICT (sender, id) DO NOTHING`,
    ),
    add: database.prepare(
      `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text, kind, target, subject, uncounted,
         automatic, audience)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    savepoint: database.prepare("SAVEPOINT change"),
    rollback: database.prepare("ROLLBACK TO change"),
    release: database.prepare("RELEASE change"),
  };
}

/** Commits changes. Numbers entries in memory, because no other connection writes at the same time. */
export class Committer {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #users: UserIds;
  readonly #spentIds: SpentIds;
  readonly #roomChanges: RoomChanges;
  readonly #messageChanges: MessageChanges;
  readonly #attachments: Attachments;
  readonly #readers: ReaderPositions;
  readonly #conversations: Conversations;
  readonly #heads: Heads;
  /** Head and conversations as changed by the open transaction; dropped if it fails. */
  #pendingHead = 0;
  #pending = new Map<string, MovedConversation>();

  constructor(
    database: Database,
    { users, spentIds, conversations }: { users: UserIds; spentIds: SpentIds; conversations: Conversations },
  ) {
    this.#database = database;
    this.#conversations = conversations;
    this.#spentIds = spentIds;
    this.#statements = prepareStatements(database);
    this.#users = users;
    this.#roomChanges = new RoomChanges(database, users);
    this.#messageChanges = new MessageChanges(database, users);
    this.#attachments = new Attachments(database);
    this.#readers = new ReaderPositions(database);
    this.#heads = database.heads;
  }

  /**
   * Commits changes in one transaction. Savepoints cost more than most changes, and changes rarely fail, so the
   * transaction first runs without savepoints and is repeated with one per change only if a change failed.
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
    this.#database.writeHeads(this.#heads.excess);
    this.#pending = new Map();
    this.#pendingHead = this.#heads.head;
    const results = this.#database.transaction(apply);
    this.#conversations.add(this.#pending);
    this.#heads.move(this.#pending.values(), this.#pendingHead);
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
    const before = this.#findDuplicate(append, encoded);
    if (before || append.refused) return before ?? { kind: "refused" };
    return this.#findObstacle(append, encoded, conversation) ??
      this.#appendTo(conversation ?? this.#addConversation(append), append, encoded);
  }

  /**
   * Appends a plain message without looking up its id, because ids are rarely sent again.
   * @returns undefined, without a change, if the id may have been used before or the conversation is gone
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
    const named = mentions && this.#messageChanges.addMentions(append, key, seq);
    this.#moveHead(conversation, append.conversation, { position, seq, uncounted });
    const ordinal = seq - uncounted;
    const message = { position, conversation: append.conversation, seq, acceptedAt, id, sender, text, ordinal };
    return { kind: "accepted", message, ...(named && { named }) };
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

  #findObstacle(append: Append, { sender }: EncodedAppend, conversation: Conversation | undefined) {
    const { uploadId, event } = append;
    if (conversation === undefined && isRoomId(append.conversation) && event?.kind !== "room_created") {
      return { kind: "no_room" } as const;
    }
    if (conversation?.isGone) return { kind: event?.kind === "room_created" ? "conflict" : "no_room" } as const;
    if (uploadId !== undefined && !this.#attachments.isReady({ owner: sender, id: uploadId })) {
      return { kind: "upload_gone" } as const;
    }
    if (this.#roomChanges.isNameTaken(append, conversation?.id)) return { kind: "name_taken" } as const;
    const kind = this.#messageChanges.findObstacle(append, sender, conversation?.id);
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
      toAudienceCode(append.audience),
    );
    const named = this.#applyEvent(append, { conversation: key, seq, position, uncounted, sender, acceptedAt });
    const attachment = uploadId === undefined
      ? undefined
      : this.#attachments.attach(position, { owner: sender, id: uploadId });
    this.#moveHead(conversation, append.conversation, { position, seq, uncounted });
    const message = toAcceptedMessage(append, { position, seq, ordinal: seq - uncounted, attachment });
    return { kind: "accepted", message, ...(named && { named }) };
  }

  /** Must be the last step of an append: a failed change may leave nothing pending. */
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

  /** Applies the event, or the mentions of a message. @returns the readers that the entry names */
  #applyEvent(append: Append, entry: PlacedEntry): NamedReaders | undefined {
    const { event, text } = append;
    if (event === undefined) return this.#messageChanges.addMentions(append, entry.conversation, entry.seq);
    if (!isRoomEvent(event)) return this.#messageChanges.apply(event, append, entry);
    this.#roomChanges.apply(event, text, entry);
    return undefined;
  }

  #findDuplicate(append: Append, encoded: EncodedAppend): ChangeResult | undefined {
    const { sender, id, kind, target, subject, automatic } = encoded;
    const before = this.#statements.findEntry.get(sender, id) as KnownEntry | undefined;
    if (!before) return this.#findRemovedDuplicate(append, sender);
    // An event of a room's settings contains all of them, which may differ when the same request comes again.
    const isChange = kind === kindCodes.roomChanged;
    const text = kind === kindCodes.edited ? encodeText(append.text) : encoded.text;
    const same = before.conversation === append.conversation && before.kind === kind &&
      (isChange || before.target === target) && before.subject === subject && before.automatic === automatic &&
      (isChange || before.text === null || equal(before.text, text)) && this.#hasUpload(before, append.uploadId);
    return same ? { kind: "duplicate", accepted: toAccepted(before) } : { kind: "conflict" };
  }

  /** Compares with the id of a removed entry, whose text is not known any more. */
  #findRemovedDuplicate({ id, conversation }: Append, sender: number): ChangeResult | undefined {
    const accepted = this.#spentIds.find(sender, id);
    if (!accepted) return undefined;
    return accepted.conversation === conversation ? { kind: "duplicate", accepted } : { kind: "conflict" };
  }

  /** Whether the entry was sent with this upload; also true for an erased file, whose id is unknown. */
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
    return this.#pending.get(name) ?? this.#conversations.find(name);
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

/** Whether this is a message with text only. */
function isPlain({ event, replyTo, uploadId, automatic, audience, refused }: Append): boolean {
  return event === undefined && replyTo === undefined && uploadId === undefined && !automatic &&
    audience === undefined && !refused;
}

function toAccepted({ position, conversation, seq, acceptedAt }: KnownEntry): Accepted {
  return { position, conversation, seq, acceptedAt };
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
