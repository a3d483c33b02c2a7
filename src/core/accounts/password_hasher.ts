/**
 * Makes password hashes that are slow to guess. Both calls are expensive: {@link HashQueue} bounds how many run at
 * once.
 *
 * @example
 * ```ts
 * // Returns the hash to keep, or undefined when the password is wrong.
 * async function logIn(hasher: PasswordHasher, password: string, hash: string): Promise<string | undefined> {
 *   const { matches, outdated } = await hasher.verify(password, hash);
 *   if (!matches) return undefined;
 *   return outdated ? await hasher.hash(password) : hash;
 * }
 * ```
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
