import type { LiveSessions } from "../people/live_sessions.ts";
import type { RoomCache } from "../rooms/room_cache.ts";
import type { RoomChange, RoomState } from "../rooms/room_state.ts";
import { isRoomEvent } from "./log_event.ts";
import type { Message } from "./message.ts";
import type { Origin } from "./posting.ts";

export interface FanOutOptions {
  live: LiveSessions;
  rooms: RoomCache;
  /** Whether `user` had blocked the sender when the message was accepted. */
  hides(user: string, message: Message): boolean;
  /** Whether blocks of `user` may hide entries from them, also blocks that ended. */
  hasBlocked(user: string): boolean;
  /** Whether `user` is in the room, or has an invitation by a user they do not block. */
  hearsOf(user: string, room: RoomState): boolean;
  /** Called when the invitation or membership of `user` changed. */
  invitationChanged(user: string, conversation: string): void;
}

/** Offers committed entries to the sessions of users who may see them, in the order of the log. */
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
      const isVisible = this.#isCertainlyVisible(user, message, room);
      for (const each of this.#options.live.of(user)) {
        if (isVisible) each.offer(message, each === subscriber);
        else each.lookUp(message.position);
      }
    }
  }

  /**
   * Returns whether `user` certainly may see the entry; otherwise the store decides. An event needs a visible target.
   */
  #isCertainlyVisible(user: string, { event }: Message, room: RoomState | undefined): boolean {
    if (event === undefined || isRoomEvent(event)) return true;
    return !this.#options.hasBlocked(user) && (room === undefined || room.firstSeq(user) <= event.target);
  }

  /** Applies a change of the room, and yields its audience: the members after it, and a member who left by it. */
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
    // The room does not exist for a stranger who is banned, or whose inviter they block.
    const isHeard = heardBefore || hearsOf(subject, room);
    if (subject !== sender && isHeard) this.#options.invitationChanged(subject, message.conversation);
    if (wasMember && !room.hasMember(subject)) yield subject;
    yield* liveMembers(room, live);
  }
}

/** Yields the members of a room who may be online; the others are not. */
export function* liveMembers(room: RoomState, live: LiveSessions): Iterable<string> {
  if (room.memberCount <= live.userCount) {
    for (const [user] of room.roles) if (room.hasMember(user)) yield user;
  } else {
    for (const user of live.users()) if (room.hasMember(user)) yield user;
  }
}
