import { operator } from "../audit/audit.ts";
import { ChatError } from "../chat_error.ts";
import type { Clock } from "../clock.ts";
import type { DeletedAccounts } from "../limits.ts";
import { createMessageId } from "../messages/message_id.ts";
import type { MemberRole } from "../rooms/room.ts";
import type { RoomCache } from "../rooms/room_cache.ts";
import type { RoomStore } from "../rooms/room_store.ts";
import type { Rooms } from "../rooms/rooms.ts";
import type { Accounts, Identity } from "./accounts.ts";

/** Attempts to leave a room whose membership changes at the same time. */
const maxAttempts = 5;

export interface AccountDeletionOptions {
  readonly accounts: Accounts;
  readonly rooms: Rooms;
  readonly cache: Pick<RoomCache, "find">;
  readonly store: Pick<RoomStore, "roomsOf">;
  /** Resolves when memory has all that the store has at the time of the call. */
  caughtUp(): Promise<void>;
  readonly clock: Clock;
  /** How to treat the user's messages. */
  readonly mode: DeletedAccounts;
  /** Called after the account was renamed to `alias`; caches by `name` are stale. */
  onDeleted(name: string, alias: string): void;
  /** Called when messages of a deleted account are due for erasure. */
  onErase(): void;
}

/** Deletes accounts: leaves all rooms, logs out all devices and retires the name. */
export class AccountDeletion {
  readonly #options: AccountDeletionOptions;

  constructor(options: AccountDeletionOptions) {
    this.#options = options;
  }

  /**
   * Deletes the caller's own account.
   * @throws {ChatError} `permission_denied` when the password is wrong; `invalid_argument`, `rate_limited`, `busy`,
   * `storage_full`
   */
  async deleteOwn(identity: Identity, password: string): Promise<void> {
    await this.#options.accounts.confirmPassword(identity, password);
    await this.#delete(identity.user, { actor: identity.user, mode: this.#options.mode });
  }

  /**
   * Deletes an account for the operator, who may override `mode`.
   * @throws {ChatError} `not_found`, `busy`, `storage_full`
   */
  async delete(name: string, mode: DeletedAccounts = this.#options.mode): Promise<void> {
    await this.#delete(name, { actor: operator, mode });
  }

  async #delete(name: string, { actor, mode }: { actor: string; mode: DeletedAccounts }): Promise<void> {
    const { accounts, caughtUp, onDeleted, onErase } = this.#options;
    await this.#leaveAll(name);
    const alias = await accounts.deleteUser(name, { actor, erase: mode === "erase" });
    // Entries that were stored by the old name are hidden by blocks of that name.
    await caughtUp();
    onDeleted(name, alias);
    if (mode === "erase") onErase();
    // The user's sessions could still join rooms until the account was deleted.
    await this.#leaveAll(alias);
  }

  async #leaveAll(user: string): Promise<void> {
    const { store, caughtUp } = this.#options;
    const rooms = await store.roomsOf(user);
    // The user may be in a room, or invited to it, in the store and not yet in memory.
    await caughtUp();
    for (const room of rooms) await this.#leave(user, room);
  }

  async #leave(user: string, room: string): Promise<void> {
    const { rooms } = this.#options;
    for (let attempts = maxAttempts;; attempts--) {
      try {
        await this.#passOwnership(user, room);
        await rooms.leave({ user }, { id: this.#newId(), room });
        return;
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        // The user was removed meanwhile, or the room was deleted.
        if (error.code === "not_found") return;
        // The chosen successor left meanwhile.
        if (error.code !== "permission_denied" || attempts === 0) throw error;
      }
    }
  }

  /** Passes ownership of a room with other members to a moderator, or else to any member. */
  async #passOwnership(user: string, room: string): Promise<void> {
    const { rooms, cache } = this.#options;
    const { roles } = await cache.find(room) ?? {};
    if (roles?.get(user) !== "owner") return;
    const others = [...roles.keys()].filter((other) => other !== user).sort();
    const byRole = (role: MemberRole) => others.filter((other) => roles.get(other) === role);
    const successor = [...byRole("moderator"), ...byRole("member")].at(0);
    if (byRole("owner").length > 0 || successor === undefined) return;
    await rooms.setRole({ user }, { id: this.#newId(), room, user: successor, role: "owner" });
  }

  #newId(): string {
    return createMessageId(this.#options.clock.now());
  }
}
