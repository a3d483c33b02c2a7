import type { Clock, GuardedClock } from "./clock.ts";
import type { Log } from "./log.ts";

/** Lead over the expected time beyond which the clock is in doubt, in milliseconds. */
export const clockLeadMs = 24 * 60 * 60 * 1000;
/** Lag behind the expected time beyond which the clock is in doubt, in milliseconds. */
export const clockLagMs = 60 * 1000;
/** Time after which a clock in doubt is trusted anyway, in milliseconds. */
export const doubtMs = 60 * 60 * 1000;
/**
 * Uptime with a trusted clock after which later stamps count as wrong, in milliseconds. It is measured from the start
 * of the server, and again from the moment when a clock in doubt was trusted anyway.
 */
export const trustMs = 24 * 60 * 60 * 1000;
const noteEveryMs = 5 * 60 * 1000;

/** Times that the store recorded before it was opened, in milliseconds since the Unix epoch. */
export interface ClockStore {
  /** When a server last had a trusted clock; undefined before the first record. */
  readonly lastSeenAt: number | undefined;
  /** When the newest entry of the log was accepted; undefined for an empty log. */
  readonly newestEntryAt: number | undefined;
  /** Stores the time for the next process. A power failure may undo it. */
  noteSeen(time: number): Promise<void>;
  /**
   * Sets this time on devices, consumers, invitations and uploads with a later stamp, keeping their lifetimes. A power
   * failure may undo it.
   */
  restamp(time: number): Promise<void>;
}

export interface ClockGuardOptions {
  readonly clock: Clock;
  readonly store: ClockStore;
  readonly log: Log;
  /** Milliseconds since an arbitrary moment, on a clock that cannot be set; `performance.now()` unless given. */
  readonly monotonic?: () => number;
}

type Doubt = "ahead" | "behind";

/**
 * Compares the clock with the last time seen plus the time elapsed since. A clock more than a day ahead or more than a
 * minute behind is in doubt for an hour, or until it is right: a machine may boot with a wrong clock and correct it
 * minutes later. Meanwhile nothing expires or is removed that was not due by the last time seen.
 */
export class ClockGuard implements GuardedClock {
  readonly #options: ClockGuardOptions;
  readonly #monotonic: () => number;
  /** The last trusted time, and the monotonic time of that moment. */
  #seen: number;
  #seenAt: number;
  /** Monotonic time from which {@link trustMs} counts, in milliseconds. */
  #trustedSince: number;
  #doubt: Doubt | undefined;
  #doubtedAt = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #noting: Promise<void> | undefined;

  constructor(options: ClockGuardOptions) {
    const { clock, store, monotonic = () => performance.now() } = options;
    this.#options = options;
    this.#monotonic = monotonic;
    this.#seen = store.lastSeenAt ?? store.newestEntryAt ?? clock.now();
    this.#seenAt = this.#trustedSince = monotonic();
  }

  /** Reports a wrong clock now, and stores the time every five minutes until {@link close}. */
  start(): void {
    const now = this.now();
    const { newestEntryAt = now } = this.#options.store;
    if (!this.#check().doubt && newestEntryAt > now + clockLagMs) this.#report("behind", newestEntryAt);
    this.#timer ??= setInterval(() => void this.#noteTime(), noteEveryMs);
    void this.#noteTime();
  }

  now(): number {
    return this.#options.clock.now();
  }

  earliest(): number {
    const { now, expected, doubt } = this.#check();
    return doubt === "ahead" ? expected : now;
  }

  latest(): number {
    const { now, expected, doubt } = this.#check();
    return doubt === "behind" ? expected : now;
  }

  get expected(): number | undefined {
    const { expected, doubt } = this.#check();
    return doubt && expected;
  }

  /** Stores the time. Resolves once the store is no longer in use. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#noteTime();
  }

  #check(): { now: number; expected: number; doubt: Doubt | undefined } {
    const now = this.now();
    const at = this.#monotonic();
    const expected = Math.round(this.#seen + (at - this.#seenAt));
    const doubt = doubtOf(now - expected);
    if (doubt !== this.#doubt) this.#setDoubt(doubt, { expected, at });
    if (doubt !== undefined && at - this.#doubtedAt < doubtMs) return { now, expected, doubt };
    if (doubt !== undefined) {
      this.#options.log.warn("trusting the clock after an hour", { clock: formatTime(now) });
      this.#trustedSince = at;
    }
    this.#doubt = undefined;
    this.#seen = now;
    this.#seenAt = at;
    return { now, expected: now, doubt: undefined };
  }

  #setDoubt(doubt: Doubt | undefined, { expected, at }: { expected: number; at: number }): void {
    this.#doubt = doubt;
    this.#doubtedAt = at;
    if (doubt !== undefined) this.#report(doubt, expected);
    else this.#options.log.info("the clock is correct again", { clock: formatTime(this.now()) });
  }

  #report(doubt: Doubt, expected: number): void {
    const { log, store: { lastSeenAt, newestEntryAt } } = this.#options;
    log.error(doubt === "ahead" ? ahead : behind, {
      clock: formatTime(this.now()),
      expected: formatTime(expected),
      lastSeen: lastSeenAt === undefined ? undefined : formatTime(lastSeenAt),
      newestEntry: newestEntryAt === undefined ? undefined : formatTime(newestEntryAt),
    });
  }

  async #noteTime(): Promise<void> {
    const { now, doubt } = this.#check();
    if (doubt !== undefined) return await this.#noting;
    this.#noting = this.#storeTime(now)
      .catch((cause) => this.#options.log.warn("cannot store the time", { cause }));
    await this.#noting;
  }

  async #storeTime(now: number): Promise<void> {
    const { store } = this.#options;
    const isTrusted = this.#monotonic() - this.#trustedSince >= trustMs;
    await store.noteSeen(now);
    if (isTrusted) await store.restamp(now);
  }
}

const ahead = "the clock is more than a day ahead of the last time seen: " +
  "for an hour, or until it is corrected, nothing expires or is removed by age";
const behind =
  "the clock is behind the last time seen or the newest entry: correct it, and enable time synchronization";

function doubtOf(lead: number): Doubt | undefined {
  if (lead > clockLeadMs) return "ahead";
  return lead < -clockLagMs ? "behind" : undefined;
}

function formatTime(time: number): string {
  return new Date(time).toISOString();
}
