import type { Room } from "../../core/rooms/room.ts";
import type { DroppedInvitation, RoomRecord, RoomStore } from "../../core/rooms/room_store.ts";
import type { ShortAddress } from "../../core/rooms/short_address.ts";
import { roleCodes } from "../shared/codes.ts";
import { type MemberRow, toRoomRecord } from "../shared/room_record.ts";
import { type RoomRow, toRoom } from "../shared/room_row.ts";
import { isUnblocked, openEnd } from "../shared/visibility.ts";
import type { Database } from "./connection/database.ts";
import { logHead } from "./log/log_head.ts";

/** Entries to erase in the same transaction as their room. */
const entriesErasedWithRoom = 20;

// Ids of rooms begin with "+"; "," is the next character.
const isRoom = "c.name > '+' AND c.name < ','";
const isMember = `m.role <= ${roleCodes.owner}`;
const saysReads = "u.read_receipts = 1";
const roomColumns =
  "r.conversation, c.name AS id, r.name, r.topic, r.public, r.history_visible, r.mention_all, r.created_at, r.members";
const userNamed = (name: string) => `(SELECT u.id FROM "user" u WHERE u.name = ${name})`;
const people = `
  SELECT json_agg(json_build_object('name', u.name, 'role', m.role,
    'firstSeq', (SELECT s.first_seq FROM span s
      WHERE s."user" = m."user" AND s.conversation = m.conversation AND s.last_seq = ${openEnd}),
    'inviter', (SELECT i.name FROM "user" i WHERE i.id = m.inviter)))
  FROM member m JOIN "user" u ON u.id = m."user"
  WHERE m.conversation = r.conversation AND m.role <> ${roleCodes.left}`;

export const roomStatements = {
  // One statement, so that the room, its people and the head are of the same time.
  find: `
    SELECT ${roomColumns}, ${logHead} AS "asOf", (${people}) AS people
    FROM conversation c JOIN room r ON r.conversation = c.id WHERE c.name = $1`,
  findPublic: `
    SELECT c.name AS id FROM room r JOIN conversation c ON c.id = r.conversation WHERE r.public = 1 AND r.name = $1`,
  findStarting: `
    SELECT c.name AS id FROM conversation c JOIN room r ON r.conversation = c.id
    WHERE c.name >= $2 AND c.name < $3 AND r.name = $1 LIMIT 100`,
  // The rooms of the user are fewer than those of a name, which anybody may create. Scalar sub-selects look each up.
  findStartingFor: `
    SELECT c.name AS id FROM member m
      JOIN LATERAL (SELECT c.name FROM conversation c WHERE c.id = m.conversation LIMIT 1) c ON true
    WHERE m."user" = ${userNamed("$1")} AND m.room = 1 AND c.name >= $3 AND c.name < $4
      AND (SELECT r.name FROM room r WHERE r.conversation = m.conversation LIMIT 1) = $2
      AND (${isMember} OR (m.role = ${roleCodes.invited}
        AND ${isUnblocked(userNamed("$1"), "m.inviter", openEnd.toString())}))
    UNION
    SELECT c.name FROM conversation c WHERE c.name >= $3 AND c.name < $4
      AND c.id = (SELECT r.conversation FROM room r WHERE r.public = 1 AND r.name = $2)`,
  // Ignores the case of ASCII, which is all that names of rooms have.
  listPublic: `
    SELECT ${roomColumns} FROM room r JOIN conversation c ON c.id = r.conversation
    WHERE r.public = 1 AND r.name > $1 AND (
      position(lower($2::text COLLATE "C") IN r.name) > 0
      OR position(lower($2::text COLLATE "C") IN lower(convert_from(r.topic, 'UTF8') COLLATE "C")) > 0)
    ORDER BY r.name LIMIT $3`,
  list: `
    SELECT ${roomColumns} FROM conversation c JOIN room r ON r.conversation = c.id
    WHERE ${isRoom} AND c.name > $1 ORDER BY c.name LIMIT $2`,
  count: `
    SELECT
      (SELECT count(*) FROM room r
       WHERE r.creator = ${userNamed("$1")} AND ((r.members = 0 AND r.created_at > $2) OR (
         SELECT ${isMember} FROM member m WHERE m.conversation = r.conversation AND m."user" = r.creator LIMIT 1)))
       AS created,
      (SELECT count(*) FROM member m WHERE m."user" = ${userNamed("$1")} AND m.room = 1 AND ${isMember}) AS joined`,
  countInvitations: `
    SELECT count(*) AS count FROM member m
    WHERE m."user" = ${userNamed("$1")} AND m.role = ${roleCodes.invited} AND m.inviter = ${userNamed("$2")}`,
  dropInvitations: "SELECT room, inviter FROM drop_invitations_1($1, $2)",
  roomsOf: `
    SELECT c.name AS id FROM member m JOIN conversation c ON c.id = m.conversation
    WHERE m."user" = ${userNamed("$1")} AND m.room = 1 AND (${isMember} OR m.role = ${roleCodes.invited})`,
  deleteRoom: "SELECT delete_room_1($1, $2) AS deleted",
  // Scalar sub-selects look the rows of each room up, also where a join would scan whole tables.
  erased: `
    SELECT c.id FROM conversation c
    WHERE ${isRoom} AND (SELECT 1 FROM room r WHERE r.conversation = c.id) IS NULL AND (
      (SELECT 1 FROM entry e WHERE e.conversation = c.id LIMIT 1) IS NOT NULL
      OR (SELECT 1 FROM reaction r WHERE r.conversation = c.id LIMIT 1) IS NOT NULL)
    LIMIT 1`,
  erase: "SELECT erase_room_1($1, $2) AS count",
  readers: `
    SELECT u.name, count(*) OVER () AS count FROM member m JOIN "user" u ON u.id = m."user"
    WHERE m.conversation = (SELECT c.id FROM conversation c WHERE c.name = $1) AND m.read_seq >= $3
      AND ${isMember} AND ${saysReads} AND u.name <> $4 AND EXISTS (
        SELECT FROM span s
        WHERE s."user" = m."user" AND s.conversation = m.conversation AND s.first_seq <= $3 AND s.last_seq >= $3)
      AND ${isUnblocked(userNamed("$2"), "m.user", openEnd.toString())}
      AND ${isUnblocked("m.user", userNamed("$2"), openEnd.toString())}
    ORDER BY u.name LIMIT $5`,
  readPositions: `
    SELECT m.read_seq AS seq, count(*) AS readers FROM member m JOIN "user" u ON u.id = m."user"
    WHERE m.conversation = (SELECT c.id FROM conversation c WHERE c.name = $1) AND m.read_seq > 0
      AND ${isMember} AND ${saysReads}
    GROUP BY m.read_seq ORDER BY m.read_seq DESC LIMIT $2`,
};

/** Reads and deletes rooms; commits of the message store make and change them. */
export class PostgresRoomStore implements RoomStore {
  readonly #database: Database;
  /** The conversation of the deleted room whose erasure is in progress. */
  #erased: number | undefined;
  readonly #onDeleted: () => void;

  /** @param options.onDeleted called after a room was deleted */
  constructor(database: Database, { onDeleted }: { onDeleted: () => void }) {
    this.#database = database;
    this.#onDeleted = onDeleted;
  }

  async findRoom(id: string): Promise<RoomRecord | undefined> {
    const [row] = await this.#database.read<RoomRow & { asOf: number; people: MemberRow[] | null }>(
      roomStatements.find,
      [id],
    );
    return row && toRoomRecord(row, row.people ?? [], row.asOf);
  }

  async findPublicRoom(name: string): Promise<string | undefined> {
    return (await this.#readIds(roomStatements.findPublic, [name])).at(0);
  }

  async findRoomsStarting({ name, idStart }: ShortAddress): Promise<string[]> {
    return await this.#readIds(roomStatements.findStarting, [name, idStart, afterAll(idStart)]);
  }

  async findRoomsStartingFor(user: string, { name, idStart }: ShortAddress): Promise<string[]> {
    return await this.#readIds(roomStatements.findStartingFor, [user, name, idStart, afterAll(idStart)]);
  }

  async listPublicRooms(
    { query, after, limit }: { query: string; after: string; limit: number },
  ): Promise<Room[]> {
    // Neither names nor topics have it, and text of PostgreSQL cannot.
    if (query.includes("\0")) return [];
    return (await this.#database.read<RoomRow>(roomStatements.listPublic, [after, query, limit])).map(toRoom);
  }

  async listRooms({ after, limit }: { after: string; limit: number }): Promise<Room[]> {
    return (await this.#database.read<RoomRow>(roomStatements.list, [after, limit])).map(toRoom);
  }

  async countRooms(user: string, { emptyAfter }: { emptyAfter: number }): Promise<{ created: number; joined: number }> {
    const [{ created, joined }] = await this.#database.read<{ created: number; joined: number }>(
      roomStatements.count,
      [user, emptyAfter],
    );
    return { created, joined };
  }

  async countInvitations(user: string, inviter: string): Promise<number> {
    const [{ count }] = await this.#database.read<{ count: number }>(roomStatements.countInvitations, [user, inviter]);
    return count;
  }

  async dropInvitations(user: string, { keep }: { keep: number }): Promise<DroppedInvitation[]> {
    const rows = await this.#database.write<DroppedInvitation>(roomStatements.dropInvitations, [user, keep]);
    return rows.map(({ room, inviter }) => ({ room, inviter }));
  }

  async roomsOf(user: string): Promise<string[]> {
    return await this.#readIds(roomStatements.roomsOf, [user]);
  }

  async deleteRoom(id: string): Promise<void> {
    const [{ deleted }] = await this.#database.write<{ deleted: boolean }>(
      roomStatements.deleteRoom,
      [id, entriesErasedWithRoom],
    );
    if (deleted) this.#onDeleted();
  }

  async eraseDeleted(limit: number): Promise<number> {
    for (;;) {
      this.#erased ??= (await this.#database.read<{ id: number }>(roomStatements.erased)).at(0)?.id;
      if (this.#erased === undefined) return 0;
      const [{ count }] = await this.#database.write<{ count: number }>(roomStatements.erase, [this.#erased, limit]);
      if (count > 0) return count;
      this.#erased = undefined;
    }
  }

  async readersOf(
    conversation: string,
    { asker, seq, except, limit }: { asker: string; seq: number; except: string; limit: number },
  ): Promise<{ users: string[]; count: number }> {
    const rows = await this.#database.read<{ name: string; count: number }>(
      roomStatements.readers,
      [conversation, asker, seq, except, limit],
    );
    return { users: rows.map(({ name }) => name), count: rows.at(0)?.count ?? 0 };
  }

  async readPositions(conversation: string, limit: number): Promise<{ seq: number; readers: number }[]> {
    const rows = await this.#database.read<{ seq: number; readers: number }>(
      roomStatements.readPositions,
      [conversation, limit],
    );
    return rows.map(({ seq, readers }) => ({ seq, readers }));
  }

  async #readIds(statement: string, values: readonly string[]): Promise<string[]> {
    return (await this.#database.read<{ id: string }>(statement, values)).map(({ id }) => id);
  }
}

/** Returns a text after all ids that begin so. */
function afterAll(idStart: string): string {
  return `${idStart}~`;
}
