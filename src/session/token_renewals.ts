/** A holder of a token: its connection counts as use of the token. */
export interface TokenHolder {
  renewToken(): Promise<void>;
  /** A renewal failed; the next one is an interval later. */
  onRenewalFailed(error: unknown): void;
}

/** Renews the tokens of live sessions, each once in an interval, with one timer for all. */
export class TokenRenewals {
  readonly #intervalMs: number;
  readonly #now: () => number;
  /** Due times of the holders' tokens, the earliest first. */
  readonly #dueAt = new Map<TokenHolder, number>();
  /** Absent without holders. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param intervalMs at most 24 days, the limit of a timer
   * @param now a monotonic clock in milliseconds; `performance.now` unless given
   */
  constructor(intervalMs: number, now: () => number = () => performance.now()) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** Begins to renew a holder's token, for the first time after an interval. */
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
    // Ends at the first renewed holder at the latest, which is due an interval later.
    for (const [holder, dueAt] of this.#dueAt) {
      if (dueAt > now) return this.#wait(dueAt - now);
      this.#dueAt.delete(holder);
      this.#dueAt.set(holder, now + this.#intervalMs);
      holder.renewToken().catch((error) => holder.onRenewalFailed(error));
    }
  }
}
