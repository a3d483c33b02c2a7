import type { Clock } from "../../core/clock.ts";

const maxKnownUsers = 10_000;
/** So long after a login the broker may not count its connection yet, in milliseconds: a handshake may take as long. */
export const unlistedMs = 20_000;

export interface ConnectionCountsOptions {
  /** Connections that a user may have at once. */
  readonly max: number;
  readonly clock: Clock;
  /** How many the broker has; undefined when it cannot be found out. */
  count(user: string): Promise<number | undefined>;
}

interface Entry {
  /** Connections, at most: logins since they were counted. */
  atMost: number;
  /** When the last logins were, since the epoch in milliseconds. */
  logins: number[];
  counting: Promise<void> | undefined;
}

/** Bounds the connections of each user. The broker is asked only about those who may have too many. */
export class ConnectionCounts {
  readonly #options: ConnectionCountsOptions;
  /** The one who logged in last comes last. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: ConnectionCountsOptions) {
    this.#options = options;
  }

  /** Whether a user may have one more; it is counted if so. However many ask at once, no more are admitted. */
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
    // Without a count, what was known stays: it is asked again at the next login.
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
