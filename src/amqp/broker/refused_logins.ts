import type { Clock } from "../../core/clock.ts";

/** Largest number of refused users and addresses. */
export const maxRefused = 10_000;
/** Duration of a refusal, in milliseconds. */
export const refusalMs = 600_000;

export interface RefusedLoginsOptions {
  readonly clock: Clock;
  /** Duration of a refusal, in milliseconds; ten minutes unless given. */
  readonly durationMs?: number;
}

/** Users and addresses that endangered the broker and are refused for a while. */
export class RefusedLogins {
  readonly #options: RefusedLoginsOptions;
  /** End of each refusal, in milliseconds since the Unix epoch; oldest first. */
  readonly #ends = new Map<string, number>();

  constructor(options: RefusedLoginsOptions) {
    this.#options = options;
  }

  refuseUser(user: string): void {
    this.#refuse(`user ${user}`);
  }

  refuseAddress(address: string): void {
    this.#refuse(`address ${address}`);
  }

  hasUser(user: string): boolean {
    return this.#has(`user ${user}`);
  }

  hasAddress(address: string): boolean {
    return this.#has(`address ${address}`);
  }

  #refuse(key: string): void {
    const { clock, durationMs = refusalMs } = this.#options;
    this.#ends.delete(key);
    this.#ends.set(key, clock.now() + durationMs);
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > maxRefused) this.#ends.delete(oldest);
  }

  #has(key: string): boolean {
    return (this.#ends.get(key) ?? 0) > this.#options.clock.now();
  }
}

/** Returns whether an address is this machine's, which may be a local proxy that many users share. */
export function isLoopback(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\./.test(address);
}
