import type { CurrentRole } from "../../core/rooms/room.ts";
import type { RoomRecord } from "../../core/rooms/room_store.ts";
import { toRole } from "./codes.ts";
import { type RoomRow, toRoom } from "./room_row.ts";

/** A user with a role in a room, as it is read from the database. */
export interface MemberRow {
  readonly name: string;
  readonly role: number;
  /** The start of the user's open span; null without one. */
  readonly firstSeq: number | null;
  readonly inviter: string | null;
}

export function toRoomRecord(row: RoomRow, people: readonly MemberRow[], asOf: number): RoomRecord {
  const { memberCount: _, ...room } = toRoom(row);
  return {
    ...room,
    asOf,
    roles: new Map(people.map(({ name, role }) => [name, toRole(role) as CurrentRole])),
    inviters: new Map(people.flatMap(({ name, inviter }) => inviter === null ? [] : [[name, inviter]])),
    firstSeqs: new Map(
      people.flatMap(({ name, firstSeq }) => firstSeq !== null && firstSeq > 1 ? [[name, firstSeq]] : []),
    ),
  };
}
