/**
 * Makes password hashes that are slow to guess. Both calls are expensive: {@link HashQueue} bounds how many run at
 * once.
 */
export interface PasswordHasher {
  /** A hash with the current parameters that matches no password. */
  readonly unmatchable: string;

  /** Hashes with a new salt and the current parameters; the result includes both. */
  hash(password: string): Promise<string>;

  /**
   * Verifies a password; takes the same time whether or not it matches. `outdated`: the hash does not have the current
   * parameters. Rejects with an `Error` when `hash` was made by another kind of hasher.
   */
  verify(password: string, hash: string): Promise<{ matches: boolean; outdated: boolean }>;
}
