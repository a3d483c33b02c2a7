/**
 * Makes password hashes that are slow to guess. Both calls are expensive: {@link HashQueue} bounds how many run.
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
  /** A hash in the form of the current parameters, which it names, that matches no password. Costs nothing. */
  readonly unmatchable: string;

  /** With a new salt and the current parameters, both of which are in the result. */
  hash(password: string): Promise<string>;

  /**
   * Takes as long as the parameters in `hash` ask for, whether it matches or not. `outdated`: these are not the
   * current ones. Rejects with an `Error` when `hash` was not made by a hasher of this kind.
   */
  verify(password: string, hash: string): Promise<{ matches: boolean; outdated: boolean }>;
}
