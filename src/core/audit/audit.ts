/** What an operator may want to know of later. Words that were used never change. */
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
  "room_member_removed",
  "room_member_banned",
  "room_member_unbanned",
  "role_changed",
  "room_deleted",
  "retention_changed",
  "backup_made",
] as const;

export type AuditAction = (typeof auditActions)[number];

/** Who did what. None of it is a secret, nor anything that people wrote to each other. */
export interface AuditEvent {
  readonly action: AuditAction;
  /** A user; {@link operator}; "" for a stranger. */
  readonly actor: string;
  /** The user or the room (its id) that it was done to; "" where that is the actor, or nobody known. */
  readonly subject?: string;
  /** Where the actor's connection came from; "" where that is not known. */
  readonly address?: string;
  /** One line, for people. */
  readonly detail?: string;
}

/** Stands for whoever runs chatd's commands on the data folder: no user can have this name. */
export const operator = "operator";

/** Takes note of security events. Never throws, and never makes the caller wait: they are on disk within a second or two. */
export interface AuditLog {
  record(event: AuditEvent): void;
}

/** For where nobody wants to know. */
export const noAudit: AuditLog = { record: () => {} };

/** A note as it is kept. Equal events within a minute are one. */
export interface AuditEntry extends Required<AuditEvent> {
  /** Rises with every note. */
  readonly id: number;
  /** Of the last one, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** How many there were. */
  readonly count: number;
}

/** An event with its time in milliseconds since the Unix epoch, ready to be kept. */
export type TimedAuditEvent = Required<AuditEvent> & { readonly at: number };

/** Notes on disk, of which the oldest make room for new ones. */
export interface AuditStore {
  /** Adds these in one transaction; one that says the same as a note of its minute, the address aside, is counted there. */
  add(events: readonly TimedAuditEvent[]): Promise<void>;

  /** By id, only those after `afterId`, not before `since`, and where one is given about `user`, who did it or had it done to them. */
  list(page: { afterId: number; since: number; user?: string; limit: number }): Promise<AuditEntry[]>;
}
