import type { GuardedClock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { LiveSessions } from "../people/live_sessions.ts";
import { inSmallSteps } from "../small_steps.ts";
import { Sweep } from "../sweep.ts";

const sweepEveryMs = 60 * 60 * 1000;
/** How long devices that are logged out, and consumers, are kept after their last use, in milliseconds. */
const keepMs = 90 * 24 * 60 * 60 * 1000;

/** Which devices and consumers are connected just now. */
export type LiveConsumers = Pick<LiveSessions, "isDeviceOnline" | "isConsumerOnline">;

export interface Removal {
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** What was used last before this time goes; in milliseconds since the Unix epoch. */
  readonly before: number;
  readonly limit: number;
  readonly live: LiveConsumers;
}

/** Devices and their delivery cursors, by age. */
export interface DeviceCleanupStore {
  /** The consumer is still in use, which is written back once an hour at most. */
  noteUse(deviceId: string, consumer: string, now: number): Promise<void>;

  /**
   * Removes, with their cursors, devices without a token that were last used before a time, and those whose token expired
   * before it. Those that are connected stay. @returns how many it looked at, at most `limit`.
   */
  removeDevices(removal: Removal): Promise<number>;

  /**
   * Removes consumers that were last used before a time. Those that are connected, or whose last use is not known, are noted
   * as used now. @returns how many it looked at, at most `limit`.
   */
  removeConsumers(removal: Removal): Promise<number>;
}

export interface DeviceCleanupOptions {
  readonly store: DeviceCleanupStore;
  readonly live: LiveConsumers;
  readonly clock: GuardedClock;
  readonly log: Log;
}

/** Forgets devices and consumers that nobody has used for 90 days, in the background and bit by bit. */
export class DeviceCleanup {
  readonly #options: DeviceCleanupOptions;
  readonly #sweep: Sweep;

  constructor(options: DeviceCleanupOptions) {
    this.#options = options;
    const work = (signal: AbortSignal) => this.#sweepAll(signal);
    this.#sweep = new Sweep({ everyMs: sweepEveryMs, work, log: options.log, onFailure: "old devices stay" });
  }

  /** From now on sweeps, at once and every hour, until {@link close}. */
  start(): void {
    this.#sweep.start();
  }

  /** A session of the consumer goes on. Never rejects. */
  async noteUse(deviceId: string, consumer: string): Promise<void> {
    const { store, clock, log } = this.#options;
    await store.noteUse(deviceId, consumer, clock.latest())
      .catch((cause) => log.warn("the use of a consumer was not noted", { device: deviceId, consumer, cause }));
  }

  /** Never rejects. */
  async sweep(): Promise<void> {
    await this.#sweep.run();
  }

  /** Resolves when nothing uses the store any more. */
  async close(): Promise<void> {
    await this.#sweep.close();
  }

  async #sweepAll(signal: AbortSignal): Promise<void> {
    const { store, live, clock } = this.#options;
    const now = clock.latest();
    const removal = { now, before: clock.earliest() - keepMs, live };
    await inSmallSteps((limit) => store.removeDevices({ ...removal, limit }), signal);
    await inSmallSteps((limit) => store.removeConsumers({ ...removal, limit }), signal);
  }
}
