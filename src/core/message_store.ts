import type { Accepted, Message } from "./message.ts";

/** A message to be appended to a conversation's log; the store numbers it. */
export interface Append {
  readonly kind: "append";
  readonly conversation: string;
  readonly members: readonly string[];
  readonly id: string;
  readonly sender: string;
  readonly acceptedAt: number;
  readonly text: string;
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

export type Change = Append | MoveCursor;

export type ChangeResult =
  | { readonly kind: "accepted"; readonly message: Message }
  /** The sender had this id accepted before, with the same conversation and text. */
  | { readonly kind: "duplicate"; readonly accepted: Accepted }
  /** The sender had this id accepted before, with other content. */
  | { readonly kind: "conflict" }
  /** The append was refused, and its id was never accepted before. */
  | { readonly kind: "refused" }
  | { readonly kind: "moved" }
  /** This change alone could not be made; the others of its commit stand. */
  | { readonly kind: "failed"; readonly cause: unknown };

export interface MessageBatch {
  /** By position, lowest first. */
  readonly messages: readonly Message[];
  /** Everything that the user may see up to this position is in the batch. */
  readonly through: number;
}

export interface HistoryPage {
  /** By seq, lowest first. */
  readonly messages: readonly Message[];
  /** Newest seq of the conversation; 0 when it has none. */
  readonly headSeq: number;
  /** There are messages before the first of this page. */
  readonly more: boolean;
}

export interface ConversationSummary {
  readonly conversation: string;
  readonly headSeq: number;
  readonly last: Message;
}

/** The log of all conversations. One process owns it; calls may overlap, commits happen in the order of the calls. */
export interface MessageStore {
  /** Random; another one means that positions known so far are worth nothing. */
  readonly epoch: string;
  /** Newest position on disk; 0 in an empty store. */
  readonly head: number;

  /**
   * Makes all changes durable in one transaction; resolves when they are on disk, one result for each, in order.
   * @throws {ChatError} `storage_full` when the disk is full: nothing of it stands.
   */
  commit(changes: readonly Change[]): Promise<ChangeResult[]>;

  /**
   * What `user` may see after `position`: at most `limit` messages and, beyond the first, `maxBytes` of text. It may stop earlier,
   * even before the first message: then `through` is nearer than the head, and there may be more.
   */
  messagesAfter(user: string, position: number, limits: { limit: number; maxBytes: number }): Promise<MessageBatch>;

  /** `beforeSeq` 0 starts from the newest; at most `maxBytes` of text beyond the first message. */
  history(
    conversation: string,
    page: { beforeSeq: number; limit: number; maxBytes: number },
  ): Promise<HistoryPage>;

  /** What `sender` sent, by id, oldest first; `beforeId` "" starts from the newest. */
  sentBy(
    sender: string,
    page: { beforeId: string; limit: number; maxBytes: number },
  ): Promise<{ messages: Message[]; more: boolean }>;

  /**
   * The one with the newest message first; only those whose newest message is before `beforePosition`, where 0 starts from
   * the newest. At most `maxBytes` of text beyond the first.
   */
  conversationsOf(
    user: string,
    page: { beforePosition: number; limit: number; maxBytes: number },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }>;

  /** Those of `others` who are in a conversation with `user`, in their order and without `user`. Costs what `others` are, at most. */
  peersAmong(user: string, others: readonly string[]): Promise<string[]>;

  /**
   * The cursor of a device's consumer; a new one starts at the head. Undefined, and nothing is made, when it would be new and
   * the device has `maxConsumers` already.
   */
  openConsumer(deviceId: string, consumer: string, options: { maxConsumers: number }): Promise<number | undefined>;
}
