import type { Clock } from "../clock.ts";
import { liveMembers } from "../messages/fan_out.ts";
import { directMembers } from "../messages/message.ts";
import type { RoomState } from "../rooms/room_state.ts";
import { TokenBuckets } from "../token_bucket.ts";
import type { LiveSessions } from "./live_sessions.ts";
import type { UserSettings } from "./user_settings.ts";

/** Reports of one user; an honest client sends one every 4 seconds in a conversation, and one when typing stops. */
const reportsOfUser = { burst: 8, perSecond: 1 };
/** Largest room with typing notices: in larger ones a member is always typing, and all would be notified. */
const maxMembers = 100;

/**
 * Announces typing, unless the user hides presence. Lossy: excess reports are dropped, and receivers forget one after 6
 * seconds.
 */
export class Typing {
  readonly #live: LiveSessions;
  readonly #settings: UserSettings;
  readonly #clock: Clock;
  readonly #buckets = new TokenBuckets(reportsOfUser);

  constructor(options: { live: LiveSessions; settings: UserSettings; clock: Clock }) {
    this.#live = options.live;
    this.#settings = options.settings;
    this.#clock = options.clock;
  }

  /** Announces that `user`, who may write there, is typing or stopped. */
  async announce(
    user: string,
    { conversation, room, stopped }: { conversation: string; room: RoomState | undefined; stopped: boolean },
  ): Promise<void> {
    if (this.#buckets.take(user, this.#clock.now()) > 0) return;
    if (room !== undefined && room.memberCount > maxMembers) return;
    if (!(await this.#settings.settings(user)).presence) return;
    const audience = room === undefined ? directMembers(conversation) : liveMembers(room, this.#live);
    for (const other of audience) {
      if (other === user || this.#settings.isHidden(user, other) || this.#settings.isHidden(other, user)) continue;
      for (const each of this.#live.of(other)) each.notify({ kind: "typing", conversation, user, stopped });
    }
  }
}
