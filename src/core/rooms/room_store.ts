import type { Turn } from "../page_turns.ts";
import type { CurrentRole, Room } from "./room.ts";

/** A room with everybody that it has to do with, except those who left. */
export interface RoomRecord extends Omit<Room, "memberCount"> {
  readonly roles: ReadonlyMap<string, CurrentRole>;
  /** By whom, for each user who is invited. */
  readonly inviters: ReadonlyMap<string, string>;
  /** The first seq that members see, of those who do not see all. */
  readonly firstSeqs: ReadonlyMap<string, number>;
}

export interface DroppedInvitation {
  /** The room's id. */
  readonly room: string;
  readonly inviter: string;
}

/**
 * Rooms on disk, for reading: what changes them are the events of their logs, see `MessageStore.commit`.
 *
 * @example
 * ```ts
 * // Returns the members of a public room, by its name.
 * async function membersOf(store: RoomStore, name: string): Promise<string[]> {
 *   const id = await store.findPublicRoom(name);
 *   const room = id === undefined ? undefined : await store.findRoom(id);
 *   return room === undefined ? [] : [...room.roles.keys()];
 * }
 * ```
 */
export interface RoomStore {
  findRoom(id: string): Promise<RoomRecord | undefined>;

  /** The id of the public room with this name. */
  findPublicRoom(name: string): Promise<string | undefined>;

  /** By name; those with `query` in their name or topic ("" for all, A as a), only names after `after` ("" for all), at most `limit`. */
  listPublicRooms(page: { query: string; after: string; limit: number; turn?: Turn }): Promise<Room[]>;

  /** All rooms, for the operator: by id; only ids after `after`, at most `limit`. */
  listRooms(page: { after: string; limit: number }): Promise<Room[]>;

  /**
   * How many rooms a user is in, and how many of those that they created count: those that they are in, and those that were
   * created after `emptyAfter` and have no members.
   */
  countRooms(user: string, options: { emptyAfter: number }): Promise<{ created: number; joined: number }>;

  /** How many open invitations `user` has from `inviter`. */
  countInvitations(user: string, inviter: string): Promise<number>;

  /**
   * Drops open invitations of a user once there are `keep` newer ones by people whom the user does not block.
   * @throws {ChatError} `storage_full`
   */
  dropInvitations(user: string, options: { keep: number }): Promise<DroppedInvitation[]>;

  /** The ids of those that somebody is in, or is invited to. */
  roomsOf(user: string): Promise<string[]>;

  /** Deletes a room for those who were in it. Its log is left to {@link eraseDeleted}; its id stays used. */
  deleteRoom(id: string): Promise<void>;

  /** Removes at most `limit` entries or reactions of rooms that were deleted. @returns how many; 0 when nothing is left. */
  eraseDeleted(limit: number): Promise<number>;

  /**
   * Who of those who are in it now has read `seq` or further and may see it, by name, without `except`, those who don't say, and those
   * who block `asker` or are blocked by them; at most `limit`, and how many there are.
   */
  readersOf(
    conversation: string,
    readers: { asker: string; seq: number; except: string; limit: number },
  ): Promise<{ users: string[]; count: number }>;

  /** How far the members are who say what they read: for each seq that somebody read up to, how many did, highest first, at most `limit`. */
  readPositions(conversation: string, limit: number): Promise<{ seq: number; readers: number }[]>;
}
