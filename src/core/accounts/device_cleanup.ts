import type { GuardedClock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { LiveSessions } from "../people/live_sessions.ts";
import { inSmallSteps } from "../small_steps.ts";
import { Sweep } from "../sweep.ts";

const sweepEveryMs = 60 * 60 * 1000;
/** Time that logged-out devices and consumers are kept after their last use, in milliseconds. */
const keepMs = 90 * 24 * 60 * 60 * 1000;

/** Tells which devices and consumers are connected. */
export type LiveConsumers = Pick<LiveSessions, "isDeviceOnline" | "isConsumerOnline">;

export interface Removal {
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** Devices and consumers last used before this time are removed; in milliseconds since the Unix epoch. */
  readonly before: number;
  readonly limit: number;
  readonly live: LiveConsumers;
}

/** Devices and their delivery cursors, by age. */
export interface DeviceCleanupStore {
  /** Records that a consumer is in use; writes at most once an hour. */
  noteUse(deviceId: string, consumer: string, now: number): Promise<void>;

  /**
   * Removes devices without a token last used before `before`, and devices whose token expired before it, with their
   * cursors. Connected devices stay.
   * @returns the number of devices examined, at most `limit`
   */
  removeDevices(removal: Removal): Promise<number>;

  /**
   * Removes consumers last used before `before`. Consumers that are connected, or whose last use is unknown, are marked
   * as used now.
   * @returns the number of consumers examined, at most `limit`
   */
  removeConsumers(removal: Removal): Promise<number>;
}

export interface DeviceCleanupOptions {
  readonly store: DeviceCleanupStore;
  readonly live: LiveConsumers;
  readonly clock: GuardedClock;
  readonly log: Log;
}

/** Removes devices and consumers unused for 90 days, in small steps in the background. */
export class DeviceCleanup {
  readonly #options: DeviceCleanupOptions;
  readonly #sweep: Sweep;

  constructor(options: DeviceCleanupOptions) {
    this.#options = options;
    const work = (signal: AbortSignal) => this.#removeUnused(signal);
    this.#sweep = new Sweep({
      everyMs: sweepEveryMs,
      work,
      log: options.log,
      failureEvent: "cannot remove old devices",
    });
  }

  /** Sweeps now and every hour, until {@link close}. */
  start(): void {
    this.#sweep.start();
  }

  /** Records the use of a consumer. Never rejects. */
  async noteUse(deviceId: string, consumer: string): Promise<void> {
    const { store, clock, log } = this.#options;
    await store.noteUse(deviceId, consumer, clock.latest())
      .catch((cause) => log.warn("cannot record the use of a consumer", { device: deviceId, consumer, cause }));
  }

  /** Removes all that are due. Never rejects. */
  async sweep(): Promise<void> {
    await this.#sweep.run();
  }

  /** Stops. Resolves once the store is no longer in use. */
  async close(): Promise<void> {
    await this.#sweep.close();
  }

  async #removeUnused(signal: AbortSignal): Promise<void> {
    const { store, live, clock } = this.#options;
    const now = clock.latest();
    const removal = { now, before: clock.earliest() - keepMs, live };
    await inSmallSteps((limit) => store.removeDevices({ ...removal, limit }), signal);
    await inSmallSteps((limit) => store.removeConsumers({ ...removal, limit }), signal);
  }
}
