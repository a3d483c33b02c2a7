import { ChatError } from "../chat_error.ts";
import type { Log } from "../log.ts";
import type { RoomCache } from "./room_cache.ts";
import type { DroppedInvitation, RoomStore } from "./room_store.ts";

/** Open invitations of a user; a newer one replaces the oldest. */
const maxOpen = 100;
/** Open invitations of a user from one inviter. */
const maxOpenByOne = 20;

export interface InvitationsOptions {
  readonly store: RoomStore;
  readonly cache: RoomCache;
  readonly log: Log;
  /** Called when a user's open invitation was dropped. */
  onDropped(user: string, invitation: DroppedInvitation): void;
}

/** Bounds the open invitations of users. */
export class Invitations {
  readonly #options: InvitationsOptions;

  constructor(options: InvitationsOptions) {
    this.#options = options;
  }

  /**
   * Returns the error for another invitation of `user` by `inviter`; the same if `user` blocks the inviter, who must
   * not learn of it.
   */
  async refusal(inviter: string, user: string): Promise<ChatError | undefined> {
    if (await this.#options.store.countInvitations(user, inviter) < maxOpenByOne) return undefined;
    return new ChatError(
      "limit_reached",
      `${user} has ${maxOpenByOne} open invitations from you, which is the limit. Wait, or withdraw one.`,
    );
  }

  /** Drops the user's oldest invitations beyond the bound. Never rejects: leftover ones are dropped with the next. */
  async dropOldest(user: string): Promise<void> {
    const { store, cache, log, onDropped } = this.#options;
    try {
      for (const invitation of await store.dropInvitations(user, { keep: maxOpen })) {
        cache.reload(invitation.room);
        onDropped(user, invitation);
      }
    } catch (cause) {
      log.warn("cannot drop old invitations", { user, cause });
    }
  }
}
