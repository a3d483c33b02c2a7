import type { KnownUsers } from "../accounts/known_users.ts";
import { ChatError } from "../chat_error.ts";
import type { GuardedClock } from "../clock.ts";
import type { DiskQuota } from "../files/disk_quota.ts";
import type { Subscriber } from "../people/live_sessions.ts";
import type { Presence } from "../people/presence.ts";
import type { UserSettings } from "../people/user_settings.ts";
import type { RoomAction } from "../rooms/permissions.ts";
import type { RoomCache } from "../rooms/room_cache.ts";
import { refuseInRoom } from "../rooms/refuse_in_room.ts";
import { noSuchRoom, type RoomState } from "../rooms/room_state.ts";
import type { ShortAddress } from "../rooms/short_address.ts";
import { type Address, parseAddress } from "./address.ts";
import type { CommitQueue } from "./commit_queue.ts";
import { parseEmoji } from "./emoji.ts";
import type { LogEvent } from "./log_event.ts";
import { type Accepted, checkText, directConversation, type Message } from "./message.ts";
import { checkMessageIdTime, parseMessageId } from "./message_id.ts";
import type { ChangeResult, MessageStore } from "./message_store.ts";
import { type CheckedDraft, noSuchUser, refuseContact, type RoomEventDraft, Submission } from "./submission.ts";

/** A message that a client wants to send. */
export interface Draft {
  /** The address of a user or room. */
  readonly to: string;
  readonly id: string;
  readonly text: string;
  /** The seq of the message that it answers; 0 or absent for none. */
  readonly replyToSeq?: number;
  /** The id of a finished upload; "" or absent for none. */
  readonly uploadId?: string;
  /** Written by a program as an answer. */
  readonly automatic?: boolean;
}

/** A change of a message that a client requests. */
export interface Amendment {
  readonly to: string;
  readonly seq: number;
  readonly id: string;
}

/** An address as a user may resolve it. */
export interface Destination {
  readonly conversation: string;
  /** The users of a direct conversation, each once; empty for a room. */
  readonly members: readonly string[];
  readonly room: RoomState | undefined;
  /** Why the address does not resolve, as far as the user may know. */
  readonly refusal: ChatError | undefined;
}

export type Posted = Accepted & { duplicate: boolean };

export interface PostingOptions {
  known: KnownUsers;
  settings: Pick<UserSettings, "takesAll" | "refuseContact">;
  store: MessageStore;
  rooms: RoomCache;
  commits: CommitQueue;
  presence: Pick<Presence, "stateOf">;
  disk: DiskQuota;
  clock: GuardedClock;
}

/** Checks entries and puts them into logs, each exactly once. */
export class Posting {
  readonly #options: PostingOptions;

  constructor(options: PostingOptions) {
    this.#options = options;
  }

  /** Resolves an address as `user` sees it. @throws {ChatError} `invalid_argument` */
  async resolve(user: string, text: string): Promise<Destination> {
    return await this.#resolve(user, parseAddress(text));
  }

  async #resolve(user: string, address: Address): Promise<Destination> {
    if (address.kind === "user") {
      const refusal = await this.#options.known.has(address.name) ? undefined : noSuchUser(address.name);
      return { ...direct(user, address.name), refusal };
    }
    if (address.kind === "room_start") return await this.#resolveStart(user, address.room);
    const room = await this.#findRoom(address);
    if (room?.may(user, "see")) return { conversation: room.id, members: [], room, refusal: undefined };
    const isNamed = address.kind === "room_name";
    const refusal = noSuchRoom(isNamed ? `#${address.name}` : address.id);
    return { conversation: isNamed ? "" : address.id, members: [], room: undefined, refusal };
  }

  /**
   * Resolves a name and the beginning of an id to the only such room that the user is in, or else that they may see:
   * ids can be made to begin alike, and neither an invitation nor a public room may take the address of their own room.
   */
  async #resolveStart(user: string, short: ShortAddress): Promise<Destination> {
    const seen = (await this.#options.rooms.findStarting(short, user)).filter((room) => room.may(user, "see"));
    const own = seen.filter((room) => room.isMember(user));
    const rooms = own.length > 0 ? own : seen;
    const [room, ...others] = rooms;
    if (room !== undefined && others.length === 0) {
      return { conversation: room.id, members: [], room, refusal: undefined };
    }
    const text = `#${short.name}${short.idStart}`;
    const refusal = room === undefined
      ? noSuchRoom(text)
      : new ChatError("invalid_argument", `${rooms.length} rooms begin with "${text}": write more of the id.`);
    return { conversation: "", members: [], room: undefined, refusal };
  }

  /**
   * @throws {ChatError} `not_found`, with the same text for a room that does not exist and one that the user may not
   * see.
   */
  async room(user: string, text: string): Promise<RoomState> {
    const { room, refusal } = await this.resolve(user, text);
    if (room !== undefined) return room;
    throw refusal ?? new ChatError("invalid_argument", `"${text}" is not a room: write "#name" or "+id".`);
  }

  /**
   * Checks a message. A plain message to a user who accepts all senders, as most are, is checked without waiting: with
   * many messages each turn of the event loop counts.
   * @throws {ChatError} `invalid_argument`, `message_id_expired`, `message_id_in_future`.
   */
  check(sender: string, draft: Draft): CheckedDraft | Promise<CheckedDraft> {
    const id = this.#checkId(draft.id);
    const uploadId = draft.uploadId ? parseMessageId(draft.uploadId) : undefined;
    if (uploadId === undefined || draft.text !== "") checkText(draft.text);
    const address = parseAddress(draft.to);
    const replyTo = draft.replyToSeq || undefined;
    const content = { id, text: draft.text, uploadId, replyTo, automatic: draft.automatic || undefined };
    if (address.kind !== "user" || replyTo !== undefined || !this.#acceptsAll(address.name)) {
      return this.#checkWithStore(sender, address, content);
    }
    return toDraft(sender, direct(sender, address.name), content);
  }

  async #checkWithStore(sender: string, address: Address, content: Content): Promise<CheckedDraft> {
    const checked = toDraft(sender, await this.#resolve(sender, address), content);
    const refusal = checked.refusal ?? await this.#refuse(checked) ?? await this.#refuseReply(checked);
    return { ...checked, refusal };
  }

  /** Returns whether the user is known, without asking the store, to exist and to accept all senders. */
  #acceptsAll(user: string): boolean {
    return this.#options.known.remembers(user) && this.#options.settings.takesAll(user);
  }

  /**
   * Checks a new text for a message. In a direct conversation it needs the same permission of the recipient as a
   * message.
   * @throws {ChatError} as {@link check}, and `not_found`, `permission_denied`.
   */
  async checkEdit(sender: string, edit: Amendment & { readonly text: string }): Promise<CheckedDraft> {
    checkText(edit.text);
    return await this.#amend(sender, edit, { text: edit.text, needs: "delete_own" }, (target) => ({
      event: { kind: "edited", target: target.seq },
      refusal: target.sender === sender ? undefined : notTheAuthor("edit"),
    }));
  }

  /** Checks the deletion of a message. @throws {ChatError} as {@link checkEdit} */
  async checkDelete(sender: string, deletion: Amendment): Promise<CheckedDraft> {
    return await this.#amend(sender, deletion, { text: "", needs: "see" }, (target, room) => ({
      event: { kind: "deleted", target: target.seq },
      needs: target.sender === sender ? "delete_own" : "delete_any",
      refusal: target.sender === sender || room?.may(sender, "delete_any") ? undefined : notTheAuthor("delete"),
    }));
  }

  /** @throws {ChatError} as {@link checkEdit} */
  async checkReaction(
    sender: string,
    reaction: Amendment & { readonly emoji: string; readonly remove: boolean },
  ): Promise<CheckedDraft> {
    const emoji = parseEmoji(reaction.emoji);
    return await this.#amend(sender, reaction, { text: "", needs: "react" }, (target) => ({
      event: { kind: "reacted", target: target.seq, emoji, removed: reaction.remove },
      refusal: undefined,
    }));
  }

  /** Checks the pin of a message, or the removal of one. @throws {ChatError} as {@link checkEdit} */
  async checkPin(sender: string, pin: Amendment & { readonly remove: boolean }): Promise<CheckedDraft> {
    return await this.#amend(sender, pin, { text: "", needs: "pin" }, (target) => ({
      event: { kind: "pinned", target: target.seq, removed: pin.remove },
      refusal: undefined,
    }));
  }

  /** Returns an event of a room, which `judge` may refuse when it is submitted. */
  async checkRoomEvent(sender: string, room: RoomState, draft: RoomEventDraft): Promise<CheckedDraft> {
    const id = this.#checkId(draft.id);
    await draft.refresh?.();
    const where = { conversation: room.id, members: [], room };
    return { ...draft, ...where, id, sender, needs: undefined, refusal: undefined };
  }

  /**
   * Submits a checked entry; entries get into the log in the order of the calls.
   * @throws {ChatError} the refusal, `message_id_conflict`, `not_found`, `already_exists`, `storage_full`, `busy`.
   */
  async submit(draft: CheckedDraft, subscriber?: Subscriber): Promise<Posted> {
    const { rooms, commits } = this.#options;
    const { conversation, event } = draft;
    let { room } = draft;
    // In rare cases the cache has another object for the room by now. Only then it waits, and entries submitted
    // meanwhile come first.
    while (room !== undefined && event?.kind !== "room_created" && rooms.peek(conversation) !== room) {
      room = await rooms.find(conversation);
    }
    const submission = new Submission({ draft, room, subscriber }, this.#options);
    if (room !== undefined) rooms.submitted(room);
    try {
      return toPosted(await commits.append(submission), submission);
    } finally {
      submission.withdraw();
      if (room !== undefined) rooms.settled(room);
    }
  }

  async #amend(
    sender: string,
    { to, seq, id: givenId }: Amendment,
    draft: { text: string; needs: RoomAction },
    makeEvent: (target: Message, room: RoomState | undefined) => {
      event: LogEvent;
      refusal: ChatError | undefined;
      needs?: RoomAction;
    },
  ): Promise<CheckedDraft> {
    const id = this.#checkId(givenId);
    const { refusal, ...where } = await this.resolve(sender, to);
    if (refusal !== undefined) throw refusal;
    const { conversation, room } = where;
    const target = await this.#options.store.entry(sender, conversation, seq);
    if (target === undefined || target.event !== undefined) throw noSuchMessage();
    const checked = { sender, ...where, id, ...draft, ...makeEvent(target, room) };
    // Not thrown: this may be the deletion itself, sent again.
    const gone = target.deleted ? noSuchMessage() : undefined;
    return { ...checked, refusal: gone ?? checked.refusal ?? await this.#refuse(checked) };
  }

  #checkId(text: string): string {
    const id = parseMessageId(text);
    checkMessageIdTime(id, this.#options.clock);
    return id;
  }

  async #findRoom(address: Exclude<Address, { kind: "user" | "room_start" }>): Promise<RoomState | undefined> {
    const { rooms } = this.#options;
    return await (address.kind === "room_id" ? rooms.find(address.id) : rooms.findPublic(address.name));
  }

  async #refuse(draft: CheckedDraft): Promise<ChatError | undefined> {
    return draft.room === undefined ? await refuseContact(draft, this.#options) : refuseInRoom(draft);
  }

  async #refuseReply({ sender, conversation, replyTo }: CheckedDraft): Promise<ChatError | undefined> {
    if (replyTo === undefined) return undefined;
    const target = await this.#options.store.entry(sender, conversation, replyTo);
    return target === undefined || target.event !== undefined ? noSuchMessage() : undefined;
  }
}

/** The parts of a message that are checked without its destination. */
type Content = Pick<CheckedDraft, "id" | "text" | "uploadId" | "replyTo" | "automatic">;

function toDraft(
  sender: string,
  { conversation, members, room, refusal }: Destination,
  content: Content,
): CheckedDraft {
  const { id, text, uploadId, replyTo, automatic } = content;
  return { sender, conversation, members, room, id, text, uploadId, replyTo, automatic, needs: "send", refusal };
}

function direct(user: string, other: string): Destination {
  const members = user === other ? [user] : [user, other];
  return { conversation: directConversation(user, other), members, room: undefined, refusal: undefined };
}

function toOutcome({ position, conversation, seq, acceptedAt }: Accepted, duplicate: boolean): Posted {
  return { position, conversation, seq, acceptedAt, duplicate };
}

/** @throws {ChatError} the reason when the entry is not in the log */
function toPosted(result: ChangeResult, { draft: { id, conversation, text }, refusal }: Submission): Posted {
  switch (result.kind) {
    case "accepted":
      return toOutcome(result.message, false);
    case "duplicate":
      return toOutcome(result.accepted, true);
    case "conflict":
      throw new ChatError("message_id_conflict", `Message id ${id} was used for another message: use a new id.`);
    case "refused":
      throw refusal;
    case "gone":
      throw noSuchMessage();
    case "no_room":
      throw noSuchRoom(conversation);
    case "too_many":
      throw new ChatError("limit_reached", "The message already has 20 different reactions: use one of them.");
    case "no_reaction":
      throw new ChatError("not_found", "You have no such reaction to this message.");
    case "pinned":
      throw new ChatError("already_exists", "The message is already pinned.");
    case "not_pinned":
      throw new ChatError("not_found", "The message is not pinned.");
    case "too_many_pins":
      throw new ChatError(
        "limit_reached",
        "The conversation has the maximum number of pinned messages, 50: unpin one.",
      );
    case "name_taken":
      throw new ChatError("already_exists", `There is already a public room "#${text}": choose another name.`);
    case "upload_gone":
      throw new ChatError("not_found", "There is no such finished upload of yours: upload the file again.");
    case "failed":
      throw result.cause;
    case "moved":
      throw new TypeError("The store answered an append as if it had moved a cursor.");
  }
}

export function noSuchMessage(): ChatError {
  return new ChatError("not_found", "There is no such message, or it was deleted.");
}

function notTheAuthor(verb: string): ChatError {
  return new ChatError("permission_denied", `Cannot ${verb} this message: you did not write it.`);
}
