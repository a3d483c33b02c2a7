import { operator } from "../audit/audit.ts";
import { ChatError } from "../chat_error.ts";
import type { Clock } from "../clock.ts";
import type { DeletedAccounts } from "../limits.ts";
import { createMessageId } from "../messages/message_id.ts";
import type { RoomStore } from "../rooms/room_store.ts";
import type { Rooms } from "../rooms/rooms.ts";
import type { Accounts, Identity } from "./accounts.ts";

/** How often a room is tried to be left whose members change meanwhile. */
const tries = 5;

export interface AccountDeletionOptions {
  readonly accounts: Accounts;
  readonly rooms: Rooms;
  readonly store: Pick<RoomStore, "roomsOf">;
  readonly clock: Clock;
  /** What becomes of the messages. */
  readonly mode: DeletedAccounts;
  /** Nobody has this name any more, but `alias`: what is remembered of it is wrong. */
  onGone(name: string, alias: string): void;
  /** There are messages to be blanked. */
  onErase(): void;
}

/** Deletes accounts: out of all rooms, for ever logged out, and the name nobody's any more. */
export class AccountDeletion {
  readonly #options: AccountDeletionOptions;

  constructor(options: AccountDeletionOptions) {
    this.#options = options;
  }

  /** Of who asks. @throws {ChatError} `permission_denied` when the password is wrong; `invalid_argument`, `rate_limited`, `busy`, `storage_full` */
  async deleteOwn(identity: Identity, password: string): Promise<void> {
    await this.#options.accounts.confirmPassword(identity, password);
    await this.#delete(identity.user, { actor: identity.user, mode: this.#options.mode });
  }

  /** For the operator, who may say what becomes of the messages. @throws {ChatError} `not_found`, `busy`, `storage_full` */
  async delete(name: string, mode: DeletedAccounts = this.#options.mode): Promise<void> {
    await this.#delete(name, { actor: operator, mode });
  }

  async #delete(name: string, { actor, mode }: { actor: string; mode: DeletedAccounts }): Promise<void> {
    const { accounts, store, onGone, onErase } = this.#options;
    for (const room of await store.roomsOf(name)) await this.#leave(name, room);
    const alias = await accounts.deleteUser(name, { actor, erase: mode === "erase" });
    onGone(name, alias);
    if (mode === "erase") onErase();
    // Until now their sessions could still bring them into others.
    for (const room of await store.roomsOf(alias)) await this.#leave(alias, room);
  }

  async #leave(user: string, room: string): Promise<void> {
    const { rooms } = this.#options;
    for (let left = tries;; left--) {
      try {
        await this.#giveAway(user, room);
        await rooms.leave({ user }, { id: this.#newId(), room });
        return;
      } catch (error) {
        if (!(error instanceof ChatError)) throw error;
        // Removed meanwhile, or the room is gone.
        if (error.code === "not_found") return;
        // Whoever was to own it left meanwhile.
        if (error.code !== "permission_denied" || left === 0) throw error;
      }
    }
  }

  /** A room with others in it has an owner: a moderator, or somebody. */
  async #giveAway(user: string, room: string): Promise<void> {
    const { rooms } = this.#options;
    const members = await rooms.members(user, room, { after: "", limit: Number.MAX_SAFE_INTEGER });
    const byRole = (role: string) => members.filter((member) => member.role === role && member.user !== user);
    const isOwner = members.some((member) => member.user === user && member.role === "owner");
    const heir = [...byRole("moderator"), ...byRole("member")].at(0);
    if (!isOwner || byRole("owner").length > 0 || heir === undefined) return;
    await rooms.setRole({ user }, { id: this.#newId(), room, user: heir.user, role: "owner" });
  }

  #newId(): string {
    return createMessageId(this.#options.clock.now());
  }
}
