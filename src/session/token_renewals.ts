/** The holder of a token whose connection counts as use of it. */
export interface TokenHolder {
  renewToken(): Promise<void>;
  /** The token was not renewed this time. */
  onRenewalFailed(error: unknown): void;
}

/** Renews the tokens of live sessions, each once in an interval, by one timer for all of them. */
export class TokenRenewals {
  readonly #intervalMs: number;
  readonly #now: () => number;
  /** When the token of each holder is due, the earliest first. */
  readonly #dueAt = new Map<TokenHolder, number>();
  /** Absent without holders. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param intervalMs 24 days at most, as a timer
   * @param now a clock in milliseconds that is never set back; `performance.now` unless given
   */
  constructor(intervalMs: number, now: () => number = () => performance.now()) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** Begins to renew a holder's token, for the first time when an interval is over. */
  add(holder: TokenHolder): void {
    this.#dueAt.set(holder, this.#now() + this.#intervalMs);
    if (this.#timer === undefined) this.#wait(this.#intervalMs);
  }

  delete(holder: TokenHolder): void {
    if (!this.#dueAt.delete(holder) || this.#dueAt.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#renewDue(), ms);
  }

  #renewDue(): void {
    const now = this.#now();
    // Ends at a holder that it has renewed, at the latest: that one is due again later.
    for (const [holder, dueAt] of this.#dueAt) {
      if (dueAt > now) return this.#wait(dueAt - now);
      this.#dueAt.delete(holder);
      this.#dueAt.set(holder, now + this.#intervalMs);
      holder.renewToken().catch((error) => holder.onRenewalFailed(error));
    }
  }
}
