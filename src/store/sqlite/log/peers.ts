import { directConversation } from "../../../core/messages/message.ts";
import { maxRoomOfPeers, type UserSet } from "../../../core/messages/message_store.ts";
import { roleCodes } from "../../shared/codes.ts";
import type { Database } from "../database.ts";
import { openEnd } from "../../shared/visibility.ts";

/** Direct conversations that are listed without counting them first: few users have more. */
const mostUncounted = 100;
const noLimit = -1;

/** The rows `mine` of a user, one for each direct conversation. */
const isOwnDirect = "mine.user = ? AND mine.room = 0";

interface Search {
  readonly userId: number;
  readonly others: UserSet;
}

function prepareStatements(database: Database) {
  return {
    directs: database.prepare(
      `SELECT u.name FROM member mine CROSS JOIN member m ON m.conversation = mine.conversation
       CROSS JOIN user u ON u.id = m.user WHERE ${isOwnDirect} AND m.user <> mine.user LIMIT +?`,
    ),
    countDirects: database.prepare(
      `SELECT count(*) AS count FROM (SELECT 1 FROM member mine WHERE ${isOwnDirect} LIMIT +?)`,
    ),
    existing: database.prepare(
      "SELECT given.key AS place FROM json_each(?) given WHERE EXISTS (SELECT 1 FROM conversation WHERE name = given.value)",
    ),
    rooms: database.prepare(
      `SELECT r.conversation, r.members FROM span s CROSS JOIN room r ON r.conversation = s.conversation
       WHERE s.user = ? AND s.room = 1 AND s.last_position = ${openEnd} AND r.members BETWEEN 2 AND ${maxRoomOfPeers}`,
    ),
    members: database.prepare(
      `SELECT u.name FROM member m CROSS JOIN user u ON u.id = m.user
       WHERE m.conversation = ? AND m.role <= ${roleCodes.owner}`,
    ),
    isMember: database.prepare(
      `SELECT 1 FROM member WHERE conversation = ? AND user = (SELECT id FROM user WHERE name = ?)
       AND role <= ${roleCodes.owner}`,
    ),
  };
}

/** Finds peers: users with a direct conversation, and members of the same small room. */
export class Peers {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database) {
    this.#statements = prepareStatements(database);
  }

  /** Returns those of `others` who are peers of `user`, whose key is `userId`. */
  among(user: string, userId: number, others: UserSet): string[] {
    const found = new Set<string>();
    this.#addDirectPeers(found, { user, userId, others });
    this.#addRoomPeers(found, { userId, others });
    found.delete(user);
    return [...found];
  }

  #addDirectPeers(found: Set<string>, { user, userId, others }: Search & { user: string }): void {
    const { directs, existing } = this.#statements;
    const limit = Math.min(others.size, mostUncounted);
    const rows = directs.all(userId, limit + 1);
    if (rows.length <= limit) return addNames(found, rows, others);
    if (this.#hasFewerDirects(userId, others)) return addNames(found, directs.all(userId, noLimit), others);
    const names = [...others.keys()];
    const conversations = JSON.stringify(names.map((other) => directConversation(user, other)));
    for (const { place } of existing.all(conversations)) found.add(names[place as number]);
  }

  #hasFewerDirects(userId: number, { size }: UserSet): boolean {
    if (size <= mostUncounted) return false;
    const { count } = this.#statements.countDirects.get(userId, size + 1) as { count: number };
    return count <= size;
  }

  #addRoomPeers(found: Set<string>, { userId, others }: Search): void {
    const { rooms, members, isMember } = this.#statements;
    for (const room of rooms.all(userId) as { conversation: number; members: number }[]) {
      if (room.members <= others.size) addNames(found, members.all(room.conversation), others);
      else {
        for (const other of others.keys()) {
          if (!found.has(other) && isMember.get(room.conversation, other)) found.add(other);
        }
      }
    }
  }
}

/** Adds the names in rows that are among `others`. */
function addNames(found: Set<string>, rows: unknown[], others: UserSet): void {
  for (const { name } of rows as { name: string }[]) if (others.has(name)) found.add(name);
}
