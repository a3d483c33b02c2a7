/** The current time; tests replace it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/**
 * A clock for everything that expires. While the system clock is in doubt, the time is between `earliest()` and
 * `latest()`; otherwise both equal `now()`.
 */
export interface GuardedClock extends Clock {
  /** Time to judge the age of tokens, invitations, uploads and entries by. Milliseconds since the Unix epoch. */
  earliest(): number;
  /** Time to stamp things that expire, and to judge lateness by. Milliseconds since the Unix epoch. */
  latest(): number;
  /**
   * Time expected from the last trusted one, while the clock is in doubt; otherwise undefined. Milliseconds since the
   * Unix epoch.
   */
  readonly expected: number | undefined;
}

/** The system clock, always trusted. */
export const systemClock: GuardedClock = {
  now: () => Date.now(),
  earliest: () => Date.now(),
  latest: () => Date.now(),
  expected: undefined,
};
