import { ChatError } from "../../core/chat_error.ts";
import { directConversation } from "../../core/messages/message.ts";
import {
  defaultSettings,
  type Settings,
  type SettingsRecord,
  type SettingsStore,
} from "../../core/people/settings_store.ts";
import { directMessagesCodes } from "../shared/codes.ts";
import { type SettingsRow, toSettings } from "../shared/settings_row.ts";
import { openEnd } from "../shared/visibility.ts";
import type { Queries } from "./connection/connection.ts";
import type { Database } from "./connection/database.ts";
import { headOf } from "./log/conversation_head.ts";
import { claimDisplayName, lockNames } from "./name_skeletons.ts";
import { logHead } from "./log/log_head.ts";

/** Entries of a long conversation that one statement examines: a few milliseconds of work. */
const entriesPerStatement = 20_000;

/** Settings and blocks, with nulls for an unknown user. */
type RecordRow =
  & { readonly [Column in keyof SettingsRow]: SettingsRow[Column] | null }
  & { readonly blocked: string[]; readonly hasBlocked: boolean; readonly asOf: number };

interface ConversationRow {
  readonly id: number;
  readonly user: number;
  readonly firstSeq: number;
  readonly headSeq: number;
}

/** SQL of the statements, by name. */
export const settingsStatements = {
  readSettings: `
    SELECT u.read_receipts, u.presence, u.direct_messages, u.display_name, u.status,
      ARRAY(SELECT (SELECT o.name FROM "user" o WHERE o.id = b.blocked) AS name FROM block b
        WHERE b."user" = u.id AND b.through_position = ${openEnd} ORDER BY name) AS blocked,
      (SELECT 1 FROM block b WHERE b."user" = u.id LIMIT 1) IS NOT NULL AS "hasBlocked",
      ${logHead} AS "asOf"
    FROM log l LEFT JOIN "user" u ON u.name = $1`,
  lockUser: `
    SELECT u.id, u.display_name AS "displayName" FROM "user" u WHERE u.name = $1 FOR NO KEY UPDATE`,
  saveSettings: `
    UPDATE "user" SET read_receipts = $2, presence = $3, direct_messages = $4, display_name = $5, status = $6
    WHERE id = $1`,
  directPeers: `
    SELECT (SELECT u.name FROM "user" u WHERE u.id = (
      SELECT other."user" FROM member other
      WHERE other.conversation = own.conversation AND other."user" <> own."user" LIMIT 1)) AS name
    FROM member own WHERE own."user" = (SELECT u.id FROM "user" u WHERE u.name = $1) AND own.room = 0`,
  findUser: 'SELECT u.id FROM "user" u WHERE u.name = $1',
  // A block that ended at the same position is resumed; one never begins before the last one ended.
  block: `
    WITH last AS (
      SELECT coalesce(max(b.through_position), 0) AS ended FROM block b WHERE b."user" = $1 AND b.blocked = $2),
    begun AS (SELECT greatest(ended, $3) AS position, ended FROM last WHERE ended < ${openEnd}),
    resumed AS (
      UPDATE block b SET through_position = ${openEnd} FROM begun
      WHERE b."user" = $1 AND b.blocked = $2 AND b.through_position = begun.position RETURNING 1)
    INSERT INTO block ("user", blocked, after_position, through_position)
    SELECT $1, $2, position, ${openEnd} FROM begun WHERE NOT EXISTS (SELECT FROM resumed)`,
  // A block that hides nothing is removed.
  unblock: `
    WITH present AS (
      SELECT b."user", b.blocked, b.after_position FROM block b
      WHERE b."user" = (SELECT u.id FROM "user" u WHERE u.name = $1)
        AND b.blocked = (SELECT u.id FROM "user" u WHERE u.name = $2) AND b.through_position = ${openEnd}
      FOR UPDATE),
    removed AS (
      DELETE FROM block b USING present p
      WHERE b."user" = p."user" AND b.blocked = p.blocked AND b.after_position = p.after_position
        AND p.after_position >= $3)
    UPDATE block b SET through_position = $3 FROM present p
    WHERE b."user" = p."user" AND b.blocked = p.blocked AND b.after_position = p.after_position
      AND p.after_position < $3`,
  findConversation: `
    SELECT c.id, (SELECT u.id FROM "user" u WHERE u.name = $2) AS "user", c.first_seq AS "firstSeq",
      ${headOf("c.id").seq} AS "headSeq"
    FROM conversation c WHERE c.name = $1`,
  // The index of senders would find the user's entries in all conversations: the sum keeps it out.
  hasWritten: `
    SELECT EXISTS (SELECT FROM entry e
      WHERE e.conversation = $1 AND e.seq > $2 AND e.seq <= $3 AND e.sender + 0 = $4) AS found`,
  saveLastSeen: `
    UPDATE "user" SET last_seen_at = seen.at FROM (
      SELECT u.id, given.at FROM unnest($1::text[], $2::bigint[]) given(name, at)
      JOIN LATERAL (SELECT u.id FROM "user" u WHERE u.name = given.name LIMIT 1) u ON true) seen
    WHERE "user".id = seen.id`,
  readLastSeen: `
    SELECT coalesce((SELECT u.last_seen_at FROM "user" u WHERE u.name = given.name), 0) AS at
    FROM unnest($1::text[]) WITH ORDINALITY given(name, number) ORDER BY number`,
} as const;

const {
  readSettings,
  lockUser,
  saveSettings,
  directPeers,
  findUser,
  block,
  unblock,
  findConversation,
  hasWritten,
  saveLastSeen,
  readLastSeen,
} = settingsStatements;

/** The settings store, in the same database as the message store. */
export class PostgresSettingsStore implements SettingsStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async readSettings(user: string): Promise<SettingsRecord> {
    const [row] = await this.#database.read<RecordRow>(readSettings, [user]);
    const { blocked, hasBlocked, asOf, ...settings } = row;
    return {
      settings: settings.status === null ? defaultSettings : toSettings(settings as SettingsRow),
      blocked,
      hasBlocked,
      asOf,
    };
  }

  saveSettings(
    user: string,
    { readReceipts, presence, directMessages, displayName, status }: Settings,
    { allowSimilar = false }: { allowSimilar?: boolean } = {},
  ): Promise<"saved" | "similar"> {
    const code = directMessagesCodes[directMessages];
    return this.#database.transaction(async (queries) => {
      await lockNames(queries);
      const [before] = await queries.query<{ id: number; displayName: string }>(lockUser, [user]);
      if (before === undefined) return "saved";
      if (before.displayName !== displayName) {
        const isClaimed = await claimDisplayName(queries, before.id, { displayName, allowSimilar });
        if (!isClaimed) return "similar";
      }
      const settings = [Number(readReceipts), Number(presence), code, displayName, status];
      await queries.query(saveSettings, [before.id, ...settings]);
      return "saved";
    });
  }

  async directPeers(user: string): Promise<string[]> {
    const rows = await this.#database.read<{ name: string | null }>(directPeers, [user]);
    return rows.flatMap(({ name }) => name ?? []);
  }

  block(user: string, other: string, position: number): Promise<void> {
    return this.#database.transaction(async (queries) => {
      const key = await requireUser(queries, lockUser, user);
      await queries.query(block, [key, await requireUser(queries, findUser, other), position]);
    });
  }

  async unblock(user: string, other: string, position: number): Promise<void> {
    await this.#database.write(unblock, [user, other, position]);
  }

  async hasWrittenTo(user: string, other: string): Promise<boolean> {
    const name = directConversation(user, other);
    const [found] = await this.#database.read<ConversationRow>(findConversation, [name, user]);
    if (found === undefined) return false;
    for (let through = found.headSeq; through >= found.firstSeq; through -= entriesPerStatement) {
      const range = [found.id, through - entriesPerStatement, through, found.user];
      const [{ found: isFound }] = await this.#database.read<{ found: boolean }>(hasWritten, range);
      if (isFound) return true;
    }
    return false;
  }

  async saveLastSeen(times: ReadonlyMap<string, number>): Promise<void> {
    // In an order of their own, so that no two calls wait for each other.
    const users = [...times.keys()].sort();
    await this.#database.write(saveLastSeen, [users, users.map((user) => times.get(user)!)]);
  }

  async readLastSeen(users: readonly string[]): Promise<number[]> {
    return (await this.#database.read<{ at: number }>(readLastSeen, [users])).map(({ at }) => at);
  }
}

/** @throws {ChatError} `not_found` */
async function requireUser(queries: Queries, statement: string, name: string): Promise<number> {
  const [user] = await queries.query<{ id: number }>(statement, [name]);
  if (user === undefined) throw new ChatError("not_found", `There is no user "${name}".`);
  return user.id;
}
