import type { Turn } from "../page_turns.ts";
import type { CurrentRole, Room } from "./room.ts";
import type { ShortAddress } from "./short_address.ts";

/** A room with its members, invited and banned users. */
export interface RoomRecord extends Omit<Room, "memberCount"> {
  readonly roles: ReadonlyMap<string, CurrentRole>;
  /** The inviter of each invited user. */
  readonly inviters: ReadonlyMap<string, string>;
  /** The first visible seq of each member who does not see the whole log. */
  readonly firstSeqs: ReadonlyMap<string, number>;
  /** The position of the log that the record is of: it has all changes of the room up to there, and no later ones. */
  readonly asOf: number;
}

export interface DroppedInvitation {
  /** The room's id. */
  readonly room: string;
  readonly inviter: string;
}

/**
 * Rooms on disk, for reading: events of their logs change them, see `MessageStore.commit`.
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

  /** Returns the id of the public room with this name. */
  findPublicRoom(name: string): Promise<string | undefined>;

  /** Returns the ids of at most 100 rooms, public or not, with this name and beginning of their id. */
  findRoomsStarting(short: ShortAddress): Promise<string[]>;

  /**
   * Returns the ids of the rooms with this name and beginning of their id that a user may see: public ones, those that
   * they are in, and those to which they are invited by a user that they do not block.
   */
  findRoomsStartingFor(user: string, short: ShortAddress): Promise<string[]>;

  /**
   * Lists public rooms by name; only those with `query` in their name or topic ("" for all, ignoring case) and names
   * after `after` ("" for all), at most `limit`.
   */
  listPublicRooms(page: { query: string; after: string; limit: number; turn?: Turn }): Promise<Room[]>;

  /** Lists all rooms by id, for the operator; only ids after `after`, at most `limit`. */
  listRooms(page: { after: string; limit: number }): Promise<Room[]>;

  /**
   * Counts the rooms that a user is in, and the rooms that count as created by them: those that they are in, and those
   * created after `emptyAfter` that have no members.
   */
  countRooms(user: string, options: { emptyAfter: number }): Promise<{ created: number; joined: number }>;

  /** Counts the open invitations of `user` by `inviter`. */
  countInvitations(user: string, inviter: string): Promise<number>;

  /**
   * Drops a user's open invitations that have `keep` newer ones by users that the user does not block.
   * @throws {ChatError} `storage_full`
   */
  dropInvitations(user: string, options: { keep: number }): Promise<DroppedInvitation[]>;

  /** Returns the ids of rooms that the user is in or invited to. */
  roomsOf(user: string): Promise<string[]>;

  /** Deletes a room for its members. {@link eraseDeleted} removes its log; its id stays reserved. */
  deleteRoom(id: string): Promise<void>;

  /**
   * Removes at most `limit` entries or reactions of deleted rooms.
   * @returns the number removed; 0 when none are left
   */
  eraseDeleted(limit: number): Promise<number>;

  /**
   * Returns the current members who have read `seq`, by name, at most `limit`, and their number. Leaves out `except`,
   * members who may not see that entry or hide read receipts, and members who block `asker` or are blocked by them.
   */
  readersOf(
    conversation: string,
    readers: { asker: string; seq: number; except: string; limit: number },
  ): Promise<{ users: string[]; count: number }>;

  /**
   * Returns how many members have read up to each seq, highest first, at most `limit`. Leaves out members who hide read
   * receipts.
   */
  readPositions(conversation: string, limit: number): Promise<{ seq: number; readers: number }[]>;
}
