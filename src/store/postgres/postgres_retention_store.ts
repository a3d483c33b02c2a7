import { messageIdLifetimeMs } from "../../core/messages/message_id.ts";
import { idOfBytes } from "../../core/messages/message_id_bytes.ts";
import type { ConversationRule, RetentionStore } from "../../core/messages/retention_store.ts";
import { lowestIdAt } from "../shared/lowest_id.ts";
import { type RuleRow, toRule } from "../shared/retention_rules.ts";
import type { Database } from "./connection/database.ts";
import { headOf } from "./log/conversation_head.ts";
import { rule } from "./schema/functions/retention.ts";

/** Conversations to examine per call. */
const conversationsPerCall = 500;

interface DueRow {
  readonly due: number[];
  readonly last: number | null;
}

const headSeq = headOf("c.id").seq;

export const retentionStatements = {
  list: `
    SELECT c.name AS conversation, r.max_age AS "maxAge", r.max_entries AS "maxEntries"
    FROM retention r LEFT JOIN conversation c ON c.id = r.conversation ORDER BY r.conversation <> 0, c.name`,
  set: `
    INSERT INTO retention (conversation, max_age, max_entries)
    SELECT ruled.key, $2::bigint, $3::bigint FROM (
      SELECT CASE WHEN $1::text IS NULL THEN 0 ELSE (SELECT c.id FROM conversation c WHERE c.name = $1) END AS key) ruled
    WHERE ruled.key IS NOT NULL
    ON CONFLICT (conversation) DO UPDATE SET max_age = excluded.max_age, max_entries = excluded.max_entries
    RETURNING conversation`,
  remove: `
    DELETE FROM retention WHERE conversation =
      CASE WHEN $1::text IS NULL THEN 0 ELSE (SELECT c.id FROM conversation c WHERE c.name = $1) END
    RETURNING conversation`,
  // No row while there is no rule. The first condition is the cheap one, and also finds entries that are due only if an
  // old one follows.
  due: `
    WITH likely AS MATERIALIZED (
      SELECT c.id FROM conversation c ${rule}
      WHERE c.id > $1 AND c.id <= $2 AND c.first_seq <= ${headSeq} AND (
        r.max_entries < ${headSeq} - c.first_seq + 1
        OR (SELECT e.accepted_at FROM entry e WHERE e.conversation = c.id AND e.seq = c.first_seq)
          NOT BETWEEN $3 - r.max_age AND $3))
    SELECT (SELECT max(c.id) FROM conversation c) AS last, coalesce((
        SELECT json_agg(l.id ORDER BY l.id) FROM likely l WHERE due_through_1(l.id, $3, 1) IS NOT NULL), '[]') AS due
    WHERE EXISTS (SELECT FROM retention r WHERE r.max_age IS NOT NULL OR r.max_entries IS NOT NULL)`,
  removeDue: "SELECT remove_due_1($1, $2, $3, $4) AS count",
  forgetSpentIds: "SELECT forget_spent_ids_1($1, $2) AS count",
};

/** Stores and applies retention rules. */
export class PostgresRetentionStore implements RetentionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async listRules(): Promise<ConversationRule[]> {
    return (await this.#database.read<RuleRow>(retentionStatements.list)).map(toRule);
  }

  async setRule({ conversation, maxAgeMs, maxEntries }: ConversationRule): Promise<boolean> {
    const values = [conversation ?? null, maxAgeMs ?? null, maxEntries ?? null];
    return (await this.#database.write(retentionStatements.set, values)).length > 0;
  }

  async removeRule(conversation: string | undefined): Promise<boolean> {
    return (await this.#database.write(retentionStatements.remove, [conversation ?? null])).length > 0;
  }

  async findDue(after: number, now: number): Promise<{ due: number[]; next: number | undefined }> {
    const through = after + conversationsPerCall;
    const [found] = await this.#database.read<DueRow>(retentionStatements.due, [after, through, now]);
    if (found === undefined) return { due: [], next: undefined };
    return { due: found.due, next: through < (found.last ?? 0) ? through : undefined };
  }

  async removeDue(conversation: number, { now, limit }: { now: number; limit: number }): Promise<number> {
    const oldestId = idOfBytes(lowestIdAt(now - messageIdLifetimeMs));
    const values = [conversation, now, limit, oldestId];
    const [{ count }] = await this.#database.write<{ count: number }>(retentionStatements.removeDue, values);
    return count;
  }

  async forgetSpentIds(time: number, limit: number): Promise<number> {
    const values = [idOfBytes(lowestIdAt(time)), limit];
    const [{ count }] = await this.#database.write<{ count: number }>(retentionStatements.forgetSpentIds, values);
    return count;
  }
}
