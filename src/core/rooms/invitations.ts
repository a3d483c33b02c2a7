import { ChatError } from "../chat_error.ts";
import type { Log } from "../log.ts";
import type { RoomCache } from "./room_cache.ts";
import type { DroppedInvitation, RoomStore } from "./room_store.ts";

/** Open invitations that a user has: the oldest is dropped for a newer one. */
const maxOpen = 100;
/** How many of them may be from one inviter. */
const maxOpenByOne = 20;

export interface InvitationsOptions {
  readonly store: RoomStore;
  readonly cache: RoomCache;
  readonly log: Log;
  /** A user's open invitation is gone. */
  onDropped(user: string, invitation: DroppedInvitation): void;
}

/** The bounds of open invitations. */
export class Invitations {
  readonly #options: InvitationsOptions;

  constructor(options: InvitationsOptions) {
    this.#options = options;
  }

  /** Why `user` takes no more from the inviter; also when `user` blocks the inviter, who is not to learn it. */
  async refusal(inviter: string, user: string): Promise<ChatError | undefined> {
    if (await this.#options.store.countInvitations(user, inviter) < maxOpenByOne) return undefined;
    return new ChatError(
      "limit_reached",
      `${user} has ${maxOpenByOne} open invitations from you, which is as many as may be: wait, or take one back.`,
    );
  }

  /** Drops the oldest invitations of `user` beyond the bound. Never rejects: those that stay go with the next one. */
  async dropOldest(user: string): Promise<void> {
    const { store, cache, log, onDropped } = this.#options;
    try {
      for (const invitation of await store.dropInvitations(user, { keep: maxOpen })) {
        cache.reload(invitation.room);
        onDropped(user, invitation);
      }
    } catch (cause) {
      log.warn("old invitations were not dropped", { user, cause });
    }
  }
}
