import { messageIdLifetimeMs } from "../../core/messages/message_id.ts";
import type { ConversationRule, RetentionStore } from "../../core/messages/retention_store.ts";
import { settle } from "../shared/column_values.ts";
import { lowestIdAt } from "../shared/lowest_id.ts";
import { type RuleRow, toRule } from "../shared/retention_rules.ts";
import type { Database } from "./database.ts";
import { headOf } from "./log/heads.ts";
import type { SpentIds } from "./log/spent_ids.ts";

/** The key of the rule for conversations without their own rule; no conversation has this key. */
const everyConversation = 0;
/** Conversations to examine per call: a few milliseconds of work. */
const conversationsPerCall = 500;
/** Entries with a time ahead of the clock to skip in one conversation. */
const mostAhead = 10_000;

interface DueRow {
  firstSeq: number;
  headSeq: number;
  maxAge: number | null;
  maxEntries: number | null;
}

interface CredibleRow {
  seq: number;
  acceptedAt: number;
}

/** SQL: joins the rules of the conversation `c`: `own`, or else `every`. */
const rules = `
  LEFT JOIN retention own ON own.conversation = c.id LEFT JOIN retention every ON every.conversation = ${everyConversation}`;
const ruled = (column: string) => `CASE WHEN own.conversation IS NULL THEN every.${column} ELSE own.${column} END`;

function prepareStatements(database: Database) {
  return {
    list: database.prepare(
      `SELECT c.name AS conversation, r.max_age AS maxAge, r.max_entries AS maxEntries
       FROM retention r LEFT JOIN conversation c ON c.id = r.conversation ORDER BY r.conversation <> 0, c.name`,
    ),
    findConversation: database.prepare("SELECT id FROM conversation WHERE name = ?"),
    set: database.prepare(
      `INSERT INTO retention (conversation, max_age, max_entries) VALUES (?, ?, ?) ON CONFLICT (conversation)
       DO UPDATE SET max_age = excluded.max_age, max_entries = excluded.max_entries`,
    ),
    remove: database.prepare("DELETE FROM retention WHERE conversation = ?"),
    last: database.prepare("SELECT max(id) AS id FROM conversation"),
    isRuled: database.prepare("SELECT 1 FROM retention WHERE max_age IS NOT NULL OR max_entries IS NOT NULL LIMIT 1"),
    due: database.prepare(
      `SELECT c.id FROM conversation c ${rules}
       WHERE c.id > :after AND c.id <= :through AND c.first_seq <= ${headOf.seq} AND (
         ${ruled("max_entries")} < ${headOf.seq} - c.first_seq + 1
         OR (SELECT e.accepted_at FROM entry e WHERE e.conversation = c.id AND e.seq = c.first_seq)
           NOT BETWEEN :now - ${ruled("max_age")} AND :now)`,
    ),
    rule: database.prepare(
      `SELECT c.first_seq AS firstSeq, ${headOf.seq} AS headSeq, ${ruled("max_age")} AS maxAge,
         ${ruled("max_entries")} AS maxEntries
       FROM conversation c ${rules} WHERE c.id = ?`,
    ),
    // The first entry in the range that is young enough to keep.
    firstYoung: database.prepare(
      `SELECT seq FROM entry WHERE conversation = ? AND seq BETWEEN ? AND ? AND accepted_at >= ? ORDER BY seq LIMIT 1`,
    ),
    // The first entry with a time that is not ahead of the clock.
    firstCredible: database.prepare(
      `SELECT seq, accepted_at AS acceptedAt FROM entry
       WHERE conversation = ? AND seq BETWEEN ? AND ? AND accepted_at <= ? ORDER BY seq LIMIT 1`,
    ),
    removeReactions: database.prepare("DELETE FROM reaction WHERE conversation = ? AND seq BETWEEN ? AND ?"),
    removeMentions: database.prepare("DELETE FROM mention WHERE conversation = ? AND message BETWEEN ? AND ?"),
    removeRoomMentions: database.prepare("DELETE FROM room_mention WHERE conversation = ? AND message BETWEEN ? AND ?"),
    removePins: database.prepare("DELETE FROM pin WHERE conversation = ? AND seq BETWEEN ? AND ?"),
    // Removed messages do not count as unread.
    moveReaders: database.prepare(
      `UPDATE member SET read_seq = :lastSeq, read_uncounted = (
         SELECT uncounted FROM entry WHERE conversation = :conversation AND seq = :lastSeq)
       WHERE conversation = :conversation AND read_seq < :lastSeq`,
    ),
    removeEntries: database.prepare("DELETE FROM entry WHERE conversation = ? AND seq BETWEEN ? AND ?"),
    moveFirst: database.prepare("UPDATE conversation SET first_seq = ? WHERE id = ?"),
  };
}

/** Stores and applies retention rules, in the same database as the message store. */
export class SqliteRetentionStore implements RetentionStore {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #spentIds: SpentIds;

  constructor(database: Database, { spentIds }: { spentIds: SpentIds }) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#spentIds = spentIds;
  }

  listRules(): Promise<ConversationRule[]> {
    return settle(() => (this.#statements.list.all() as unknown as RuleRow[]).map(toRule));
  }

  setRule({ conversation, maxAgeMs, maxEntries }: ConversationRule): Promise<boolean> {
    return settle(() => {
      const key = this.#keyOf(conversation);
      if (key === undefined) return false;
      this.#database.transaction(() => this.#statements.set.run(key, maxAgeMs ?? null, maxEntries ?? null));
      return true;
    });
  }

  removeRule(conversation: string | undefined): Promise<boolean> {
    return settle(() => {
      const key = this.#keyOf(conversation);
      if (key === undefined) return false;
      return this.#database.transaction(() => this.#statements.remove.run(key).changes) !== 0;
    });
  }

  findDue(after: number, now: number): Promise<{ due: number[]; next: number | undefined }> {
    return settle(() => {
      if (this.#statements.isRuled.get() === undefined) return { due: [], next: undefined };
      const { id: last } = this.#statements.last.get() as { id: number | null };
      const through = after + conversationsPerCall;
      const rows = this.#statements.due.all({ after, through, now }) as { id: number }[];
      const due = rows.map(({ id }) => id).filter((id) => this.#dueRange(id, { now, limit: 1 }) !== undefined);
      return { due, next: through < (last ?? 0) ? through : undefined };
    });
  }

  removeDue(conversation: number, { now, limit }: { now: number; limit: number }): Promise<number> {
    return settle(() => {
      const range = this.#dueRange(conversation, { now, limit });
      if (range === undefined) return 0;
      const { firstSeq, lastSeq } = range;
      this.#database.writeHeads();
      this.#database.transaction(() => this.#remove(conversation, { firstSeq, lastSeq, now }));
      return lastSeq - firstSeq + 1;
    });
  }

  forgetSpentIds(time: number, limit: number): Promise<number> {
    return settle(() => this.#database.transaction(() => this.#spentIds.forgetSome(lowestIdAt(time), limit)));
  }

  /** @returns undefined if no entry is due */
  #dueRange(conversation: number, options: { now: number; limit: number }) {
    const rule = this.#statements.rule.get(conversation) as unknown as DueRow | undefined;
    if (rule === undefined) return undefined;
    const { firstSeq } = rule;
    const lastSeq = this.#lastDue(conversation, rule, options);
    return lastSeq < firstSeq ? undefined : { firstSeq, lastSeq };
  }

  #lastDue(conversation: number, rule: DueRow, { now, limit }: { now: number; limit: number }): number {
    const { firstSeq, headSeq, maxAge, maxEntries } = rule;
    const most = Math.min(headSeq, firstSeq + limit - 1);
    const byCount = maxEntries === null ? firstSeq - 1 : Math.min(most, headSeq - maxEntries);
    if (maxAge === null || byCount === most) return byCount;
    return Math.max(byCount, this.#lastDueByAge(conversation, { firstSeq, most, cutoff: now - maxAge, now }));
  }

  /**
   * Finds the last entry that is due by age. An entry with a time ahead of the clock counts as old if an old entry
   * follows.
   */
  #lastDueByAge(conversation: number, range: { firstSeq: number; most: number; cutoff: number; now: number }): number {
    const { firstSeq, most, cutoff, now } = range;
    const { firstCredible, firstYoung } = this.#statements;
    const credible = firstCredible.get(conversation, firstSeq, firstSeq + mostAhead, now) as CredibleRow | undefined;
    if (credible === undefined || credible.acceptedAt >= cutoff) return firstSeq - 1;
    if (credible.seq > firstSeq) return Math.min(most, credible.seq);
    const young = firstYoung.get(conversation, firstSeq, most, cutoff) as { seq: number } | undefined;
    return young === undefined ? most : young.seq - 1;
  }

  #remove(conversation: number, range: { firstSeq: number; lastSeq: number; now: number }): void {
    const { firstSeq, lastSeq, now } = range;
    const statements = this.#statements;
    this.#spentIds.keep(conversation, { firstSeq, lastSeq, oldest: lowestIdAt(now - messageIdLifetimeMs) });
    statements.removeReactions.run(conversation, firstSeq, lastSeq);
    statements.removeMentions.run(conversation, firstSeq, lastSeq);
    statements.removeRoomMentions.run(conversation, firstSeq, lastSeq);
    statements.removePins.run(conversation, firstSeq, lastSeq);
    statements.moveReaders.run({ conversation, lastSeq });
    statements.removeEntries.run(conversation, firstSeq, lastSeq);
    statements.moveFirst.run(lastSeq + 1, conversation);
  }

  #keyOf(conversation: string | undefined): number | undefined {
    if (conversation === undefined) return everyConversation;
    return (this.#statements.findConversation.get(conversation) as { id: number } | undefined)?.id;
  }
}
