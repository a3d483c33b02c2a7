import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { sanitizeLine } from "../sanitize.ts";
import type { AuditEntry, AuditEvent, AuditLog, AuditStore, TimedAuditEvent } from "./audit.ts";

/** Time that events are gathered before they are written together, in milliseconds. */
const gatherMs = 1_000;
const minuteMs = 60_000;
/** Events that wait while the disk is full; further ones are dropped and counted. */
const maxWaiting = 1_000;
/** Different events of one actor in a minute; further ones are counted by their action alone. */
const maxOfActor = 30;
/** Actors that are tracked separately within a minute. */
const maxActors = 10_000;
const maxDetail = 200;

export interface AuditJournalOptions {
  readonly store: AuditStore;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Gathers security events and writes them about once a second. An actor cannot push out the entries of others: each may
 * add a bounded number of different events in a minute, and all strangers count as one actor.
 */
export class AuditJournal implements AuditLog {
  readonly #store: AuditStore;
  readonly #clock: Clock;
  readonly #log: Log;
  #waiting: TimedAuditEvent[] = [];
  #lost = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #minute = 0;
  /** Events of each actor in the current minute. */
  #recorded = new Map<string, Set<string>>();

  constructor({ store, clock, log }: AuditJournalOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  record({ action, actor, subject = "", address = "", detail = "" }: AuditEvent): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#lost++;
      return;
    }
    const at = this.#clock.now();
    const event = { at, action, actor, subject, address, detail: sanitizeLine(detail.slice(0, maxDetail)) };
    this.#waiting.push(this.#exceedsQuota(event) ? { ...event, subject: "", detail: "and others" } : event);
    this.#timer ??= setTimeout(() => void this.flush(), gatherMs);
  }

  /** Writes waiting events. Never rejects. Call it before closing the store. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#writing = this.#writing.then(() => this.#write());
  }

  /** Lists entries as `AuditStore.list` does, after writing waiting events. */
  async list(page: Parameters<AuditStore["list"]>[0]): Promise<AuditEntry[]> {
    await this.flush();
    return await this.#store.list(page);
  }

  async #write(): Promise<void> {
    const events = this.#waiting;
    const lost = this.#lost;
    if (events.length === 0) return;
    this.#waiting = [];
    this.#lost = 0;
    try {
      await this.#store.add(events);
      if (lost > 0) this.#log.error("security events were not kept in the audit log", { count: lost });
    } catch (cause) {
      this.#log.error("security events were not kept in the audit log", { count: events.length + lost, cause });
    }
  }

  #exceedsQuota({ at, action, actor, subject, detail }: TimedAuditEvent): boolean {
    const minute = Math.floor(at / minuteMs);
    if (minute !== this.#minute || this.#recorded.size >= maxActors) {
      this.#minute = minute;
      this.#recorded = new Map();
    }
    const done = this.#recorded.get(actor) ?? new Set();
    this.#recorded.set(actor, done);
    const key = JSON.stringify([action, subject, detail]);
    if (done.has(key)) return false;
    if (done.size >= maxOfActor) return true;
    done.add(key);
    return false;
  }
}
