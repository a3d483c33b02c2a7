import type { Clock } from "../../core/clock.ts";

const maxKnownUsers = 10_000;
/**
 * Time after a login in which the broker may not list its connection yet, in milliseconds: as long as a handshake may
 * take.
 */
export const unlistedMs = 20_000;

export interface ConnectionCountsOptions {
  /** Concurrent connections of one user. */
  readonly max: number;
  readonly clock: Clock;
  /** Returns the number that the broker lists; undefined when unknown. */
  count(user: string): Promise<number | undefined>;
}

interface Entry {
  /** Upper bound of the connections: the last count plus logins since. */
  atMost: number;
  /** Times of recent logins, in milliseconds since the Unix epoch. */
  logins: number[];
  counting: Promise<void> | undefined;
}

/** Bounds the connections of each user. Queries the broker only for users near the limit. */
export class ConnectionCounts {
  readonly #options: ConnectionCountsOptions;
  /** Most recent login last. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: ConnectionCountsOptions) {
    this.#options = options;
  }

  /**
   * Returns whether a user may have one more connection, and if so counts it. Concurrent calls admit no more than the
   * limit.
   */
  async admits(user: string): Promise<boolean> {
    const { max, clock } = this.#options;
    const entry = this.#use(user);
    if (entry.atMost >= max) {
      await (entry.counting ??= this.#count(user, entry).finally(() => entry.counting = undefined));
    }
    if (entry.atMost >= max) return false;
    entry.atMost++;
    entry.logins = [...this.#unlisted(entry), clock.now()];
    return true;
  }

  async #count(user: string, entry: Entry): Promise<void> {
    const counted = await this.#options.count(user);
    // Without a count, the old bound stays until the next login counts again.
    if (counted !== undefined) entry.atMost = counted + this.#unlisted(entry).length;
  }

  #unlisted({ logins }: Entry): number[] {
    const since = this.#options.clock.now() - unlistedMs;
    return logins.filter((at) => at > since);
  }

  #use(user: string): Entry {
    const entry = this.#entries.get(user) ?? { atMost: 0, logins: [], counting: undefined };
    this.#entries.delete(user);
    this.#entries.set(user, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > maxKnownUsers) this.#entries.delete(oldest);
    return entry;
  }
}
