import { directConversation } from "../../core/messages/message.ts";
import {
  defaultSettings,
  type Settings,
  type SettingsRecord,
  type SettingsStore,
} from "../../core/people/settings_store.ts";
import { directMessagesCodes } from "../shared/codes.ts";
import { settle } from "../shared/column_values.ts";
import type { Database } from "./database.ts";
import { headOf } from "./log/heads.ts";
import { type SettingsRow, toSettings } from "../shared/settings_row.ts";
import { openEnd } from "../shared/visibility.ts";
import { NameSkeletons } from "./name_skeletons.ts";

const idOf = (parameter: string) => `(SELECT id FROM user WHERE name = ${parameter})`;

/** Entries of a long conversation to examine without a pause: a few milliseconds of work. */
const entriesPerStep = 4_000;

interface ConversationRow {
  id: number;
  firstSeq: number;
  headSeq: number;
}

function prepareStatements(database: Database) {
  return {
    read: database.prepare(
      "SELECT read_receipts, presence, direct_messages, display_name, status FROM user WHERE name = ?",
    ),
    displayName: database.prepare("SELECT id, display_name AS displayName FROM user WHERE name = ?"),
    directPeers: database.prepare(
      `SELECT u.name FROM member own CROSS JOIN member other ON other.conversation = own.conversation
       CROSS JOIN user u ON u.id = other.user
       WHERE own.user = ${idOf("?")} AND own.room = 0 AND other.user <> own.user`,
    ),
    blocked: database.prepare(
      `SELECT u.name FROM block b CROSS JOIN user u ON u.id = b.blocked
       WHERE b.user = ${idOf("?")} AND b.through_position = ${openEnd} ORDER BY u.name`,
    ),
    hasBlocked: database.prepare(`SELECT 1 FROM block WHERE user = ${idOf("?")} LIMIT 1`),
    save: database.prepare(
      `UPDATE user SET read_receipts = ?, presence = ?, direct_messages = ?, display_name = ?, status = ?
       WHERE name = ?`,
    ),
    isBlocked: database.prepare(
      `SELECT 1 FROM block WHERE user = ${idOf(":user")} AND blocked = ${
        idOf(":other")
      } AND through_position = ${openEnd}`,
    ),
    // A block that ended at the same position is resumed.
    resume: database.prepare(
      `UPDATE block SET through_position = ${openEnd}
       WHERE user = ${idOf(":user")} AND blocked = ${idOf(":other")} AND through_position = :position`,
    ),
    block: database.prepare(
      `INSERT INTO block (user, blocked, after_position, through_position)
       VALUES (${idOf(":user")}, ${idOf(":other")}, :position, ${openEnd})`,
    ),
    unblock: database.prepare(
      `UPDATE block SET through_position = max(after_position, :position)
       WHERE user = ${idOf(":user")} AND blocked = ${idOf(":other")} AND through_position = ${openEnd}`,
    ),
    removeEmpty: database.prepare(
      `DELETE FROM block WHERE user = ${idOf(":user")} AND blocked = ${
        idOf(":other")
      } AND through_position = after_position`,
    ),
    conversation: database.prepare(
      `SELECT c.id, c.first_seq AS firstSeq, ${headOf.seq} AS headSeq FROM conversation c WHERE c.name = ?`,
    ),
    hasWritten: database.prepare(
      `SELECT 1 FROM entry WHERE conversation = :conversation AND seq > :after AND seq <= :through
         AND sender = ${idOf(":user")} LIMIT 1`,
    ),
    saveLastSeen: database.prepare("UPDATE user SET last_seen_at = ? WHERE name = ?"),
    lastSeen: database.prepare(
      "SELECT coalesce((SELECT last_seen_at FROM user WHERE name = given.value), 0) AS at FROM json_each(?) given",
    ),
  };
}

/** The settings store, in the same database as the message store. */
export class SqliteSettingsStore implements SettingsStore {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #skeletons: NameSkeletons;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#skeletons = new NameSkeletons(database);
  }

  readSettings(user: string): Promise<SettingsRecord> {
    return settle(() => {
      const row = this.#statements.read.get(user) as unknown as SettingsRow | undefined;
      const hasBlocked = this.#statements.hasBlocked.get(user) !== undefined;
      const blocked = hasBlocked ? this.#statements.blocked.all(user).map(({ name }) => name as string) : [];
      return {
        settings: row ? toSettings(row) : defaultSettings,
        blocked,
        hasBlocked,
        asOf: this.#database.heads.head,
      };
    });
  }

  saveSettings(
    user: string,
    { readReceipts, presence, directMessages, displayName, status }: Settings,
    { allowSimilar = false }: { allowSimilar?: boolean } = {},
  ): Promise<"saved" | "similar"> {
    const code = directMessagesCodes[directMessages];
    return this.#write(() => {
      const before = this.#statements.displayName.get(user) as { id: number; displayName: string } | undefined;
      if (before !== undefined && before.displayName !== displayName) {
        const isClaimed = this.#skeletons.claimDisplayName(before.id, displayName, { allowSimilar });
        if (!isClaimed) return "similar";
      }
      this.#statements.save.run(Number(readReceipts), Number(presence), code, displayName, status, user);
      return "saved";
    });
  }

  directPeers(user: string): Promise<string[]> {
    return settle(() => this.#statements.directPeers.all(user).map(({ name }) => name as string));
  }

  block(user: string, other: string, position: number): Promise<void> {
    const { isBlocked, resume, block } = this.#statements;
    return this.#write(() => {
      if (isBlocked.get({ user, other })) return;
      if (resume.run({ user, other, position }).changes === 0) block.run({ user, other, position });
    });
  }

  unblock(user: string, other: string, position: number): Promise<void> {
    const { unblock, removeEmpty } = this.#statements;
    return this.#write(() => {
      unblock.run({ user, other, position });
      removeEmpty.run({ user, other });
    });
  }

  async hasWrittenTo(user: string, other: string): Promise<boolean> {
    const { conversation, hasWritten } = this.#statements;
    const found = conversation.get(directConversation(user, other)) as unknown as ConversationRow | undefined;
    if (!found) return false;
    for (let through = found.headSeq; through >= found.firstSeq; through -= entriesPerStep) {
      const range = { conversation: found.id, after: through - entriesPerStep, through, user };
      if (hasWritten.get(range)) return true;
      if (through > entriesPerStep) await new Promise((resolve) => setTimeout(resolve));
    }
    return false;
  }

  saveLastSeen(times: ReadonlyMap<string, number>): Promise<void> {
    return this.#write(() => times.forEach((at, user) => this.#statements.saveLastSeen.run(at, user)));
  }

  readLastSeen(users: readonly string[]): Promise<number[]> {
    return settle(() => this.#statements.lastSeen.all(JSON.stringify(users)).map(({ at }) => at as number));
  }

  #write<T>(work: () => T): Promise<T> {
    return settle(() => this.#database.transaction(work));
  }
}
