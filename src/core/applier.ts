import { ChatError } from "./chat_error.ts";
import type { Files } from "./files/files.ts";
import { type Audience, type FanOut, liveMembers } from "./messages/fan_out.ts";
import { isRoomEvent } from "./messages/log_event.ts";
import { directMembers, type Message } from "./messages/message.ts";
import { maxRoomOfPeers, type MessageStore } from "./messages/message_store.ts";
import type { Committed, Origin } from "./messages/pending_entry.ts";
import type { LaneBatch } from "./messages/plain_lane.ts";
import type { PendingMoves } from "./messages/pending_moves.ts";
import type { Receipts } from "./messages/receipts.ts";
import type { LiveSessions } from "./people/live_sessions.ts";
import type { Presence } from "./people/presence.ts";
import type { StateRevisions } from "./people/state_revisions.ts";
import type { UserSettings } from "./people/user_settings.ts";
import { isRoomId } from "./rooms/room.ts";
import type { RoomCache } from "./rooms/room_cache.ts";
import type { RoomChange, RoomState } from "./rooms/room_state.ts";

export interface ApplierOptions {
  readonly store: Pick<MessageStore, "head" | "incarnation">;
  readonly live: LiveSessions;
  readonly fanOut: FanOut;
  readonly rooms: RoomCache;
  readonly settings: Pick<UserSettings, "recordContact">;
  readonly revisions: StateRevisions;
  readonly receipts: Pick<Receipts, "published">;
  readonly presence: Pick<Presence, "introduce">;
  readonly moves: Pick<PendingMoves, "moveOwnRead">;
  readonly files: Pick<Files, "sweep">;
  /** Returns whether `user` is in the room, or invited by a user that they do not block. */
  isInvolved(user: string, room: RoomState): boolean;
}

/** A change of a room, as one user experiences it. */
interface Experience {
  readonly user: string;
  readonly wasMember: boolean;
  readonly wasInvolved: boolean;
}

/**
 * Brings memory and sessions up to the log: applies each entry to the rooms in memory, offers it to sessions, and then
 * gives receipts and notices. Every committed entry passes here once, in the order of positions, and nothing else
 * publishes entries.
 */
export class Applier {
  readonly #options: ApplierOptions;
  #applied: number;
  /** True while live sessions do not know the incarnation of the log, because the disk had no room to store one. */
  #hasUninformed: boolean;

  /** Begins after the newest entry of the store. */
  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#applied = options.store.head;
    this.#hasUninformed = options.store.incarnation === "";
  }

  /** The position up to which entries were applied; the store may be ahead. */
  get applied(): number {
    return this.#applied;
  }

  /** Applies entries by position, lowest first. @throws {RangeError} for one that was applied before */
  apply(entries: Iterable<Committed>): void {
    this.#endUninformed();
    for (const { message, origin, named } of entries) {
      this.#apply(message, origin ?? originOf(message), origin === undefined ? "unknown" : named);
    }
  }

  /** Applies the messages of a batch, each after its session has the reply. */
  applyPlain(batch: LaneBatch): void {
    this.#endUninformed();
    for (let index = 0; index < batch.count; index++) {
      const message = batch.message(index);
      const route = batch.routes[index];
      batch.sessions[index].onStored(batch.requestIds[index], message);
      this.#apply(message, route);
    }
  }

  #apply(message: Message, origin: Origin, named?: Audience["named"]): void {
    const { position, conversation, event } = message;
    if (position <= this.#applied) {
      throw new RangeError(`Cannot apply position ${position} again: the log is applied up to ${this.#applied}`);
    }
    this.#applied = position;
    if (isRoomId(conversation)) this.#applyToRoom(message, origin, named);
    else this.#applyDirect(message, origin, named);
    if (event?.kind === "deleted") void this.#options.files.sweep();
  }

  #applyDirect(message: Message, { members, subscriber }: Origin, named: Audience["named"]): void {
    const { fanOut, settings, presence } = this.#options;
    fanOut.publish(message, { users: members, room: undefined, subscriber, named });
    settings.recordContact(message.sender, members);
    if (message.seq === 1) void presence.introduce(message.sender, members);
    this.#noteReads(message, members);
  }

  #applyToRoom(
    message: Message,
    { room: asked, change, subscriber }: Origin,
    named: Audience["named"],
  ): void {
    const { rooms, fanOut, live, presence } = this.#options;
    const before = change && this.#experienceOf(change, message.conversation, asked);
    const room = change === undefined ? rooms.peek(message.conversation) : rooms.apply(change, message, asked);
    const isExact = room !== undefined && room.asOf < message.position;
    const left = before?.wasMember && !room?.hasMember(before.user) ? before.user : undefined;
    const users = isExact ? audienceOf(room, live, left) : undefined;
    fanOut.publish(message, { users, room, subscriber, named });
    if (room !== undefined && before !== undefined && before.user !== message.sender) this.#notify(before, room);
    if (room !== undefined && message.event?.kind === "joined" && room.memberCount <= maxRoomOfPeers) {
      void presence.introduce(message.sender, liveMembers(room, live));
    }
    this.#noteReads(message, []);
  }

  #noteReads(message: Message, members: readonly string[]): void {
    const { moves, receipts } = this.#options;
    if (message.event === undefined) moves.moveOwnRead(message.conversation, message.sender, message.seq);
    receipts.published(message, members);
  }

  /** Returns how the subject of a change stands to the room before it. */
  #experienceOf({ sender, event }: RoomChange, conversation: string, created: RoomState | undefined): Experience {
    const user = "user" in event ? event.user : sender;
    const room = this.#options.rooms.peek(conversation) ?? created;
    if (room === undefined) return { user, wasMember: false, wasInvolved: false };
    return { user, wasMember: room.hasMember(user), wasInvolved: this.#options.isInvolved(user, room) };
  }

  /**
   * Notifies a user of a change by another one. The room does not exist for a stranger who is banned, or whose inviter
   * they block.
   */
  #notify({ user, wasInvolved }: Experience, room: RoomState): void {
    const { isInvolved, revisions } = this.#options;
    if (wasInvolved || isInvolved(user, room)) revisions.changed(user, room.id);
  }

  /**
   * Ends all sessions before they receive a position of a log incarnation that they do not know; they learn it when
   * they reconnect.
   */
  #endUninformed(): void {
    const { store, live } = this.#options;
    if (!this.#hasUninformed || store.incarnation === "") return;
    this.#hasUninformed = false;
    live.endAll(new ChatError("unavailable", "The server has disk space again. Reconnect."));
  }
}

/** Derives the origin of an entry from the entry alone. */
function originOf({ conversation, sender, event, text }: Message): Origin {
  const change = event !== undefined && isRoomEvent(event) ? { sender, event, text } : undefined;
  const members = isRoomId(conversation) ? [] : directMembers(conversation);
  return { members, room: undefined, change, subscriber: undefined };
}

/** Lists a member who left by an entry, and the members of the room after it. */
function audienceOf(room: RoomState, live: LiveSessions, left: string | undefined): Iterable<string> {
  const members = liveMembers(room, live);
  return left === undefined ? members : [left, ...members];
}
