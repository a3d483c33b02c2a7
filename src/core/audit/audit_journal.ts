import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { sanitizeLine } from "../sanitize.ts";
import type { AuditEntry, AuditEvent, AuditLog, AuditStore, TimedAuditEvent } from "./audit.ts";

/** How long notes wait for others to be written with, in milliseconds. */
const gatherMs = 1_000;
const minuteMs = 60_000;
/** Notes that wait while the disk takes none; more are lost, and counted. */
const maxWaiting = 1_000;
/** Different notes of one actor in a minute; the others are counted by what was done alone. */
const maxOfActor = 30;
/** Actors who are told apart within a minute. */
const maxActors = 10_000;
const maxDetail = 200;

export interface AuditJournalOptions {
  readonly store: AuditStore;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Gathers security events, and writes them about once a second. Nobody can push out the notes of others by doing much: of an
 * actor it keeps so many different ones in a minute, and strangers are one actor together.
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
  /** What each actor did in this minute. */
  #done = new Map<string, Set<string>>();

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
    this.#waiting.push(this.#isMany(event) ? { ...event, subject: "", detail: "and others" } : event);
    this.#timer ??= setTimeout(() => void this.flush(), gatherMs);
  }

  /** Writes what waits. Never rejects. To be called before the store is closed. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#writing = this.#writing.then(() => this.#write());
  }

  /** What `AuditStore.list` says, and what waited until now is in it. */
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

  #isMany({ at, action, actor, subject, detail }: TimedAuditEvent): boolean {
    const minute = Math.floor(at / minuteMs);
    if (minute !== this.#minute || this.#done.size >= maxActors) {
      this.#minute = minute;
      this.#done = new Map();
    }
    const done = this.#done.get(actor) ?? new Set();
    this.#done.set(actor, done);
    const what = JSON.stringify([action, subject, detail]);
    if (done.has(what)) return false;
    if (done.size >= maxOfActor) return true;
    done.add(what);
    return false;
  }
}
