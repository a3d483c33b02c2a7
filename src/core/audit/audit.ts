/** Security events that the audit log records. Published words never change. */
export const auditActions = [
  "registered",
  "user_added",
  "logged_in",
  "log_in_failed",
  "logged_out",
  "password_changed",
  "device_revoked",
  "user_disabled",
  "user_enabled",
  "invite_created",
  "account_deleted",
  "room_created",
  "room_member_added",
  "room_member_removed",
  "room_member_banned",
  "room_member_unbanned",
  "role_changed",
  "room_deleted",
  "retention_changed",
  "backup_made",
  "display_name_set",
  "status_set",
  "room_changed",
] as const;

export type AuditAction = (typeof auditActions)[number];

/** One security event. Contains no secrets and no content of messages. */
export interface AuditEvent {
  readonly action: AuditAction;
  /** A user, {@link operator}, or "" for a stranger. */
  readonly actor: string;
  /** The affected user or room (its id); "" when it is the actor or unknown. */
  readonly subject?: string;
  /** Remote address of the actor; "" when unknown. */
  readonly address?: string;
  /** One line for people. */
  readonly detail?: string;
}

/** Name of the actor for commands run on the data folder; no user can have it. */
export const operator = "operator";

/** Records security events. Never throws and never blocks the caller: events reach the disk within two seconds. */
export interface AuditLog {
  record(event: AuditEvent): void;
}

/** Records nothing. */
export const noAudit: AuditLog = { record: () => {} };

/** A stored event. Equal events within a minute share one entry. */
export interface AuditEntry extends Required<AuditEvent> {
  /** Increases with every entry. */
  readonly id: number;
  /** Time of the last occurrence, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** Number of occurrences. */
  readonly count: number;
}

/** An event with its time in milliseconds since the Unix epoch, ready to store. */
export type TimedAuditEvent = Required<AuditEvent> & { readonly at: number };

/** Audit entries on disk; the oldest are removed to make room. */
export interface AuditStore {
  /**
   * Adds events in one transaction. An event equal to an entry of the same minute, the address aside, increments its
   * count.
   */
  add(events: readonly TimedAuditEvent[]): Promise<void>;

  /**
   * Lists entries by id: after `afterId`, not before `since`, and with `user` only those of which that user is actor or
   * subject.
   */
  list(page: { afterId: number; since: number; user?: string; limit: number }): Promise<AuditEntry[]>;
}
