import type { LiveSessions } from "../people/live_sessions.ts";
import type { RoomCache } from "../rooms/room_cache.ts";
import type { RoomChange, RoomState } from "../rooms/room_state.ts";
import { isRoomEvent } from "./log_event.ts";
import type { Message } from "./message.ts";
import type { Origin } from "./posting.ts";

export interface FanOutOptions {
  live: LiveSessions;
  rooms: RoomCache;
  /** Whether `user` had blocked the sender when this came. */
  hides(user: string, message: Message): boolean;
  /** Whether anything may be hidden from `user` by blocks, also by those that ended. */
  hasBlocked(user: string): boolean;
  /** Whether `user` is in the room, or invited by somebody whom they do not block. */
  hearsOf(user: string, room: RoomState): boolean;
  /** Somebody was invited or removed, or is not any more. */
  invitationChanged(user: string, conversation: string): void;
}

/** Offers what was committed to the sessions of those who may see it, in the order of the log. */
export class FanOut {
  readonly #options: FanOutOptions;

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  publish(message: Message, { members, room: asked, change, subscriber }: Origin): void {
    const room = asked && (this.#options.rooms.peek(asked.id) ?? asked);
    const audience = room === undefined ? members : this.#roomAudience(message, room, change);
    for (const user of audience) {
      if (user !== message.sender && this.#options.hides(user, message)) continue;
      const isSure = this.#isSure(user, message, room);
      for (const each of this.#options.live.of(user)) {
        if (isSure) each.offer(message, each === subscriber);
        else each.lookUp(message.position);
      }
    }
  }

  /** What is about another entry is only for those who may see that, too. Whether this one may, without asking the store. */
  #isSure(user: string, { event }: Message, room: RoomState | undefined): boolean {
    if (event === undefined || isRoomEvent(event)) return true;
    return !this.#options.hasBlocked(user) && (room === undefined || room.firstSeq(user) <= event.target);
  }

  /** Makes the event so, and tells who sees it: those who are in the room after it, and who left by it. */
  *#roomAudience(message: Message, room: RoomState, change: RoomChange | undefined): Iterable<string> {
    if (change === undefined) return yield* liveMembers(room, this.#options.live);
    const { event, sender } = change;
    const subject = "user" in event ? event.user : sender;
    const wasMember = room.hasMember(subject);
    const { rooms, live, hearsOf } = this.#options;
    const heardBefore = hearsOf(subject, room);
    const wasPublicAs = room.name;
    room.apply(change, message.seq);
    if (event.kind === "room_created") rooms.add(room);
    if (event.kind === "room_changed") rooms.forgetName(wasPublicAs);
    // To a stranger who is banned, or invited by somebody whom they block, the room does not exist.
    const isHeard = heardBefore || hearsOf(subject, room);
    if (subject !== sender && isHeard) this.#options.invitationChanged(subject, message.conversation);
    if (wasMember && !room.hasMember(subject)) yield subject;
    yield* liveMembers(room, live);
  }
}

/** The members of a room who may be online: everybody else is not. */
export function* liveMembers(room: RoomState, live: LiveSessions): Iterable<string> {
  if (room.memberCount <= live.userCount) {
    for (const [user] of room.roles) if (room.hasMember(user)) yield user;
  } else {
    for (const user of live.users()) if (room.hasMember(user)) yield user;
  }
}
