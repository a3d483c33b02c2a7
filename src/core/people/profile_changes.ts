import { ChatError } from "../chat_error.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { directConversation } from "../messages/message.ts";
import { TokenBuckets } from "../token_bucket.ts";
import type { LiveSessions } from "./live_sessions.ts";
import type { Settings, SettingsStore } from "./settings_store.ts";
import type { StateRevisions } from "./state_revisions.ts";

/** Changes of a user's display name and status text: each one is announced to all peers, possibly thousands. */
const changesOfUser = { burst: 10, perSecond: 1 / 30 };

export interface ProfileChangesOptions {
  readonly store: SettingsStore;
  readonly live: LiveSessions;
  readonly revisions: StateRevisions;
  readonly clock: Clock;
  readonly log: Log;
}

/** Changes of display names and status texts: admits them, and announces them to peers who are online. */
export class ProfileChanges {
  readonly #options: ProfileChangesOptions;
  readonly #changes = new TokenBuckets(changesOfUser);

  constructor(options: ProfileChangesOptions) {
    this.#options = options;
  }

  /** Admits a change that has a display name or a status text. @throws {ChatError} `rate_limited` */
  admit(user: string, { displayName, status }: Partial<Settings>): void {
    if (displayName === undefined && status === undefined) return;
    const retryAfterMs = this.#changes.take(user, this.#options.clock.now());
    if (retryAfterMs === 0) return;
    throw new ChatError(
      "rate_limited",
      `Too many changes of your display name or status: wait ${Math.ceil(retryAfterMs / 1000)} s.`,
      { retryAfterMs },
    );
  }

  /** Tells the other users of direct conversations, when they see a difference. Never rejects. */
  async announce(user: string, { before, after }: { before: Settings; after: Settings }): Promise<void> {
    if (before.displayName === after.displayName && before.status === after.status) return;
    const { store, live, revisions, log } = this.#options;
    try {
      for (const peer of await store.directPeers(user)) {
        if (live.isOnline(peer)) revisions.changed(peer, directConversation(user, peer));
      }
    } catch (error) {
      log.error("cannot announce a display name", { user, error });
    }
  }
}
