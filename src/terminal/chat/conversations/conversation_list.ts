import { isRoomEvent, type LogEvent } from "../../../core/messages/log_event.ts";
import { conversationAddress, type Message } from "../../../core/messages/message.ts";
import { mayMentionAll } from "../../../core/rooms/permissions.ts";
import { type CurrentRole, isRoomId, type MemberRole } from "../../../core/rooms/room.ts";
import { type Conversation, Role } from "../../../gen/chatd/v1/chat.ts";
import { fromWireMentionAll, fromWireRole } from "../../../wire/events.ts";
import { MessageWeights, type Weight } from "./message_weights.ts";

/** The messages of a room that count as unread: all, mentions of the person, or none. */
export type Level = "all" | "mentions" | "none";

export const levels: readonly Level[] = ["all", "mentions", "none"];

/** A conversation, as far as a list shows it. */
export interface Listed {
  readonly conversation: string;
  readonly address: string;
  /** Position of its newest entry; the list is ordered by it. */
  readonly position: number;
  /** Entries up to this position are in the counts. */
  readonly countedThrough: number;
  readonly unread: number;
  /** Unread messages that mention the person. */
  readonly mentions: number;
  /** The person has read up to here. */
  readonly readSeq: number;
  /** The inviter, if this is an invitation. */
  readonly invitedBy?: string;
  /** The topic of a room, or the status of a person. */
  readonly topic: string;
  /** In a room, the person's role and the lowest one that may mention all; absent until the server has told them. */
  readonly mentionRoles?: { readonly own: CurrentRole; readonly lowest: MemberRole };
}

/** The meaning of an entry that arrived for the person. */
export interface Arrival {
  /** Of the message; of an edit, "mention" if it names the person for the first time. */
  readonly weight: Weight;
  /** Whether only the server knows how much is unread now. */
  readonly isUncertain: boolean;
}

/** Conversations to keep at most. */
const maxListed = 500;

/** The person's conversations, the most recent first, with unread counts. */
export class ConversationList {
  readonly #me: string;
  readonly #level: (conversation: string) => Level;
  readonly #listed = new Map<string, Listed>();
  readonly #weights = new MessageWeights();
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
    if (role !== Role.INVITED) this.#accepted(conversation);
    const before = this.#listed.get(conversation);
    const position = Math.max(known.position, known.last?.position ?? 0);
    const level = this.#level(conversation);
    // An answer that entries overtook on its way is older than the counts.
    const isOld = before !== undefined && position < before.countedThrough;
    const mentionRoles = isOld ? before.mentionRoles : mentionRolesOf(known);
    this.#put({
      conversation,
      address,
      position: Math.max(before?.position ?? 0, position),
      countedThrough: role === Role.INVITED ? 0 : Math.max(before?.countedThrough ?? 0, position),
      unread: isOld ? before.unread : level === "all" ? unread : level === "mentions" ? mentions : 0,
      mentions: isOld ? before.mentions : level === "none" ? 0 : mentions,
      readSeq: Math.max(before?.readSeq ?? 0, readSeq),
      topic: room?.topic ?? status,
      ...(role === Role.INVITED && { invitedBy }),
      ...(mentionRoles && { mentionRoles }),
    });
  }

  /** Returns whether the person may name all members of a room at once. */
  mayMentionAll(conversation: string): boolean {
    const roles = this.#listed.get(conversation)?.mentionRoles;
    return roles !== undefined && mayMentionAll(roles.own, roles.lowest);
  }

  /** Lists a conversation that the person goes to, perhaps before its first message. */
  open(conversation: string): void {
    if (this.#listed.has(conversation)) return;
    const address = conversationAddress(conversation, this.#me);
    this.#put({ conversation, address, position: 0, countedThrough: 0, unread: 0, mentions: 0, readSeq: 0, topic: "" });
  }

  remove(conversation: string): void {
    this.#listed.delete(conversation);
    this.#weights.forget(conversation);
    this.#sorted = undefined;
  }

  clear(): void {
    this.#listed.clear();
    this.#weights.clear();
    this.#sorted = undefined;
  }

  /** Counts an entry that arrived. @returns its weight, whether or not it was counted before. */
  arrived(message: Message): Arrival {
    const { event } = message;
    if (event?.kind === "edited" || event?.kind === "deleted") return this.#changed(message, event);
    const weight = event === undefined || isRoomEvent(event) ? this.#added(message) : "silent";
    return { weight, isUncertain: false };
  }

  #added(message: Message): Weight {
    const { conversation, event, sender, position } = message;
    this.#accepted(conversation);
    this.open(conversation);
    const before = this.#listed.get(conversation)!;
    const weight = this.#weigh(message);
    if (event === undefined) this.#weights.set(conversation, message.seq, weight);
    // The server counted older entries when it was asked.
    const isNew = position > before.countedThrough && message.seq > before.readSeq;
    const isCounted = isNew && counts(weight);
    this.#put({
      ...before,
      position: Math.max(before.position, position),
      countedThrough: Math.max(before.countedThrough, position),
      unread: before.unread + (isCounted ? 1 : 0),
      mentions: before.mentions + (isCounted && weight === "mention" ? 1 : 0),
      ...(event?.kind === "topic_changed" && { topic: message.text }),
      ...mentionRolesAfter(before, { event, me: this.#me }),
    });
    const isOver = event?.kind === "left" && sender === this.#me ||
      event?.kind === "removed" && event.user === this.#me;
    if (isOver) this.remove(conversation);
    return weight;
  }

  /** A message was edited or deleted: counts it as it is now. */
  #changed(
    { conversation, sender, naming, seq, position }: Message,
    event: Extract<LogEvent, { kind: "edited" | "deleted" }>,
  ): Arrival {
    const listed = this.#listed.get(conversation);
    const now = event.kind === "deleted" ? "silent" : this.#weigh({ conversation, sender, naming, event: undefined });
    if (listed === undefined || now === "own") return { weight: "silent", isUncertain: false };
    const before = this.#weights.get(conversation, event.target);
    // The server tells whether an earlier version named the person, which this session may not have seen.
    const isNamed = now === "mention" && naming === "new" && before !== "mention";
    const weight = isNamed ? "mention" : "silent";
    const isUnread = event.target > listed.readSeq;
    if (before === undefined || before === "own") return { weight, isUncertain: isUnread || isNamed };
    this.#weights.set(conversation, event.target, now);
    // The server counted older entries when it was asked.
    if (position <= listed.countedThrough) return { weight, isUncertain: false };
    // A mention that an edit adds counts from the edit on, also in a message that was read.
    const isMentionUnread = isUnread || (isNamed && seq > listed.readSeq);
    const mentions = isMentionUnread ? Number(now === "mention") - Number(before === "mention") : 0;
    const unread = isUnread ? Number(counts(now)) - Number(counts(before)) : 0;
    this.#put({
      ...listed,
      countedThrough: position,
      unread: Math.max(0, listed.unread + unread),
      mentions: Math.max(0, listed.mentions + mentions),
    });
    // The mention that an edit had added to a message that was read may count still.
    const isTakenBack = before === "mention" && now !== "mention" && !isUnread && listed.mentions > 0;
    return { weight, isUncertain: isTakenBack };
  }

  /** The person is in a conversation. The position of an invitation is none of its log. */
  #accepted(conversation: string): void {
    const { invitedBy, ...listed } = this.#listed.get(conversation) ?? {};
    if (invitedBy !== undefined) this.#put({ ...listed as Listed, position: 0, countedThrough: 0 });
  }

  /** The person saw the newest message, which is `seq`. */
  read(conversation: string, seq: number): void {
    const before = this.#listed.get(conversation);
    if (before === undefined || (before.readSeq >= seq && before.unread === 0 && before.mentions === 0)) return;
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

  #weigh({ conversation, event, sender, naming }: Weighed): Weight {
    if (sender === this.#me) return "own";
    if (event !== undefined) return "silent";
    const level = this.#level(conversation);
    if (level === "none") return "silent";
    if (naming !== undefined) return "mention";
    if (level === "mentions") return "silent";
    return isRoomId(conversation) ? "counted" : "direct";
  }

  #put(listed: Listed): void {
    this.#listed.set(listed.conversation, listed);
    this.#sorted = undefined;
    if (this.#listed.size <= maxListed) return;
    // The new one may have no message yet, and so be the last.
    this.remove(this.all.findLast(({ conversation }) => conversation !== listed.conversation)!.conversation);
  }
}

/** The parts of a message that decide its weight. */
type Weighed = Pick<Message, "conversation" | "event" | "sender" | "naming">;

function mentionRolesOf({ role, room }: Conversation): Listed["mentionRoles"] {
  const own = fromWireRole(role);
  return room && own && own !== "left" ? { own, lowest: fromWireMentionAll(room.mentionAll) } : undefined;
}

function mentionRolesAfter(
  { mentionRoles }: Listed,
  { event, me }: { event: LogEvent | undefined; me: string },
): Pick<Listed, "mentionRoles"> {
  if (mentionRoles === undefined) return {};
  if (event?.kind === "room_changed") return { mentionRoles: { ...mentionRoles, lowest: event.mentionAll } };
  const isOwn = event?.kind === "role_changed" && event.user === me;
  return isOwn ? { mentionRoles: { ...mentionRoles, own: event.role } } : {};
}

function counts(weight: Weight): boolean {
  return weight !== "own" && weight !== "silent";
}
