import type { AuditAction, AuditEntry } from "../../core/audit/audit.ts";
import { decodeText } from "./column_values.ts";

/** The number of newest entries of the audit log to keep, unless another is given. */
export const defaultMaxNotes = 100_000;

const minuteMs = 60_000;

/** An entry of the audit log as it is read from the database. */
export interface AuditRow {
  readonly id: number;
  readonly at: number;
  readonly action: string;
  readonly actor: string;
  readonly subject: string;
  readonly address: string;
  readonly detail: Uint8Array;
  readonly count: number;
}

/** Returns audit.minute: equal events of one minute share an entry. */
export function minuteOf(at: number): number {
  return Math.floor(at / minuteMs);
}

export function toAuditEntry({ action, detail, ...row }: AuditRow): AuditEntry {
  return { ...row, action: action as AuditAction, detail: decodeText(detail) };
}
