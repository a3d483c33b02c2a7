import type { LogEvent, RoomEvent } from "../../../src/core/messages/log_event.ts";
import { directMembers, type Message, type Pin } from "../../../src/core/messages/message.ts";
import type { MentionAudience } from "../../../src/core/messages/mentions.ts";
import type { Append, ChangeResult, ConversationSummary, MoveRead } from "../../../src/core/messages/message_store.ts";
import { isRoomId, type MemberRole, type Room, type RoomRole } from "../../../src/core/rooms/room.ts";
import { invitationBase } from "../../../src/store/shared/conversation_summary.ts";

interface Stay {
  readonly first: number;
  last: number;
}

interface ModelRoom {
  name: string;
  topic: string;
  isPublic: boolean;
  historyVisible: boolean;
  mentionAll: MemberRole;
  readonly createdAt: number;
}

interface Block {
  readonly user: string;
  readonly blocked: string;
  readonly after: number;
  through: number;
}

interface Emoji {
  readonly emoji: string;
  readonly user: string;
  /** Of the entry that added it. */
  readonly seq: number;
}

interface Entry {
  readonly append: Append;
  readonly position: number;
  readonly seq: number;
  readonly ordinal: number;
  text: string;
  editedAt?: number;
  /** Of the newest edit. */
  editedSeq?: number;
  deleted: boolean;
  reactions: Emoji[];
  /** Of the entry that pinned it. */
  pinSeq?: number;
  /** The members that the message and each of its edits named, the oldest first; empty when it was deleted. */
  namings: readonly NamedMembers[];
}

/** The members that a text names. */
interface NamedMembers {
  /** Of the message or of its edit. */
  readonly seq: number;
  readonly audience: MentionAudience | undefined;
  readonly byName: readonly string[];
  /** Those who were online when the message began to say "@here". */
  readonly here: readonly string[];
}

const never = Number.MAX_SAFE_INTEGER;
const memberRoles: readonly RoomRole[] = ["owner", "moderator", "member"];

/** What the log means, written as simply as can be: what the store is compared with. */
export class LogModel {
  head = 0;
  readonly logs = new Map<string, Entry[]>();
  readonly rooms = new Map<string, ModelRoom>();
  readonly #roles = new Map<string, RoomRole>();
  readonly #stays = new Map<string, Stay[]>();
  readonly #inviters = new Map<string, { name: string; position: number }>();
  readonly #leftNames = new Map<string, string>();
  readonly #read = new Map<string, number>();
  readonly #blocks: Block[] = [];

  role(conversation: string, user: string): RoomRole | undefined {
    return this.#roles.get(key(conversation, user));
  }

  isMember(conversation: string, user: string): boolean {
    const role = this.role(conversation, user);
    return role !== undefined && memberRoles.includes(role);
  }

  /** What the store has to answer; the model is as if it had. */
  append(append: Append): ChangeResult["kind"] {
    const { conversation, event } = append;
    const target = event && "target" in event && this.#find(conversation, event.target);
    if (event && "target" in event) {
      if (!target || target.deleted || target.append.event) return "gone";
      if (event.kind === "edited" && target.append.sender !== append.sender) return "gone";
      if (event.kind === "reacted" && event.removed && !hasReaction(target, event.emoji, append.sender)) {
        return "no_reaction";
      }
      if (event.kind === "pinned" && event.removed === !this.#isPinned(target, append.sender)) {
        return event.removed ? "not_pinned" : "pinned";
      }
    }
    if (this.#isNameTaken(append)) return "name_taken";
    const log = this.logs.get(conversation) ?? [];
    this.logs.set(conversation, log);
    const ordinal = (log.at(-1)?.ordinal ?? 0) + (event ? 0 : 1);
    const entry: Entry = {
      append,
      position: ++this.head,
      seq: log.length + 1,
      ordinal,
      text: append.text,
      deleted: false,
      reactions: [],
      namings: event ? [] : [namedBy(append, { seq: log.length + 1 })],
    };
    log.push(entry);
    if (!isRoomId(conversation) && log.length === 1) {
      for (const user of directMembers(conversation)) this.#enter(conversation, user, { role: "member", first: 1 });
    }
    if (event) this.#apply(event, entry);
    return "accepted";
  }

  moveRead({ conversation, user, seq, ownOnly }: MoveRead): void {
    const last = this.#stays.get(key(conversation, user))?.at(-1)?.last;
    if (last === undefined) return;
    const through = Math.min(seq, last, this.logs.get(conversation)!.length);
    const before = this.#readSeq(conversation, user);
    const between = this.logs.get(conversation)!.slice(before, through);
    const others = between.some(({ append, deleted }) => !append.event && !deleted && append.sender !== user);
    const named = this.logs.get(conversation)!.some((entry) => {
      const seq = namedSince(entry, user);
      return entry.append.sender !== user && seq !== undefined && seq > before && seq <= through;
    });
    if (through > before && !(ownOnly && (others || named))) this.#read.set(key(conversation, user), through);
  }

  block(user: string, blocked: string): void {
    if (!this.#blocks.some((block) => block.user === user && block.blocked === blocked && block.through === never)) {
      this.#blocks.push({ user, blocked, after: this.head, through: never });
    }
  }

  unblock(user: string, blocked: string): void {
    const open = this.#blocks.find((block) =>
      block.user === user && block.blocked === blocked && block.through === never
    );
    if (open) open.through = this.head;
  }

  /** Everything that `user` may see, by position. */
  visibleTo(user: string): Message[] {
    return [...this.logs.keys()].flatMap((conversation) => this.visibleIn(conversation, user))
      .sort((one, other) => one.position - other.position);
  }

  visibleIn(conversation: string, user: string, { marks = false } = {}): Message[] {
    const entries = this.logs.get(conversation) ?? [];
    return entries.filter((entry) => this.#isVisible(entry, user)).map((entry) => this.#show(entry, user, marks));
  }

  /** The pins that a member sees, the newest first. */
  pinsIn(conversation: string, user: string): Pin[] {
    const pinned = (this.logs.get(conversation) ?? []).filter((entry) =>
      this.#isVisible(entry, user) && this.#isPinned(entry, user)
    );
    return pinned.sort((one, other) => other.pinSeq! - one.pinSeq!).map((entry) => {
      const { position, append: { sender, acceptedAt } } = this.#find(conversation, entry.pinSeq!)!;
      return { message: this.#show(entry, user, true), user: sender, pinnedAt: acceptedAt, position };
    });
  }

  hasBeenIn(conversation: string, user: string): boolean {
    return this.#stays.has(key(conversation, user));
  }

  /** The first and the last seq of all stays. */
  extent(conversation: string, user: string): [number, number] {
    const stays = this.#stays.get(key(conversation, user))!;
    return [stays[0].first, Math.min(stays.at(-1)!.last, this.logs.get(conversation)!.length)];
  }

  summaries(user: string): ConversationSummary[] {
    const all = [...this.logs.keys()].flatMap((conversation) => this.#summary(conversation, user) ?? []);
    return all.sort((one, other) => other.position - one.position);
  }

  peersOf(user: string): Set<string> {
    const peers = new Set<string>();
    for (const conversation of this.logs.keys()) {
      if (isRoomId(conversation) && !this.isMember(conversation, user)) continue;
      const members = isRoomId(conversation) ? this.#membersOf(conversation) : directMembers(conversation);
      if (members.includes(user)) members.forEach((member) => peers.add(member));
    }
    peers.delete(user);
    return peers;
  }

  #membersOf(conversation: string): string[] {
    const users = [...this.#roles.keys()].filter((key) => key.startsWith(`${conversation} `));
    return users.map((key) => key.split(" ")[1]).filter((user) => this.isMember(conversation, user));
  }

  #isNameTaken({ conversation, event, text }: Append): boolean {
    if (event?.kind !== "room_created" && event?.kind !== "room_changed") return false;
    return event.isPublic &&
      [...this.rooms].some(([id, { name, isPublic }]) => id !== conversation && isPublic && name === text);
  }

  #apply(event: LogEvent, entry: Entry): void {
    const { sender, conversation, acceptedAt, text } = entry.append;
    switch (event.kind) {
      case "edited": {
        const target = this.#find(conversation, event.target)!;
        const namings = [...target.namings, namedBy(entry.append, { seq: entry.seq, before: target.namings.at(-1) })];
        Object.assign(target, { text, editedAt: acceptedAt, editedSeq: entry.seq, namings });
        return;
      }
      case "deleted": {
        const target = this.#find(conversation, event.target)!;
        const noEdit = { editedAt: undefined, editedSeq: undefined };
        const noMarks = { reactions: [], pinSeq: undefined };
        Object.assign(target, { text: "", deleted: true, ...noEdit, ...noMarks, namings: [] });
        return;
      }
      case "reacted": {
        const target = this.#find(conversation, event.target)!;
        if (event.removed) {
          target.reactions = target.reactions.filter(({ emoji, user }) => emoji !== event.emoji || user !== sender);
        } else if (!hasReaction(target, event.emoji, sender)) {
          target.reactions.push({ emoji: event.emoji, user: sender, seq: entry.seq });
        }
        return;
      }
      case "pinned":
        this.#find(conversation, event.target)!.pinSeq = event.removed ? undefined : entry.seq;
        return;
      default:
        this.#applyToRoom(event, entry);
    }
  }

  #applyToRoom(event: RoomEvent, { append, seq, position }: Entry): void {
    const { sender, conversation, acceptedAt, text } = append;
    const room = this.rooms.get(conversation)!;
    switch (event.kind) {
      case "room_created": {
        const { isPublic, historyVisible } = event;
        const settings = { isPublic, historyVisible, mentionAll: "moderator" } as const;
        this.rooms.set(conversation, { name: text, topic: "", ...settings, createdAt: acceptedAt });
        return this.#enter(conversation, sender, { role: "owner", first: 1, read: 1 });
      }
      case "joined":
        return this.#enter(conversation, sender, {
          role: this.#membersOf(conversation).length === 0 ? "owner" : "member",
          first: room.historyVisible ? 1 : seq,
          read: seq,
        });
      case "left":
        return this.#leave(conversation, sender, { seq, role: "left" });
      case "invited":
        this.#roles.set(key(conversation, event.user), "invited");
        this.#inviters.set(key(conversation, event.user), { name: sender, position });
        return;
      case "removed":
        return this.#leave(conversation, event.user, { seq, role: event.banned ? "banned" : "left" });
      case "unbanned":
        return this.#leave(conversation, event.user, { seq, role: "left" });
      case "role_changed":
        this.#roles.set(key(conversation, event.user), event.role);
        return;
      case "topic_changed":
        room.topic = text;
        return;
      case "room_changed":
        room.name = text;
        room.isPublic = event.isPublic;
        room.historyVisible = event.historyVisible;
        room.mentionAll = event.mentionAll;
    }
  }

  #enter(conversation: string, user: string, stay: { role: RoomRole; first: number; read?: number }): void {
    const id = key(conversation, user);
    this.#roles.set(id, stay.role);
    this.#inviters.delete(id);
    if (stay.read !== undefined) this.#read.set(id, stay.read);
    const before = (this.#stays.get(id) ?? []).filter(({ first }) => first < stay.first);
    this.#stays.set(id, [...before, { first: stay.first, last: never }]);
  }

  #leave(conversation: string, user: string, { seq, role }: { seq: number; role: "left" | "banned" }): void {
    const id = key(conversation, user);
    this.#inviters.delete(id);
    const stay = this.#stays.get(id)?.at(-1);
    if (stay?.last === never) {
      stay.last = seq;
      this.#leftNames.set(id, this.rooms.get(conversation)!.name);
    }
    if (stay || role === "banned") this.#roles.set(id, role);
    else this.#roles.delete(id);
  }

  #find(conversation: string, seq: number): Entry | undefined {
    return this.logs.get(conversation)?.[seq - 1];
  }

  #readSeq(conversation: string, user: string): number {
    return this.#read.get(key(conversation, user)) ?? 0;
  }

  #isBlocked(user: string, sender: string, position: number): boolean {
    return this.#blocks.some((block) =>
      block.user === user && block.blocked === sender && block.after < position && position <= block.through
    );
  }

  #isVisible({ append, position, seq }: Entry, user: string): boolean {
    const { conversation, sender, event } = append;
    const stays = this.#stays.get(key(conversation, user)) ?? [];
    const about = event && "target" in event ? this.#find(conversation, event.target)! : undefined;
    return stays.some(({ first, last }) => first <= seq && seq <= last) && !this.#isBlocked(user, sender, position) &&
      (about === undefined || this.#isVisible(about, user));
  }

  /** A message says what its newest edit said, to those who see that edit. */
  #isTextShown({ append, editedSeq }: Entry, user: string): boolean {
    return editedSeq === undefined || this.#isVisible(this.#find(append.conversation, editedSeq)!, user);
  }

  /** Undefined for a text that is withheld. */
  #text(entry: Entry, user: string): string | undefined {
    const { conversation, event } = entry.append;
    if (event?.kind !== "edited") return this.#isTextShown(entry, user) ? entry.text : undefined;
    const target = this.#find(conversation, event.target)!;
    return target.deleted || target.editedSeq === entry.seq ? target.text : undefined;
  }

  #show(entry: Entry, user: string, withMarks: boolean): Message {
    const { append, position, seq, ordinal, editedAt, deleted } = entry;
    const { id, conversation, sender, acceptedAt, event, replyTo, automatic } = append;
    const said = this.#text(entry, user);
    const text = said ?? "";
    const message = { position, conversation, seq, id, sender, acceptedAt, text, ordinal };
    const reactions = withMarks ? this.#reactions(entry, user) : [];
    const about = event?.kind === "edited" ? this.#find(conversation, event.target)! : entry;
    const audience = said === undefined ? undefined : about.namings.at(-1)?.audience;
    const since = said === undefined || sender === user ? undefined : namedSince(about, user);
    return {
      ...message,
      ...(event && { event }),
      ...(replyTo !== undefined && { replyTo }),
      ...(automatic && { automatic }),
      ...(editedAt !== undefined && { editedAt }),
      ...(deleted && { deleted }),
      ...(said === undefined && { withheld: true }),
      ...(audience && { audience }),
      ...(since !== undefined && { naming: about === entry || since === seq ? "new" : "kept" }),
      ...(reactions.length > 0 && { reactions }),
      ...(withMarks && this.#isPinned(entry, user) && { pinned: true }),
    };
  }

  /** Members see pins that were made in their absence, and others only those of their stays. */
  #isPinned({ append: { conversation }, pinSeq }: Entry, user: string): boolean {
    const pinning = pinSeq === undefined ? undefined : this.#find(conversation, pinSeq)!;
    if (pinning === undefined || this.#isBlocked(user, pinning.append.sender, pinning.position)) return false;
    const stays = this.#stays.get(key(conversation, user)) ?? [];
    return stays.some(({ first, last }) => last === never || (first <= pinning.seq && pinning.seq <= last));
  }

  #reactions(entry: Entry, user: string) {
    const { conversation } = entry.append;
    const seen = entry.reactions.filter(({ seq }) => this.#isVisible(this.#find(conversation, seq)!, user));
    const emoji = [...new Set(seen.map(({ emoji }) => emoji))];
    return emoji.map((emoji) => {
      const same = seen.filter((reaction) => reaction.emoji === emoji);
      return { emoji, count: same.length, own: same.some((reaction) => reaction.user === user) };
    });
  }

  #summary(conversation: string, user: string): ConversationSummary | undefined {
    const hasBeenIn = this.hasBeenIn(conversation, user);
    const inviter = this.#inviters.get(key(conversation, user));
    const isUnheard = inviter !== undefined && this.#isBlocked(user, inviter.name, never);
    const role = isUnheard ? (hasBeenIn ? "left" : undefined) : this.role(conversation, user);
    if (role === undefined || (role !== "invited" && !hasBeenIn)) return undefined;
    const headSeq = hasBeenIn ? this.extent(conversation, user)[1] : 0;
    const readSeq = this.#readSeq(conversation, user);
    const messages = this.visibleIn(conversation, user).filter(({ event }) => event === undefined);
    const others = messages.filter(({ sender, deleted }) => sender !== user && !deleted);
    const isUnread = (seq: number | undefined) => seq !== undefined && seq > readSeq && seq <= headSeq;
    const mentionedAt = (message: Message) => this.mentionedAt(message, user);
    const peer = isRoomId(conversation) ? undefined : directMembers(conversation).find((member) => member !== user);
    const tells = peer !== undefined && !this.#isBlocked(user, peer, never) && !this.#isBlocked(peer, user, never);
    return {
      conversation,
      headSeq,
      position: role === "invited" ? invitationBase + inviter!.position : this.#find(conversation, headSeq)!.position,
      last: messages.at(-1),
      room: this.#room(
        conversation,
        role === "left" || role === "banned" ? this.#leftNames.get(key(conversation, user)) : undefined,
      ),
      role,
      invitedBy: isUnheard ? undefined : inviter?.name,
      readSeq,
      unread: others.filter(({ seq }) => isUnread(seq)).length,
      mentions: others.filter((message) => isUnread(mentionedAt(message))).length,
      peerReadSeq: tells ? this.#readSeq(conversation, peer) : 0,
      peerDeliveredSeq: 0,
    };
  }

  /** Returns the seq from which a mention of `user` by a message counts; undefined for none that they may see. */
  mentionedAt({ conversation, seq, withheld }: Message, user: string): number | undefined {
    return withheld ? undefined : namedSince(this.#find(conversation, seq)!, user);
  }

  /** `leftName`: that of the room when the asker left it, who learns nothing more of a private one. */
  #room(conversation: string, leftName?: string): Room | undefined {
    const room = this.rooms.get(conversation);
    if (room !== undefined && leftName !== undefined && !room.isPublic) {
      return {
        ...room,
        id: conversation,
        name: leftName,
        topic: "",
        historyVisible: false,
        mentionAll: "moderator",
        memberCount: 0,
      };
    }
    return room && { id: conversation, memberCount: this.#membersOf(conversation).length, ...room };
  }
}

function namedBy(
  { mentions = [], here = [], audience }: Append,
  { seq, before }: { seq: number; before?: NamedMembers },
): NamedMembers {
  const online = before?.audience === "here" ? before.here : here;
  return { seq, audience, byName: mentions, here: audience === "here" ? online : [] };
}

/** Returns the seq from which all versions of a message up to its present one name a user. */
function namedSince({ namings }: Entry, user: string): number | undefined {
  const isNamed = ({ audience, byName, here }: NamedMembers) =>
    audience === "room" || byName.includes(user) || here.includes(user);
  const lastWithout = namings.findLastIndex((naming) => !isNamed(naming));
  return namings[lastWithout + 1]?.seq;
}

function key(conversation: string, user: string): string {
  return `${conversation} ${user}`;
}

function hasReaction({ reactions }: Entry, emoji: string, user: string): boolean {
  return reactions.some((reaction) => reaction.emoji === emoji && reaction.user === user);
}
