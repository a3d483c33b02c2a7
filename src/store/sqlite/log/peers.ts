import { directConversation } from "../../../core/messages/message.ts";
import { roleCodes } from "../codes.ts";
import type { Database } from "../database.ts";
import { openEnd } from "./visibility.ts";

/** Members of larger rooms do not see each other's presence, because each change would be sent to all members. */
const maxRoomOfPeers = 100;

function prepareStatements(database: Database) {
  return {
    countDirects: database.prepare(
      "SELECT count(*) AS count FROM (SELECT 1 FROM member WHERE user = ? AND room = 0 LIMIT +?)",
    ),
    directs: database.prepare(
      `SELECT u.name FROM member mine CROSS JOIN member m ON m.conversation = mine.conversation
       CROSS JOIN user u ON u.id = m.user WHERE mine.user = ? AND mine.room = 0`,
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
  among(user: string, userId: number, others: readonly string[]): string[] {
    const candidates = others.filter((other) => other !== user);
    const peers = this.#directPeers(user, userId, candidates);
    const strangers = candidates.filter((other) => !peers.has(other));
    for (const other of this.#roomPeers(userId, strangers)) peers.add(other);
    return candidates.filter((other) => peers.has(other));
  }

  #directPeers(user: string, userId: number, others: readonly string[]): Set<string> {
    const { countDirects, directs, existing } = this.#statements;
    const { count } = countDirects.get(userId, others.length + 1) as { count: number };
    if (count <= others.length) return names(directs.all(userId));
    const conversations = JSON.stringify(others.map((other) => directConversation(user, other)));
    return new Set(existing.all(conversations).map(({ place }) => others[place as number]));
  }

  #roomPeers(userId: number, others: readonly string[]): Set<string> {
    const { rooms, members, isMember } = this.#statements;
    const found = new Set<string>();
    for (const room of rooms.all(userId) as { conversation: number; members: number }[]) {
      if (room.members <= others.length) names(members.all(room.conversation)).forEach((name) => found.add(name));
      else others.filter((other) => isMember.get(room.conversation, other)).forEach((name) => found.add(name));
    }
    return found;
  }
}

function names(rows: unknown[]): Set<string> {
  return new Set((rows as { name: string }[]).map(({ name }) => name));
}
