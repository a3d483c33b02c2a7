import { ChatError } from "../chat_error.ts";
import type { Log } from "../log.ts";
import type { StateRevisions } from "../people/state_revisions.ts";
import { isRoomId, parseRoomName, type Room } from "./room.ts";
import type { RoomCache } from "./room_cache.ts";
import { parseShortAddress } from "./short_address.ts";
import type { RoomState } from "./room_state.ts";
import type { RoomStore } from "./room_store.ts";
import type { RoomMember } from "./rooms.ts";

export interface RoomKeeperOptions {
  readonly cache: RoomCache;
  readonly store: RoomStore;
  readonly revisions: StateRevisions;
  readonly log: Log;
  /** Returns whether `user` is in the room, or invited by a user that they do not block. */
  isInvolved(user: string, room: RoomState): boolean;
  /** Erases entries of deleted rooms. Resolves when they are erased or that failed; never rejects. */
  erase(): Promise<void>;
}

/** The operator's actions on rooms, including private ones. */
export class RoomKeeper {
  readonly #options: RoomKeeperOptions;

  constructor(options: RoomKeeperOptions) {
    this.#options = options;
  }

  /** Lists rooms by id; only ids after `after` ("" for all), at most `limit`. */
  async list(page: { after: string; limit: number }): Promise<Room[]> {
    return await this.#options.store.listRooms(page);
  }

  /**
   * Returns a room with its members, invited and banned users, by name.
   * @throws {ChatError} `not_found`, `invalid_argument`
   */
  async show(address: string): Promise<{ room: Room; people: RoomMember[] }> {
    const state = await this.#find(address);
    const people = [...state.roles].map(([user, role]) => ({ user, role }));
    return { room: state.room, people: people.sort((one, other) => one.user < other.user ? -1 : 1) };
  }

  /**
   * Deletes a room with its log; members lose it at once.
   * @returns the room as it was. `erased` resolves when its log is removed from disk, or when that failed or the server
   * stops; a later run then resumes
   * @throws {ChatError} `not_found`, `invalid_argument`, `storage_full`
   */
  async delete(address: string): Promise<{ room: Room; erased: Promise<void> }> {
    const { cache, store, revisions, log, isInvolved, erase } = this.#options;
    const state = await this.#find(address);
    const { room } = state;
    const members = [...state.roles.keys()].filter((user) => isInvolved(user, state));
    await store.deleteRoom(room.id);
    cache.forget(room);
    log.info("room deleted", { room: room.id, name: room.name, members: room.memberCount });
    for (const member of members) revisions.changed(member, room.id);
    return { room, erased: erase() };
  }

  async #find(address: string): Promise<RoomState> {
    const { cache } = this.#options;
    const short = parseShortAddress(address);
    const found = short !== undefined
      ? await cache.findStarting(short)
      : [isRoomId(address) ? await cache.find(address) : await cache.findPublic(parseRoomName(address))];
    if (found.length > 1) {
      throw new ChatError("invalid_argument", `${found.length} rooms begin with "${address}": write more of the id.`);
    }
    const [state] = found;
    if (state !== undefined) return state;
    throw new ChatError("not_found", `There is no room "${address}": list the rooms to see their ids.`);
  }
}
