import type { Room, RoomRole } from "./room.ts";

/** A room with everybody that it has to do with, except those who left. */
export interface RoomRecord extends Omit<Room, "memberCount"> {
  readonly roles: ReadonlyMap<string, RoomRole>;
}

/** Rooms on disk, for reading: what changes them are the events of their logs, see `MessageStore.commit`. */
export interface RoomStore {
  findRoom(id: string): Promise<RoomRecord | undefined>;

  /** The id of the public room with this name. */
  findPublicRoom(name: string): Promise<string | undefined>;

  /** By name; those with `query` in their name or topic ("" for all), only names after `after` ("" for all), at most `limit`. */
  listPublicRooms(page: { query: string; after: string; limit: number }): Promise<Room[]>;

  /** All rooms, for the operator: by id; only ids after `after`, at most `limit`. */
  listRooms(page: { after: string; limit: number }): Promise<Room[]>;

  /** How many rooms somebody made that still have members, and in how many they are or may be. */
  countRooms(user: string): Promise<{ created: number; joined: number }>;

  /** Erases a room with all of its log. */
  deleteRoom(id: string): Promise<void>;

  /** Who has read `seq` or further, by name, without those who don't say; at most `limit`, and how many there are. */
  readersOf(conversation: string, seq: number, limit: number): Promise<{ users: string[]; count: number }>;

  /** How far the members are who say what they read: for each seq that somebody read up to, how many did, highest first, at most `limit`. */
  readPositions(conversation: string, limit: number): Promise<{ seq: number; readers: number }[]>;
}
