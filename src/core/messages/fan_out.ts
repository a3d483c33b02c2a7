import type { LiveSessions, Subscriber } from "../people/live_sessions.ts";
import type { Visibility } from "../people/user_settings.ts";
import type { RoomState } from "../rooms/room_state.ts";
import { isRoomEvent } from "./log_event.ts";
import type { Message } from "./message.ts";
import { type NamedReaders, type Naming, namingOf } from "./naming.ts";

export interface FanOutOptions {
  live: LiveSessions;
  /** Returns whether the blocks of `user` permit them to see an entry. */
  visibilityOf(user: string, message: Message): Visibility;
}

/** The readers of an entry. */
export interface Audience {
  /** Undefined when memory is not as of the entry's position: then the store decides for each session. */
  readonly users: Iterable<string> | undefined;
  readonly room: RoomState | undefined;
  /** The session that sent it. */
  readonly subscriber: Subscriber | undefined;
  /** The readers that it names; undefined for none, "unknown" if only the store knows. */
  readonly named?: NamedReaders | "unknown";
}

/** Offers committed entries to the sessions of users who may see them, in the order of the log. */
export class FanOut {
  readonly #options: FanOutOptions;

  constructor(options: FanOutOptions) {
    this.#options = options;
  }

  publish(message: Message, { users, room, subscriber, named }: Audience): void {
    const { live } = this.#options;
    const isMarked = named !== "unknown" || !mayName(message);
    const markFor = named === undefined || named === "unknown" ? undefined : markerOf(message, named);
    for (const user of users ?? live.users()) {
      const subscribers = live.of(user);
      if (subscribers.length === 0) continue;
      const visibility = users === undefined ? "unknown" : this.#visibilityOf(user, message, room);
      if (visibility === "hidden") continue;
      const offered = markFor?.(user) ?? message;
      for (const each of subscribers) {
        if (visibility === "shown" && isMarked) each.offer(offered, each === subscriber);
        else each.lookUp(message.position);
      }
    }
  }

  /** Returns whether a user of the audience may see the entry. An event about a message needs a visible target. */
  #visibilityOf(user: string, message: Message, room: RoomState | undefined): Visibility {
    const { event } = message;
    const visibility = this.#options.visibilityOf(user, message);
    if (visibility === "hidden" || event === undefined || isRoomEvent(event)) return visibility;
    return room === undefined || room.firstSeq(user) <= event.target ? visibility : "unknown";
  }
}

/** Returns a function that marks a message for a reader; readers with the same mark share one copy. */
function markerOf(message: Message, named: NamedReaders): (reader: string) => Message {
  const { sender } = message;
  const copies = new Map<Naming, Message>();
  return (reader) => {
    const naming = namingOf(named, { reader, sender });
    return naming === undefined ? message : copies.getOrInsertComputed(naming, () => ({ ...message, naming }));
  };
}

/** Returns whether an entry may name members: no other text names one. */
function mayName({ event, text, audience }: Message): boolean {
  return audience !== undefined || ((event === undefined || event.kind === "edited") && text.includes("@"));
}

/** Lists the members of a room who may be online; the others are not. */
export function liveMembers(room: RoomState, live: LiveSessions): Iterable<string> {
  return room.memberCount <= live.userCount ? room.members() : onlineMembers(room, live);
}

function* onlineMembers(room: RoomState, live: LiveSessions): Iterable<string> {
  for (const user of live.users()) if (room.hasMember(user)) yield user;
}
