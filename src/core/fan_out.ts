import type { LiveSessions } from "./live_sessions.ts";
import { directMembers, type Message } from "./message.ts";
import { isRoomEvent, type Origin } from "./posting.ts";
import type { RoomCache } from "./room_cache.ts";
import type { RoomState } from "./room_state.ts";

export interface FanOutOptions {
  live: LiveSessions;
  rooms: RoomCache;
  /** Whether `user` had blocked the sender when this came. */
  hides(user: string, message: Message): boolean;
  /** Somebody was invited, or is not any more. */
  invitationChanged(user: string, conversation: string): void;
}

/** Offers what was committed to the sessions of those who may see it, in the order of the log. */
export class FanOut {
  readonly #options: FanOutOptions;

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  publish(message: Message, { room, leaver, subscriber }: Origin): void {
    const audience = room === undefined
      ? directMembers(message.conversation)
      : this.#roomAudience(message, room, leaver);
    for (const user of audience) {
      if (user !== message.sender && this.#options.hides(user, message)) continue;
      for (const each of this.#options.live.of(user)) each.offer(message, each === subscriber);
    }
  }

  /** Makes the event so, and tells who sees it: those who are in the room after it, and who left by it. */
  *#roomAudience(message: Message, asked: RoomState, leaver: string | undefined): Iterable<string> {
    const { rooms, live } = this.#options;
    const { event } = message;
    const room = rooms.peek(asked.id) ?? asked;
    if (event !== undefined && isRoomEvent(event)) {
      const subject = "user" in event ? event.user : message.sender;
      const wasPublicAs = room.name;
      room.apply({ sender: message.sender, event, text: message.text });
      if (event.kind === "room_created") rooms.add(room);
      if (event.kind === "room_changed") rooms.forgetName(wasPublicAs);
      if (subject !== message.sender) this.#options.invitationChanged(subject, message.conversation);
    }
    if (leaver !== undefined && !room.isMember(leaver)) yield leaver;
    yield* liveMembers(room, live);
  }
}

/** The members of a room who may be online: everybody else is not. */
export function* liveMembers(room: RoomState, live: LiveSessions): Iterable<string> {
  if (room.memberCount <= live.userCount) {
    for (const [user] of room.roles) if (room.isMember(user)) yield user;
  } else {
    for (const user of live.users()) if (room.isMember(user)) yield user;
  }
}
