import type { Turn } from "../../core/page_turns.ts";
import type { Room } from "../../core/rooms/room.ts";
import type { DroppedInvitation, RoomRecord, RoomStore } from "../../core/rooms/room_store.ts";
import type { ShortAddress } from "../../core/rooms/short_address.ts";
import { roleCodes } from "../shared/codes.ts";
import { settle } from "../shared/column_values.ts";
import { type MemberRow, toRoomRecord } from "../shared/room_record.ts";
import { type RoomRow, toRoom } from "../shared/room_row.ts";
import type { Database } from "./database.ts";
import { isUnblocked, openEnd } from "../shared/visibility.ts";
import { inTurns, type Steps } from "./steps.ts";

/** Public rooms to examine per step of a search. */
const roomsPerStep = 500;
/** Entries to erase in the same transaction as their room: about ten milliseconds of work. */
const entriesErasedWithRoom = 20;

/** Sorts after all names of rooms. */
const afterAllNames = "~";

// Ids of rooms begin with "+"; "," is the next character.
const isRoom = "c.name > '+' AND c.name < ','";
const isMember = `m.role <= ${roleCodes.owner}`;
const saysReads = "u.read_receipts = 1";
const selectRoom = `
  SELECT r.conversation, c.name AS id, r.name, r.topic, r.public, r.history_visible, r.mention_all, r.created_at,
    r.members
  FROM conversation c CROSS JOIN room r ON r.conversation = c.id`;
const invited = "(SELECT id FROM user WHERE name = :name)";
const asker = "(SELECT id FROM user WHERE name = :asker)";
const readers = `
  FROM conversation c CROSS JOIN member m ON m.conversation = c.id CROSS JOIN user u ON u.id = m.user
  WHERE c.name = :conversation AND m.read_seq >= :seq AND ${isMember} AND ${saysReads} AND u.name <> :except AND EXISTS (
    SELECT 1 FROM span s
    WHERE s.user = m.user AND s.conversation = c.id AND s.first_seq <= :seq AND s.last_seq >= :seq)
    AND ${isUnblocked(asker, "m.user", openEnd.toString())} AND ${isUnblocked("m.user", asker, openEnd.toString())}`;

function prepareStatements(database: Database) {
  return {
    find: database.prepare(`${selectRoom} WHERE c.name = ?`),
    roles: database.prepare(
      `SELECT u.name, m.role, s.first_seq AS firstSeq, (SELECT i.name FROM user i WHERE i.id = m.inviter) AS inviter
       FROM member m CROSS JOIN user u ON u.id = m.user
         LEFT JOIN span s ON s.user = m.user AND s.conversation = m.conversation AND s.last_seq = ${openEnd}
       WHERE m.conversation = ? AND m.role <> ${roleCodes.left}`,
    ),
    findPublic: database.prepare(
      `SELECT c.name AS id FROM room r CROSS JOIN conversation c ON c.id = r.conversation WHERE r.public = 1 AND r.name = ?`,
    ),
    findStarting: database.prepare(
      `SELECT c.name AS id FROM conversation c CROSS JOIN room r ON r.conversation = c.id
       WHERE c.name >= :from AND c.name < :to AND r.name = :name LIMIT 100`,
    ),
    // The rooms of the user are fewer than those of a name, which anybody may create.
    findStartingFor: database.prepare(
      `SELECT c.name AS id FROM member m CROSS JOIN conversation c ON c.id = m.conversation
         CROSS JOIN room r ON r.conversation = c.id
       WHERE m.user = ${asker} AND m.room = 1 AND c.name >= :from AND c.name < :to AND r.name = :name
         AND (${isMember} OR (m.role = ${roleCodes.invited}
           AND ${isUnblocked(asker, "m.inviter", openEnd.toString())}))`,
    ),
    listPublic: database.prepare(
      `SELECT r.conversation, c.name AS id, r.name, r.topic, r.public, r.history_visible, r.mention_all, r.created_at,
         r.members
       FROM room r CROSS JOIN conversation c ON c.id = r.conversation
       WHERE r.public = 1 AND r.name > :after AND r.name <= :through
         AND (instr(r.name, lower(:query)) OR instr(lower(CAST(r.topic AS TEXT)), lower(:query)))
       ORDER BY r.name LIMIT +:limit`,
    ),
    publicAfter: database.prepare(
      "SELECT name FROM room WHERE public = 1 AND name > ? ORDER BY name LIMIT 1 OFFSET +?",
    ),
    list: database.prepare(`${selectRoom} WHERE ${isRoom} AND c.name > ? ORDER BY c.name LIMIT +?`),
    countCreated: database.prepare(
      `SELECT count(*) AS count FROM room r
       WHERE r.creator = (SELECT id FROM user WHERE name = :user) AND ((r.members = 0 AND r.created_at > :emptyAfter) OR EXISTS (
         SELECT 1 FROM member m WHERE m.conversation = r.conversation AND m.user = r.creator AND ${isMember}))`,
    ),
    countJoined: database.prepare(
      `SELECT count(*) AS count FROM member m
       WHERE m.user = (SELECT id FROM user WHERE name = ?) AND m.room = 1 AND ${isMember}`,
    ),
    countInvitations: database.prepare(
      `SELECT count(*) AS count FROM member m
       WHERE m.user = (SELECT id FROM user WHERE name = ?) AND m.role = ${roleCodes.invited}
         AND m.inviter = (SELECT id FROM user WHERE name = ?)`,
    ),
    oldInvitations: database.prepare(
      `SELECT m.conversation, c.name AS room, m.user, i.name AS inviter
       FROM member m CROSS JOIN conversation c ON c.id = m.conversation CROSS JOIN user i ON i.id = m.inviter
       WHERE m.user = ${invited} AND m.role = ${roleCodes.invited} AND m.invited_position <= (
         SELECT k.invited_position FROM member k
         WHERE k.user = ${invited} AND k.role = ${roleCodes.invited}
           AND ${isUnblocked(invited, "k.inviter", openEnd.toString())}
         ORDER BY k.invited_position DESC LIMIT 1 OFFSET +:keep)`,
    ),
    becomeLeft: database.prepare(
      `UPDATE member SET role = ${roleCodes.left}, inviter = NULL WHERE conversation = :conversation AND user = :user
         AND EXISTS (SELECT 1 FROM span s WHERE s.user = :user AND s.conversation = :conversation)`,
    ),
    removeMember: database.prepare("DELETE FROM member WHERE conversation = :conversation AND user = :user"),
    roomsOf: database.prepare(
      `SELECT c.name AS id FROM member m CROSS JOIN conversation c ON c.id = m.conversation
       WHERE m.user = (SELECT id FROM user WHERE name = ?) AND m.room = 1
         AND m.role IN (${roleCodes.member}, ${roleCodes.moderator}, ${roleCodes.owner}, ${roleCodes.invited})`,
    ),
    readers: database.prepare(`SELECT u.name ${readers} ORDER BY u.name`),
    readPositions: database.prepare(
      `SELECT m.read_seq AS seq, count(*) AS readers
       FROM conversation c CROSS JOIN member m ON m.conversation = c.id CROSS JOIN user u ON u.id = m.user
       WHERE c.name = ? AND m.read_seq > 0 AND ${isMember} AND ${saysReads}
       GROUP BY m.read_seq ORDER BY m.read_seq DESC LIMIT +?`,
    ),
    removeRoom: database.prepare("DELETE FROM room WHERE conversation = ?"),
    removeRetention: database.prepare("DELETE FROM retention WHERE conversation = ?"),
    removeMembers: database.prepare("DELETE FROM member WHERE conversation = ?"),
    // The keys of both tables begin with the user, so the members are listed.
    removeSpans: database.prepare(
      "DELETE FROM span WHERE conversation = :room AND user IN (SELECT user FROM member WHERE conversation = :room)",
    ),
    removeRoomMentions: database.prepare("DELETE FROM room_mention WHERE conversation = ?"),
    removeMentions: database.prepare(
      "DELETE FROM mention WHERE conversation = :room AND user IN (SELECT user FROM member WHERE conversation = :room)",
    ),
    removePins: database.prepare("DELETE FROM pin WHERE conversation = ?"),
    removeReactions: database.prepare(
      `DELETE FROM reaction WHERE (conversation, seq, emoji, user) IN (
         SELECT conversation, seq, emoji, user FROM reaction WHERE conversation = ? LIMIT +?)`,
    ),
    removeEntries: database.prepare(
      `DELETE FROM entry WHERE position IN (SELECT position FROM entry WHERE conversation = ? ORDER BY seq LIMIT +?)`,
    ),
    erased: database.prepare(
      `SELECT c.id FROM conversation c WHERE ${isRoom} AND NOT EXISTS (SELECT 1 FROM room r WHERE r.conversation = c.id)
         AND (EXISTS (SELECT 1 FROM entry e WHERE e.conversation = c.id)
           OR EXISTS (SELECT 1 FROM reaction r WHERE r.conversation = c.id))
       LIMIT 1`,
    ),
  };
}

/** The room store, in the same database as the message store, whose commits write rooms. */
export class SqliteRoomStore implements RoomStore {
  readonly #database: Database;
  /** The conversation of the deleted room whose erasure is in progress. */
  #erased: number | undefined;
  readonly #onDeleted: () => void;
  readonly #statements: ReturnType<typeof prepareStatements>;

  /** @param options.onDeleted called after a room was deleted, before any other write */
  constructor(database: Database, { onDeleted = () => {} }: { onDeleted?: () => void } = {}) {
    this.#database = database;
    this.#onDeleted = onDeleted;
    this.#statements = prepareStatements(database);
  }

  findRoom(id: string): Promise<RoomRecord | undefined> {
    return settle(() => {
      const row = this.#statements.find.get(id) as unknown as RoomRow | undefined;
      if (!row) return undefined;
      const people = this.#statements.roles.all(row.conversation) as unknown as MemberRow[];
      return toRoomRecord(row, people, this.#database.heads.head);
    });
  }

  findPublicRoom(name: string): Promise<string | undefined> {
    return settle(() => (this.#statements.findPublic.get(name) as { id: string } | undefined)?.id);
  }

  findRoomsStarting({ name, idStart }: ShortAddress): Promise<string[]> {
    return settle(() => {
      const rows = this.#statements.findStarting.all({ name, from: idStart, to: afterAll(idStart) });
      return rows.map(({ id }) => String(id));
    });
  }

  findRoomsStartingFor(asker: string, { name, idStart }: ShortAddress): Promise<string[]> {
    return settle(() => {
      const { findStartingFor, findPublic } = this.#statements;
      const rows = findStartingFor.all({ asker, name, from: idStart, to: afterAll(idStart) });
      const found = new Set(
        [...rows, findPublic.get(name)].flatMap((row) => row === undefined ? [] : [String(row.id)]),
      );
      return [...found].filter((id) => id.startsWith(idStart));
    });
  }

  listPublicRooms(page: { query: string; after: string; limit: number; turn?: Turn }): Promise<Room[]> {
    return inTurns(page.turn, this.#findPublicRooms(page));
  }

  *#findPublicRooms({ query, after, limit }: { query: string; after: string; limit: number }): Steps<Room[]> {
    const { listPublic, publicAfter } = this.#statements;
    const found: Room[] = [];
    for (let last: string | undefined = after; last !== undefined && found.length < limit;) {
      const end: string | undefined = (publicAfter.get(last, roomsPerStep) as { name: string } | undefined)?.name;
      const range = { after: last, through: end ?? afterAllNames };
      found.push(...toRooms(listPublic.all({ query, ...range, limit: limit - found.length })));
      last = end;
      yield;
    }
    return found;
  }

  listRooms({ after, limit }: { after: string; limit: number }): Promise<Room[]> {
    return settle(() => toRooms(this.#statements.list.all(after, limit)));
  }

  countRooms(user: string, { emptyAfter }: { emptyAfter: number }): Promise<{ created: number; joined: number }> {
    const { countCreated, countJoined } = this.#statements;
    return settle(() => ({
      created: toCount(countCreated.get({ user, emptyAfter })),
      joined: toCount(countJoined.get(user)),
    }));
  }

  countInvitations(user: string, inviter: string): Promise<number> {
    return settle(() => toCount(this.#statements.countInvitations.get(user, inviter)));
  }

  dropInvitations(name: string, { keep }: { keep: number }): Promise<DroppedInvitation[]> {
    const { oldInvitations, becomeLeft, removeMember } = this.#statements;
    return settle(() => {
      const old = oldInvitations.all({
        name,
        keep,
      }) as unknown as (DroppedInvitation & { conversation: number; user: number })[];
      if (old.length === 0) return [];
      this.#database.transaction(() => {
        for (const { conversation, user } of old) {
          if (becomeLeft.run({ conversation, user }).changes === 0) removeMember.run({ conversation, user });
        }
      });
      return old.map(({ room, inviter }) => ({ room, inviter }));
    });
  }

  roomsOf(user: string): Promise<string[]> {
    return settle(() => (this.#statements.roomsOf.all(user) as { id: string }[]).map(({ id }) => id));
  }

  /** Deletes a room but keeps the row of its conversation, because positions must never be reused. */
  deleteRoom(id: string): Promise<void> {
    const {
      find,
      removeRoom,
      removeRetention,
      removeSpans,
      removeMentions,
      removeRoomMentions,
      removePins,
      removeMembers,
      removeEntries,
    } = this.#statements;
    return settle(() => {
      this.#database.writeHeads();
      const isDeleted = this.#database.transaction(() => {
        const row = find.get(id) as unknown as RoomRow | undefined;
        if (!row) return false;
        removeSpans.run({ room: row.conversation });
        removeMentions.run({ room: row.conversation });
        removeRoomMentions.run(row.conversation);
        removePins.run(row.conversation);
        removeMembers.run(row.conversation);
        removeRetention.run(row.conversation);
        removeRoom.run(row.conversation);
        // Includes the first entry, so that the request that created the room does not count as a duplicate.
        removeEntries.run(row.conversation, entriesErasedWithRoom);
        return true;
      });
      if (isDeleted) this.#onDeleted();
    });
  }

  eraseDeleted(limit: number): Promise<number> {
    return settle(() => {
      for (;;) {
        this.#erased ??= (this.#statements.erased.get() as { id: number } | undefined)?.id;
        const conversation = this.#erased;
        if (conversation === undefined) return 0;
        const count = this.#database.transaction(() => this.#erase(conversation, limit));
        if (count > 0) return count;
        this.#erased = undefined;
      }
    });
  }

  readersOf(
    conversation: string,
    { asker, seq, except, limit }: { asker: string; seq: number; except: string; limit: number },
  ): Promise<{ users: string[]; count: number }> {
    return settle(() => {
      const rows = this.#statements.readers.all({ conversation, asker, seq, except }) as { name: string }[];
      return { users: rows.slice(0, limit).map(({ name }) => name), count: rows.length };
    });
  }

  readPositions(conversation: string, limit: number): Promise<{ seq: number; readers: number }[]> {
    return settle(() => {
      const rows = this.#statements.readPositions.all(conversation, limit) as { seq: number; readers: number }[];
      return rows.map(({ seq, readers }) => ({ seq, readers }));
    });
  }

  /** @returns the number of removed reactions or entries */
  #erase(conversation: number, limit: number): number {
    const { removeReactions, removeEntries } = this.#statements;
    const reactions = Number(removeReactions.run(conversation, limit).changes);
    return reactions > 0 ? reactions : Number(removeEntries.run(conversation, limit).changes);
  }
}

function toRooms(rows: unknown[]): Room[] {
  return (rows as RoomRow[]).map(toRoom);
}

/** Returns a text after all ids that begin so. */
function afterAll(idStart: string): string {
  return `${idStart}~`;
}

function toCount(row: unknown): number {
  return (row as { count: number }).count;
}
