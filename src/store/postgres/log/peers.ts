import { directConversation } from "../../../core/messages/message.ts";
import { maxRoomOfPeers, type UserSet } from "../../../core/messages/message_store.ts";
import { roleCodes } from "../../shared/codes.ts";
import { openEnd } from "../../shared/visibility.ts";
import type { Database } from "../connection/database.ts";

/** Direct conversations that are listed without counting them first: few users have more. */
const mostUncounted = 100;

interface NameRow {
  readonly name: string;
}

/** SQL for the keys of rooms of the user $1 with a number of members. */
function roomsOf(members: string): string {
  return `(
  SELECT s.conversation FROM span s CROSS JOIN LATERAL (
    SELECT r.members FROM room r WHERE r.conversation = s.conversation LIMIT 1) r
  WHERE s.user = $1 AND s.room = 1 AND s.last_position = ${openEnd} AND r.members ${members})`;
}

/** The ORDER BYs are those of indexes, which they have the planner use. */
export const peerStatements = {
  /** Up to $2 other users of direct conversations of $1; all if $2 is null. */
  directs: `
SELECT (SELECT u.name FROM "user" u WHERE u.id = other.user) AS name
FROM member mine CROSS JOIN LATERAL (
  SELECT m.user FROM member m WHERE m.conversation = mine.conversation AND m.user <> mine.user LIMIT 1) other
WHERE mine.user = $1 AND mine.room = 0 ORDER BY mine.head_position LIMIT $2`,
  countDirects: `
SELECT count(*) AS count
FROM (SELECT 1 FROM member mine WHERE mine.user = $1 AND mine.room = 0 ORDER BY mine.head_position LIMIT $2) directs`,
  /** The places, from 1, of the names of conversations that exist. */
  existing: `
SELECT given.place FROM unnest($1::text[]) WITH ORDINALITY given (name, place)
WHERE (SELECT 1 FROM conversation c WHERE c.name = given.name LIMIT 1) IS NOT NULL`,
  /** The members of rooms of $1 with 2 to $2 members. */
  roomMates: `
SELECT DISTINCT (SELECT u.name FROM "user" u WHERE u.id = m.user) AS name
FROM ${roomsOf("BETWEEN 2 AND $2")} r CROSS JOIN LATERAL (
  SELECT m.user FROM member m WHERE m.conversation = r.conversation AND m.role <= ${roleCodes.owner} OFFSET 0) m`,
  /** Those of the names $2 who are members of rooms of $1 with $3 to $4 members. */
  membersAmong: `
SELECT DISTINCT given.name
FROM ${roomsOf("BETWEEN $3 AND $4")} r CROSS JOIN (
  SELECT given.name, (SELECT u.id FROM "user" u WHERE u.name = given.name) AS id FROM unnest($2::text[]) given (name)
) given CROSS JOIN LATERAL (
  SELECT 1 FROM member m WHERE m.conversation = r.conversation AND m.user = given.id AND m.role <= ${roleCodes.owner}
  LIMIT 1) member`,
} as const;

/** Finds peers: users with a direct conversation, and members of the same small room. */
export class Peers {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Returns those of `others` who are peers of `user`, whose key is `key`. */
  async among({ name, key }: { name: string; key: number }, others: UserSet): Promise<string[]> {
    if (others.size === 0) return [];
    const found = new Set([
      ...await this.#directPeers({ name, key }, others),
      ...await this.#roomPeers(key, others),
    ]);
    found.delete(name);
    return [...found];
  }

  async #directPeers({ name, key }: { name: string; key: number }, others: UserSet): Promise<string[]> {
    const limit = Math.min(others.size, mostUncounted);
    const names = await this.#names(peerStatements.directs, [key, limit + 1]);
    if (names.length <= limit) return among(names, others);
    if (await this.#hasFewerDirects(key, others)) {
      return among(await this.#names(peerStatements.directs, [key, null]), others);
    }
    const given = [...others.keys()];
    const conversations = given.map((other) => directConversation(name, other));
    const rows = await this.#database.read<{ place: number }>(peerStatements.existing, [conversations]);
    return rows.map(({ place }) => given[place - 1]);
  }

  async #hasFewerDirects(key: number, { size }: UserSet): Promise<boolean> {
    if (size <= mostUncounted) return false;
    const [{ count }] = await this.#database.read<{ count: number }>(peerStatements.countDirects, [key, size + 1]);
    return count <= size;
  }

  async #roomPeers(key: number, others: UserSet): Promise<string[]> {
    const small = Math.min(others.size, maxRoomOfPeers);
    const mates = among(await this.#names(peerStatements.roomMates, [key, small]), others);
    if (small === maxRoomOfPeers) return mates;
    const given = [...others.keys()];
    return [...mates, ...await this.#names(peerStatements.membersAmong, [key, given, small + 1, maxRoomOfPeers])];
  }

  async #names(statement: string, values: readonly (number | null | string[])[]): Promise<string[]> {
    return (await this.#database.read<NameRow>(statement, values)).map(({ name }) => name);
  }
}

function among(names: readonly string[], others: UserSet): string[] {
  return names.filter((name) => others.has(name));
}
