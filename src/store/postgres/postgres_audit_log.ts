import type { AuditEntry, AuditStore, TimedAuditEvent } from "../../core/audit/audit.ts";
import { type AuditRow, defaultMaxNotes, minuteOf, toAuditEntry } from "../shared/audit_row.ts";
import { encodeText } from "../shared/column_values.ts";
import type { Database } from "./connection/database.ts";
import { lockKey } from "./schema/fence.ts";

/** SQL of the statements, by name. */
export const auditStatements = {
  add: `
    INSERT INTO audit (at, minute, action, actor, subject, address, detail, count)
    SELECT at, minute, action, actor, subject, address, detail, count
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::bigint[])
      WITH ORDINALITY given(at, minute, action, actor, subject, address, detail, count, number) ORDER BY number
    ON CONFLICT (minute, action, actor, subject, detail) DO UPDATE SET
      at = excluded.at, address = excluded.address, count = audit.count + excluded.count`,
  // Ids have gaps where an entry got a count instead, so entries are counted, once there may be too many.
  trim: `
    DELETE FROM audit WHERE id = ANY (ARRAY(SELECT a.id FROM audit a ORDER BY a.id LIMIT greatest(0,
      CASE WHEN (SELECT max(id) - min(id) FROM audit) >= $1::bigint THEN (SELECT count(*) FROM audit) - $1 END)))`,
  list: `
    SELECT id, at, action, actor, subject, address, detail, count FROM audit
    WHERE id > $1 AND at >= $2 AND ($3 = '' OR actor = $3 OR subject = $3) ORDER BY id LIMIT $4`,
} as const;

/** The audit log, in the table `audit`. */
export class PostgresAuditLog implements AuditStore {
  readonly #database: Database;
  readonly #maxNotes: number;

  /** @param options.maxNotes for tests; 100,000 unless given */
  constructor(database: Database, { maxNotes = defaultMaxNotes }: { maxNotes?: number } = {}) {
    this.#database = database;
    this.#maxNotes = maxNotes;
  }

  async add(events: readonly TimedAuditEvent[]): Promise<void> {
    const entries = gather(events);
    const values = [
      entries.map(({ at }) => at),
      entries.map(({ at }) => minuteOf(at)),
      entries.map(({ action }) => action),
      entries.map(({ actor }) => actor),
      entries.map(({ subject }) => subject),
      entries.map(({ address }) => address),
      entries.map(({ detail }) => encodeText(detail)),
      entries.map(({ count }) => count),
    ];
    await this.#database.transaction(async (queries) => {
      // Events may come in any order, and so would the locks of their rows.
      await queries.query(`SELECT pg_advisory_xact_lock(${lockKey("audit")})`);
      await queries.query(auditStatements.add, values);
      await queries.query(auditStatements.trim, [this.#maxNotes]);
    });
  }

  async list(
    { afterId, since, user = "", limit }: { afterId: number; since: number; user?: string; limit: number },
  ): Promise<AuditEntry[]> {
    return (await this.#database.read<AuditRow>(auditStatements.list, [afterId, since, user, limit])).map(toAuditEntry);
  }
}

/** Makes one entry of equal events of a minute, because one statement changes a row once. */
function gather(events: readonly TimedAuditEvent[]): Omit<AuditEntry, "id">[] {
  const gathered = new Map<string, Omit<AuditEntry, "id">>();
  for (const event of events) {
    const { at, action, actor, subject, detail } = event;
    const key = JSON.stringify([minuteOf(at), action, actor, subject, detail]);
    gathered.set(key, { ...event, count: (gathered.get(key)?.count ?? 0) + 1 });
  }
  return [...gathered.values()];
}
