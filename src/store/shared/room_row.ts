import type { Room } from "../../core/rooms/room.ts";
import { toMemberRole } from "./codes.ts";
import { decodeText } from "./column_values.ts";

/** The columns of a room without its names. */
export interface RoomColumns {
  readonly topic: Uint8Array;
  readonly public: number;
  readonly history_visible: number;
  readonly mention_all: number;
  readonly created_at: number;
  readonly members: number;
}

/** A room as it is read from the database. */
export interface RoomRow extends RoomColumns {
  readonly conversation: number;
  readonly id: string;
  readonly name: string;
}

export function toRoom(row: Omit<RoomRow, "conversation">): Room {
  return {
    id: row.id,
    name: row.name,
    topic: decodeText(row.topic),
    isPublic: row.public !== 0,
    historyVisible: row.history_visible !== 0,
    mentionAll: toMemberRole(row.mention_all),
    memberCount: row.members,
    createdAt: row.created_at,
  };
}
