import { ChatError } from "../chat_error.ts";

export const minPasswordLength = 8;
export const maxPasswordLength = 128;

/** @returns what to hash. @throws {ChatError} `invalid_argument` when it cannot be a new password. */
export function parseNewPassword(password: string): string {
  const normal = parsePassword(password);
  if ([...normal].length >= minPasswordLength) return normal;
  throw new ChatError("invalid_argument", `The password is too short: use at least ${minPasswordLength} characters.`);
}

/**
 * Canonical composition (NFC), so that a password is the same from every keyboard; length counts code points.
 * @returns what to hash. @throws {ChatError} `invalid_argument` when it can be nobody's password.
 */
export function parsePassword(password: string): string {
  if (password === "") throw new ChatError("invalid_argument", "The password is empty: give one.");
  if (!password.isWellFormed()) throw new ChatError("invalid_argument", "The password is not valid UTF-8.");
  // Composition makes no text this much shorter, and takes its time on a long one.
  const normal = password.length > 20 * maxPasswordLength ? password : password.normalize("NFC");
  if (normal.length <= 2 * maxPasswordLength && [...normal].length <= maxPasswordLength) return normal;
  throw new ChatError("invalid_argument", `The password is too long: use at most ${maxPasswordLength} characters.`);
}
