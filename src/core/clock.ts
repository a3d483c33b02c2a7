/** Time, so that tests can set it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/**
 * A clock for everything that gets too old. While the system's clock is in doubt, the time is between `earliest()` and `latest()`;
 * otherwise both are `now()`.
 */
export interface GuardedClock extends Clock {
  /** Judges whether something is too old: a token, an invitation, an upload, an entry. Milliseconds since the Unix epoch. */
  earliest(): number;
  /** Stamps something that will get too old, and judges whether something comes too late. Milliseconds since the Unix epoch. */
  latest(): number;
  /** The time by the last one seen, while the clock is in doubt; otherwise undefined. Milliseconds since the Unix epoch. */
  readonly expected: number | undefined;
}

/** The system's clock, trusted as it is. */
export const systemClock: GuardedClock = {
  now: () => Date.now(),
  earliest: () => Date.now(),
  latest: () => Date.now(),
  expected: undefined,
};
