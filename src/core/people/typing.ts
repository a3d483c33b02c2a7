import type { Clock } from "../clock.ts";
import { liveMembers } from "../messages/fan_out.ts";
import { directMembers } from "../messages/message.ts";
import type { RoomState } from "../rooms/room_state.ts";
import { TokenBuckets } from "../token_bucket.ts";
import type { LiveSessions } from "./live_sessions.ts";
import type { UserSettings } from "./user_settings.ts";

/** An honest client says it every 4 seconds in a conversation, and when it is over. */
const saidByUser = { burst: 8, perSecond: 1 };
/** In larger rooms nobody is told: somebody always types there, and everybody would be told of it. */
const maxMembers = 100;

/**
 * Tells who is writing, unless they hide their presence. Lossy: what is too much is left out, and for those who are told it is
 * over after 6 seconds.
 */
export class Typing {
  readonly #live: LiveSessions;
  readonly #settings: UserSettings;
  readonly #clock: Clock;
  readonly #buckets = new TokenBuckets(saidByUser);

  constructor(options: { live: LiveSessions; settings: UserSettings; clock: Clock }) {
    this.#live = options.live;
    this.#settings = options.settings;
    this.#clock = options.clock;
  }

  /** `user` may write there. */
  async said(
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
