import type { AuditEntry, AuditStore, TimedAuditEvent } from "../../core/audit/audit.ts";
import { type AuditRow, defaultMaxNotes, minuteOf, toAuditEntry } from "../shared/audit_row.ts";
import { encodeText, settle } from "../shared/column_values.ts";
import type { Database } from "./database.ts";

/** The audit log, in the table `audit`. */
export class SqliteAuditLog implements AuditStore {
  readonly #database: Database;
  readonly #maxNotes: number;
  readonly #statements: ReturnType<typeof prepareStatements>;

  /** @param options.maxNotes for tests; 100,000 unless given */
  constructor(database: Database, { maxNotes = defaultMaxNotes }: { maxNotes?: number } = {}) {
    this.#database = database;
    this.#maxNotes = maxNotes;
    this.#statements = prepareStatements(database);
  }

  add(events: readonly TimedAuditEvent[]): Promise<void> {
    return settle(() => {
      this.#database.transaction(() => {
        for (const { detail, ...event } of events) {
          this.#statements.add.run({ ...event, minute: minuteOf(event.at), detail: encodeText(detail) });
        }
        this.#statements.trim.run(this.#maxNotes);
      });
    });
  }

  list(
    { afterId, since, user = "", limit }: { afterId: number; since: number; user?: string; limit: number },
  ): Promise<AuditEntry[]> {
    const page = { afterId, since, user, limit };
    return settle(() => (this.#statements.list.all(page) as unknown as AuditRow[]).map(toAuditEntry));
  }
}

function prepareStatements(database: Database) {
  return {
    add: database.prepare(
      `INSERT INTO audit (at, minute, action, actor, subject, address, detail, count)
       VALUES (:at, :minute, :action, :actor, :subject, :address, :detail, 1)
       ON CONFLICT (minute, action, actor, subject, detail) DO UPDATE SET
         at = excluded.at, address = excluded.address, count = count + 1`,
    ),
    trim: database.prepare("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?"),
    list: database.prepare(
      `SELECT id, at, action, actor, subject, address, detail, count FROM audit
       WHERE id > :afterId AND at >= :since AND (:user = '' OR actor = :user OR subject = :user)
       ORDER BY id LIMIT +:limit`,
    ),
  };
}
