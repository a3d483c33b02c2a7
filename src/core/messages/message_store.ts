import type { Turn } from "../page_turns.ts";
import type { Room, RoomRole } from "../rooms/room.ts";
import type { LogEvent } from "./log_event.ts";
import type { Accepted, Message } from "./message.ts";

/**
 * An entry to be appended to a conversation's log; the store numbers it, and makes what its event says so: an edit replaces the text of its
 * target, a join makes a member, all in the transaction of the entry.
 */
export interface Append {
  readonly kind: "append";
  readonly conversation: string;
  /** Of two people: they, when this is the first entry. Empty for rooms, whose members their events make. */
  readonly members: readonly string[];
  readonly id: string;
  readonly sender: string;
  readonly acceptedAt: number;
  readonly text: string;
  readonly event?: LogEvent;
  readonly replyTo?: number;
  /** Members of the conversation whom the text names. */
  readonly mentions?: readonly string[];
  /** A finished upload of the sender, which becomes the attachment. */
  readonly uploadId?: string;
  /** A program wrote it in answer to something. */
  readonly automatic?: boolean;
  /** It may not be sent: nothing is appended, but it may be what was accepted before. */
  readonly refused?: boolean;
}

/** A consumer has everything up to `position`; never moves a cursor back. */
export interface MoveCursor {
  readonly kind: "move_cursor";
  readonly deviceId: string;
  readonly consumer: string;
  readonly position: number;
}

/** A member has read everything up to `seq`; never moves back, nor beyond the head. Nothing when there is no such member. */
export interface MoveRead {
  readonly kind: "move_read";
  readonly conversation: string;
  readonly user: string;
  readonly seq: number;
  /** Only when there is nothing of others to be read up to there: for what the user sent, which is no news to them. */
  readonly ownOnly?: boolean;
}

export type Change = Append | MoveCursor | MoveRead;

export type ChangeResult =
  | { readonly kind: "accepted"; readonly message: Message }
  /** The sender had this id accepted before, with the same content; also when that was edited or erased since. */
  | { readonly kind: "duplicate"; readonly accepted: Accepted }
  /** The sender had this id accepted before, with other content. */
  | { readonly kind: "conflict" }
  /** The append was refused, and its id was never accepted before. */
  | { readonly kind: "refused" }
  /** The message that an event is about is not there (any more), or not of the sender of an edit. */
  | { readonly kind: "gone" }
  /** The message that it would react to has as many different emoji as it may. */
  | { readonly kind: "too_many" }
  /** The room was deleted. */
  | { readonly kind: "no_room" }
  /** A public room has this name. */
  | { readonly kind: "name_taken" }
  /** There is no such finished upload of the sender. */
  | { readonly kind: "upload_gone" }
  | { readonly kind: "moved" }
  /** This change alone could not be made; the others of its commit stand. */
  | { readonly kind: "failed"; readonly cause: unknown };

export interface MessageBatch {
  /** By position, lowest first. */
  readonly messages: readonly Message[];
  /** Everything that the user may see up to this position is in the batch. */
  readonly through: number;
}

/** Which part of a log. With `afterSeq` or `fromMs` the oldest entries after it, else the newest before `beforeSeq`. */
export interface HistoryRange {
  /** 0 starts from the newest. */
  readonly beforeSeq: number;
  /** 0 for none. */
  readonly afterSeq: number;
  /** Accepted then or later, in milliseconds since the Unix epoch; 0 for none. */
  readonly fromMs: number;
  /** Events too. */
  readonly events: boolean;
}

export interface HistoryPage {
  /** By seq, lowest first; with reactions. */
  readonly messages: readonly Message[];
  /** What was looked at: the first and the last seq of it, also of entries that are not in the page; 0 when that is nothing. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Newest seq of the asker's last stay. */
  readonly headSeq: number;
  /** Oldest seq of the asker's stays that is kept; 0 when there is none. */
  readonly startSeq: number;
  /** There is more before the first of this page. */
  readonly more: boolean;
  /** There is more after the last of this page. */
  readonly moreAfter: boolean;
}

/** A conversation as one of its members sees it. */
export interface ConversationSummary {
  readonly conversation: string;
  /** Newest seq of the user's last stay in it; 0 when there was none, as for an invitation. */
  readonly headSeq: number;
  /** Where it stands in the list: the position of that entry. Invitations have higher ones than any entry. */
  readonly position: number;
  /** The newest message that the user may see, never an event. */
  readonly last: Message | undefined;
  /** Of a private room that the user left: only its name as it was then. */
  readonly room: Room | undefined;
  /** "member" between two people. */
  readonly role: RoomRole;
  /** Of an invitation. */
  readonly invitedBy: string | undefined;
  /** Messages after `readSeq`. */
  readonly unread: number;
  /** Those of them that name the user. */
  readonly mentions: number;
  readonly readSeq: number;
  /** Between two people, how far the other is; 0 when they don't say. */
  readonly peerReadSeq: number;
  readonly peerDeliveredSeq: number;
}

/** Where a new consumer starts. */
export interface ConsumerStart {
  /** A position. */
  readonly at: number;
  /**
   * An incarnation that this log does not have, or empty for one that is not known: the consumer starts no later than at the best guess of the
   * position up to which the log of that incarnation and this one are the same.
   */
  readonly partedFrom?: string;
}

export interface ConsumerOptions {
  readonly maxConsumers: number;
  readonly start?: ConsumerStart;
  /** In milliseconds since the Unix epoch; not noted unless given. On a full disk, the use of a known consumer is not noted either. */
  readonly usedAt?: number;
}

/**
 * The log of all conversations. One process owns it; calls may overlap, commits happen in the order of the calls.
 * What a user may see is decided here and nowhere else: entries within their stays in the conversation, without those of people they
 * had blocked at the time. What makes pages takes a `turn`: a page that would keep others waiting is made in slices, each within it. Without one, it is made
 * as fast as may be.
 *
 * @example
 * ```ts
 * import { directConversation } from "./message.ts";
 * import { createMessageId } from "./message_id.ts";
 *
 * // Appends a message, and returns its number in the conversation.
 * async function append(store: MessageStore, text: string): Promise<number> {
 *   const [result] = await store.commit([{
 *     kind: "append",
 *     conversation: directConversation("ana", "ben"),
 *     members: ["ana", "ben"],
 *     id: createMessageId(),
 *     sender: "ana",
 *     acceptedAt: Date.now(),
 *     text,
 *   }]);
 *   if (result.kind !== "accepted") throw new Error(result.kind);
 *   return result.message.seq;
 * }
 * ```
 */
export interface MessageStore {
  /** Random; another one means that positions known so far are worth nothing. */
  readonly epoch: string;
  /**
   * The id of the log's newest incarnation, for clients to keep beside positions; empty before there is one. A store adds an incarnation, durably, at
   * each change of its timeline: whenever it may have been replaced by an earlier state of itself, and before it makes a position after that or tells
   * anyone of one. A folder is opened; another store may fail over to a replica.
   */
  readonly incarnation: string;
  /** Newest position on disk; 0 in an empty store. */
  readonly head: number;

  /** The position up to which this log is the one that an incarnation was of; undefined where this log never had that incarnation, or forgot it. */
  sharedThrough(incarnation: string): Promise<number | undefined>;

  /**
   * Makes all changes durable in one transaction; resolves when they are on disk, one result for each, in order.
   * @throws {ChatError} `storage_full` when the disk is full: nothing of it stands.
   */
  commit(changes: readonly Change[]): Promise<ChangeResult[]>;

  /**
   * What `user` may see after `position`: at most `limit` messages and, beyond the first, `maxBytes` of text. It may stop earlier,
   * even before the first message: then `through` is nearer than the head, and there may be more.
   */
  messagesAfter(
    user: string,
    position: number,
    limits: { limit: number; maxBytes: number; turn?: Turn },
  ): Promise<MessageBatch>;

  /** At most `maxBytes` of text beyond the first message. Undefined when the user has never been in this conversation. */
  history(
    user: string,
    conversation: string,
    page: HistoryRange & { limit: number; maxBytes: number; turn?: Turn },
  ): Promise<HistoryPage | undefined>;

  /** One entry, without reactions. Undefined when the user may not see it. */
  entry(user: string, conversation: string, seq: number): Promise<Message | undefined>;

  /**
   * Those of the messages at these positions that the user may see and that were not deleted, in this order and without reactions; beyond
   * the first, at most `maxBytes` of text. `through` is the position of the last one when that left out some, and else 0.
   */
  messagesAt(
    user: string,
    positions: readonly number[],
    limits: { maxBytes: number; turn?: Turn },
  ): Promise<{ messages: Message[]; through: number }>;

  /** What `sender` sent, without events, by id, oldest first; `beforeId` "" starts from the newest. */
  sentBy(
    sender: string,
    page: { beforeId: string; limit: number; maxBytes: number; turn?: Turn },
  ): Promise<{ messages: Message[]; more: boolean }>;

  /**
   * Invitations first (without those by people whom the user blocks), the newest first; then the one with the newest entry first;
   * only those whose `position` is before `beforePosition`, where 0 starts from the newest. At most `maxBytes` of text beyond the first.
   */
  conversationsOf(
    user: string,
    page: { beforePosition: number; limit: number; maxBytes: number; turn?: Turn },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }>;

  /** One of those. Undefined when there is nothing between the user and it. */
  conversationOf(user: string, conversation: string): Promise<ConversationSummary | undefined>;

  /** Those of `others` who are in a conversation with `user`, in their order and without `user`. Costs what `others` are, at most. */
  peersAmong(user: string, others: readonly string[]): Promise<string[]>;

  /**
   * The cursor of a device's consumer, which is noted as used then; a new one starts at `start`, or else at the head. Undefined, and nothing
   * is made, when it would be new and the device has `maxConsumers` already.
   */
  openConsumer(deviceId: string, consumer: string, options: ConsumerOptions): Promise<number | undefined>;
}
