import type { AuditAction, AuditEntry, AuditStore, TimedAuditEvent } from "../../core/audit/audit.ts";
import { decodeText, encodeText, settle } from "../shared/column_values.ts";
import type { Database } from "./database.ts";

const minuteMs = 60_000;
/** The number of newest entries to keep. */
const defaultMaxNotes = 100_000;

interface AuditRow {
  id: number;
  at: number;
  action: string;
  actor: string;
  subject: string;
  address: string;
  detail: Uint8Array;
  count: number;
}

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
          const minute = Math.floor(event.at / minuteMs);
          this.#statements.add.run({ ...event, minute, detail: encodeText(detail) });
        }
        this.#statements.trim.run(this.#maxNotes);
      });
    });
  }

  list(
    { afterId, since, user = "", limit }: { afterId: number; since: number; user?: string; limit: number },
  ): Promise<AuditEntry[]> {
    return settle(() => {
      const rows = this.#statements.list.all({ afterId, since, user, limit }) as unknown as AuditRow[];
      return rows.map(({ detail, action, ...row }) => ({
        ...row,
        action: action as AuditAction,
        detail: decodeText(detail),
      }));
    });
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
