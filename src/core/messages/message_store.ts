import type { Turn } from "../page_turns.ts";
import type { Room, RoomRole } from "../rooms/room.ts";
import type { LogEvent } from "./log_event.ts";
import type { MentionAudience } from "./mentions.ts";
import type { Accepted, Message, Pin } from "./message.ts";
import type { NamedReaders } from "./naming.ts";
import type { PlainBatch } from "./plain_batch.ts";

/** Members of larger rooms do not see each other's presence, because each change would be sent to all members. */
export const maxRoomOfPeers = 100;

/**
 * An entry to append to a conversation's log. The store numbers it and applies its event in the same transaction: an
 * edit replaces the text of its target, a join adds a member.
 */
export interface Append {
  readonly kind: "append";
  readonly conversation: string;
  /** The users of a direct conversation, needed by its first entry. Empty for rooms, whose events add the members. */
  readonly members: readonly string[];
  readonly id: string;
  readonly sender: string;
  readonly acceptedAt: number;
  readonly text: string;
  readonly event?: LogEvent;
  readonly replyTo?: number;
  /** Members of the conversation that the text names. */
  readonly mentions?: readonly string[];
  /** The text names many members at once. A mention of all costs one row. */
  readonly audience?: MentionAudience;
  /** The members that "@here" names. An edit of a message that named those of its own time does not name them again. */
  readonly here?: readonly string[];
  /** A finished upload of the sender, which becomes the attachment. */
  readonly uploadId?: string;
  /** Written by a program as an answer. */
  readonly automatic?: boolean;
  /** The sender may not send it: nothing is appended, but an entry accepted before with this id is found. */
  readonly refused?: boolean;
}

/** Moves the cursor of a consumer to `position`, never back. */
export interface MoveCursor {
  readonly kind: "move_cursor";
  readonly deviceId: string;
  readonly consumer: string;
  readonly position: number;
}

/**
 * Moves the read position of a member to `seq`, never back nor beyond the head. Without such a member it has no effect.
 */
export interface MoveRead {
  readonly kind: "move_read";
  readonly conversation: string;
  readonly user: string;
  readonly seq: number;
  /** Moves only if all unread entries up to `seq` are the user's own: set for a message that they sent. */
  readonly ownOnly?: boolean;
}

export type Change = Append | MoveCursor | MoveRead;

export type ChangeResult =
  /** `named` is absent if the entry names no member. */
  | { readonly kind: "accepted"; readonly message: Message; readonly named?: NamedReaders }
  /** The sender had this id accepted before with the same content, which may have been edited or erased since. */
  | { readonly kind: "duplicate"; readonly accepted: Accepted }
  /** The sender had this id accepted before with other content. */
  | { readonly kind: "conflict" }
  /** The append was marked as refused, and its id was not accepted before. */
  | { readonly kind: "refused" }
  /** The target of an event was removed or deleted, is no message, or was not sent by the sender of an edit. */
  | { readonly kind: "gone" }
  /** The target of a reaction has the maximum number of different emoji. */
  | { readonly kind: "too_many" }
  /** The sender of a withdrawal has no such reaction. */
  | { readonly kind: "no_reaction" }
  /** The target of a pin is pinned already. */
  | { readonly kind: "pinned" }
  /** The target is not pinned, so its pin cannot be removed. */
  | { readonly kind: "not_pinned" }
  /** The conversation has the maximum number of pins. */
  | { readonly kind: "too_many_pins" }
  /** The room was deleted. */
  | { readonly kind: "no_room" }
  /** A public room has this name. */
  | { readonly kind: "name_taken" }
  /** There is no such finished upload of the sender. */
  | { readonly kind: "upload_gone" }
  | { readonly kind: "moved" }
  /** This change failed; the others of its commit stand. */
  | { readonly kind: "failed"; readonly cause: unknown };

export interface MessageBatch {
  /** By position, lowest first. */
  readonly messages: readonly Message[];
  /** The batch has everything that the user may see up to this position. */
  readonly through: number;
}

/** A part of a log: with `afterSeq` or `fromMs` the oldest entries after it, else the newest before `beforeSeq`. */
export interface HistoryRange {
  /** 0 starts with the newest. */
  readonly beforeSeq: number;
  /** 0 for none. */
  readonly afterSeq: number;
  /** Accepted then or later, in milliseconds since the Unix epoch; 0 for none. */
  readonly fromMs: number;
  /** Includes events. */
  readonly events: boolean;
}

export interface HistoryPage {
  /** By seq, lowest first; with reactions. */
  readonly messages: readonly Message[];
  /** The range of seq that the page covers, with entries that are not in it; 0 when it covers nothing. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Newest seq of the asker's last stay. */
  readonly headSeq: number;
  /** Oldest stored seq of the asker's stays; 0 when there is none. */
  readonly startSeq: number;
  /** There are entries before this page. */
  readonly more: boolean;
  /** There are entries after this page. */
  readonly moreAfter: boolean;
}

/** A conversation as one of its members sees it. */
export interface ConversationSummary {
  readonly conversation: string;
  /** Newest seq of the user's last stay; 0 without a stay, as for an invitation. */
  readonly headSeq: number;
  /** Its place in the list: the position of that entry. Invitations have higher positions than entries. */
  readonly position: number;
  /** The newest message that the user may see, never an event. */
  readonly last: Message | undefined;
  /** For a private room that the user left, only its name at that time. */
  readonly room: Room | undefined;
  /** "member" in a direct conversation. */
  readonly role: RoomRole;
  /** The inviter, of an invitation. */
  readonly invitedBy: string | undefined;
  /** Messages of others after `readSeq` that were not deleted. */
  readonly unread: number;
  /** Messages of others that name the user, by their text or by an edit after `readSeq`. */
  readonly mentions: number;
  readonly readSeq: number;
  /** Position of the other user of a direct conversation; 0 when they hide it. */
  readonly peerReadSeq: number;
  readonly peerDeliveredSeq: number;
}

/** The start of a new consumer. */
export interface ConsumerStart {
  /** A position. */
  readonly at: number;
  /**
   * An incarnation that this log does not have, or "" for an unknown one: the consumer starts no later than the
   * estimated position up to which the log of that incarnation and this log are the same.
   */
  readonly partedFrom?: string;
}

export interface ConsumerOptions {
  readonly maxConsumers: number;
  readonly start?: ConsumerStart;
  /**
   * Time of this use, in milliseconds since the Unix epoch. Not stored if absent, nor for a known consumer on a full
   * disk.
   */
  readonly usedAt?: number;
}

/** A set of users that a store tests or lists in place, without a copy; it may change while the store's method runs. */
export interface UserSet {
  readonly size: number;
  has(user: string): boolean;
  keys(): Iterable<string>;
}

/**
 * The log of all conversations. One process owns it; calls may overlap, and commits happen in the order of the calls.
 * The store alone decides which entries a user may see: those within their stays in the conversation, except of senders
 * they had blocked at the time. Methods that return pages take a `turn`, and make a long page in slices within it;
 * without one they make it at once.
 *
 * @example
 * ```ts
 * import { directConversation } from "./message.ts";
 * import { createMessageId } from "./message_id.ts";
 *
 * // Appends a message, and returns its number in the conversation.
 * async function append(store: MessageStore, text: string): Promise<number> {
 *   const results = await store.commit([{
 *     kind: "append",
 *     conversation: directConversation("ana", "ben"),
 *     members: ["ana", "ben"],
 *     id: createMessageId(),
 *     sender: "ana",
 *     acceptedAt: Date.now(),
 *     text,
 *   }]);
 *   if (results === "behind") return await append(store, text);
 *   const [result] = results;
 *   if (result.kind !== "accepted") throw new Error(result.kind);
 *   return result.message.seq;
 * }
 * ```
 */
export interface MessageStore {
  /** Random. Positions of a log with another epoch have no meaning here. */
  readonly epoch: string;
  /**
   * The id of the log's newest incarnation, which clients keep beside positions; "" before the first one. A store
   * durably adds an incarnation whenever it may have been replaced by an earlier state of itself, before it makes or
   * reports a position: when a folder is opened, or when another store fails over to a replica.
   */
  readonly incarnation: string;
  /** Newest position on disk; 0 in an empty store. */
  readonly head: number;

  /**
   * Returns the position up to which this log is that of an incarnation; undefined for an incarnation that this log
   * never had or forgot.
   */
  sharedThrough(incarnation: string): Promise<number | undefined>;

  /**
   * Makes all changes durable in one transaction; resolves when they are on disk, with one result for each, in order.
   * Resolves with "behind" when no change was made, because permissions changed in the store and not yet in memory: the
   * caller judges the changes again, and commits them.
   * @throws {ChatError} `storage_full` when the disk is full, `busy` while another program locks the store: no change was
   * made.
   */
  commit(changes: readonly Change[]): Promise<ChangeResult[] | "behind">;

  /**
   * Numbers plain messages and makes them durable in one transaction; resolves when they are on disk. The caller has
   * checked everything that {@link commit} does not check. No other commit may be in progress, and the batch may not be
   * changed meanwhile.
   * @returns false, without an effect, unless all senders and conversations exist and all ids are certainly new:
   * {@link commit} then answers for each message
   * @throws {ChatError} like {@link commit}: no message was stored
   */
  commitPlain(batch: PlainBatch): Promise<boolean>;

  /**
   * Returns the entries after `position` that `user` may see: at most `limit` and, beyond the first, `maxBytes` of
   * text. It may stop earlier, even before the first entry: then `through` is before the head, and there may be more.
   */
  messagesAfter(
    user: string,
    position: number,
    limits: { limit: number; maxBytes: number; turn?: Turn },
  ): Promise<MessageBatch>;

  /**
   * Returns a page with at most `maxBytes` of text beyond the first message; undefined when the user was never in this
   * conversation.
   */
  history(
    user: string,
    conversation: string,
    page: HistoryRange & { limit: number; maxBytes: number; turn?: Turn },
  ): Promise<HistoryPage | undefined>;

  /**
   * Returns the pins of messages that the user, a member of the conversation, may see, the newest pin first; only those
   * whose `position` is before `beforePosition`, where 0 starts with the newest. At most `maxBytes` of text beyond the
   * first.
   */
  pinsIn(
    user: string,
    conversation: string,
    page: { beforePosition: number; limit: number; maxBytes: number; turn?: Turn },
  ): Promise<{ pins: Pin[]; more: boolean }>;

  /** Returns one entry, without reactions; undefined when the user may not see it. */
  entry(user: string, conversation: string, seq: number): Promise<Message | undefined>;

  /**
   * Returns the messages at these positions, in this order and without reactions, except deleted ones and those that
   * the user may not see; beyond the first, at most `maxBytes` of text. `through` is the position of the last one when
   * the limit left out some, and otherwise 0.
   */
  messagesAt(
    user: string,
    positions: readonly number[],
    limits: { maxBytes: number; turn?: Turn },
  ): Promise<{ messages: Message[]; through: number }>;

  /** Returns messages of `sender`, without events, by id, oldest first; `beforeId` "" starts with the newest. */
  sentBy(
    sender: string,
    page: { beforeId: string; limit: number; maxBytes: number; turn?: Turn },
  ): Promise<{ messages: Message[]; more: boolean }>;

  /**
   * Returns invitations, except by users blocked by the user, and then conversations, each by position, newest first;
   * only those whose `position` is before `beforePosition`, where 0 starts with the newest. At most `maxBytes` of text
   * beyond the first.
   */
  conversationsOf(
    user: string,
    page: { beforePosition: number; limit: number; maxBytes: number; turn?: Turn },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }>;

  /** Returns one of those; undefined when the user has nothing to do with it. */
  conversationOf(user: string, conversation: string): Promise<ConversationSummary | undefined>;

  /**
   * Returns those of `others` who share a conversation with `user`, in any order and without `user`. The cost grows
   * with the user's own peers or with `others`, whichever are fewer.
   */
  peersAmong(user: string, others: UserSet): Promise<string[]>;

  /**
   * Returns the cursor of a device's consumer and notes its use; a new one starts at `start`, or else at the head.
   * Undefined, without an effect, when it would be new and the device already has `maxConsumers`.
   */
  openConsumer(deviceId: string, consumer: string, options: ConsumerOptions): Promise<number | undefined>;
}

/** A log that nothing else writes: its commits are never "behind". */
export interface ExclusiveMessageStore extends MessageStore {
  commit(changes: readonly Change[]): Promise<ChangeResult[]>;
}
