import { isRoomEvent } from "../../core/messages/log_event.ts";
import { findMentions } from "../../core/messages/mentions.ts";
import { conversationAddress, type Message } from "../../core/messages/message.ts";
import { isRoomId } from "../../core/rooms/room.ts";
import { type Conversation, Role } from "../../gen/chatd/v1/chat.ts";

/** The messages of a room that count as unread: all, mentions of the person, or none. */
export type Level = "all" | "mentions" | "none";

export const levels: readonly Level[] = ["all", "mentions", "none"];

/** A conversation, as far as a list shows it. */
export interface Listed {
  readonly conversation: string;
  readonly address: string;
  /** Position of its newest entry; the list is ordered by it. */
  readonly position: number;
  readonly unread: number;
  /** Unread messages that mention the person. */
  readonly mentions: number;
  /** The person has read up to here. */
  readonly readSeq: number;
  /** The inviter, if this is an invitation. */
  readonly invitedBy?: string;
  /** The topic of a room, or the status of a person. */
  readonly topic: string;
}

/** How a message calls for attention. */
export type Weight = "own" | "silent" | "counted" | "mention" | "direct";

/** Conversations to keep at most. */
const maxListed = 500;

/** The person's conversations, the most recent first, with unread counts. */
export class ConversationList {
  readonly #me: string;
  readonly #level: (conversation: string) => Level;
  readonly #listed = new Map<string, Listed>();
  #sorted: readonly Listed[] | undefined;

  constructor({ me, level = () => "all" }: { me: string; level?(conversation: string): Level }) {
    this.#me = me;
    this.#level = level;
  }

  get all(): readonly Listed[] {
    return this.#sorted ??= [...this.#listed.values()].sort((a, b) =>
      b.position - a.position || a.conversation.localeCompare(b.conversation)
    );
  }

  get(conversation: string): Listed | undefined {
    return this.#listed.get(conversation);
  }

  /** Takes over the server's summary of a conversation. A room that the person left or is banned from is removed. */
  learn(known: Conversation): void {
    const { conversation, address, unread, mentions, readSeq, invitedBy, room, role, status } = known;
    if (role === Role.LEFT || role === Role.BANNED) return this.remove(conversation);
    const before = this.#listed.get(conversation);
    this.#put({
      conversation,
      address,
      position: Math.max(before?.position ?? 0, known.position, known.last?.position ?? 0),
      unread: this.#level(conversation) === "all" ? unread : this.#level(conversation) === "mentions" ? mentions : 0,
      mentions: this.#level(conversation) === "none" ? 0 : mentions,
      readSeq: Math.max(before?.readSeq ?? 0, readSeq),
      topic: room?.topic ?? status,
      ...(role === Role.INVITED && { invitedBy }),
    });
  }

  /** Lists a conversation that the person goes to, perhaps before its first message. */
  open(conversation: string): void {
    if (this.#listed.has(conversation)) return;
    const address = conversationAddress(conversation, this.#me);
    this.#put({ conversation, address, position: 0, unread: 0, mentions: 0, readSeq: 0, topic: "" });
  }

  remove(conversation: string): void {
    this.#listed.delete(conversation);
    this.#sorted = undefined;
  }

  clear(): void {
    this.#listed.clear();
    this.#sorted = undefined;
  }

  /** Counts an entry that arrived. @returns its weight, whether or not it was counted before. */
  arrived(message: Message): Weight {
    const { conversation, event, sender, position } = message;
    if (event !== undefined && !isRoomEvent(event)) return "silent";
    this.open(conversation);
    const before = this.#listed.get(conversation)!;
    const weight = this.#weigh(message);
    // The server counted older entries when it was asked.
    const isNew = position > before.position && message.seq > before.readSeq;
    const counts = isNew && weight !== "own" && weight !== "silent";
    this.#put({
      ...before,
      position: Math.max(before.position, position),
      unread: before.unread + (counts ? 1 : 0),
      mentions: before.mentions + (counts && weight === "mention" ? 1 : 0),
      ...(event?.kind === "topic_changed" && { topic: message.text }),
    });
    const isOver = event?.kind === "left" && sender === this.#me ||
      event?.kind === "removed" && event.user === this.#me;
    if (isOver) this.remove(conversation);
    return weight;
  }

  /** The person saw the newest message, which is `seq`. */
  read(conversation: string, seq: number): void {
    const before = this.#listed.get(conversation);
    if (before === undefined || (before.readSeq >= seq && before.unread === 0)) return;
    this.#put({
      ...before,
      readSeq: Math.max(before.readSeq, seq),
      unread: 0,
      mentions: 0,
    });
  }

  /** The next conversation to read: one with mentions first, then the most recent. */
  nextUnread(current: string | undefined): Listed | undefined {
    const others = this.all.filter(({ conversation }) => conversation !== current);
    return others.find(({ mentions }) => mentions > 0) ?? others.find(({ unread }) => unread > 0);
  }

  #weigh({ conversation, event, sender, text, audience }: Message): Weight {
    if (sender === this.#me) return "own";
    if (event !== undefined) return "silent";
    const level = this.#level(conversation);
    if (level === "none") return "silent";
    const isNamed = audience !== undefined || findMentions(text, (user) => user === this.#me).length > 0;
    if (isNamed) return "mention";
    if (level === "mentions") return "silent";
    return isRoomId(conversation) ? "counted" : "direct";
  }

  #put(listed: Listed): void {
    this.#listed.set(listed.conversation, listed);
    this.#sorted = undefined;
    if (this.#listed.size > maxListed) this.#listed.delete(this.all.at(-1)!.conversation);
  }
}
