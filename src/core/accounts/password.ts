import { ChatError } from "../chat_error.ts";

export const minPasswordLength = 8;
export const maxPasswordLength = 128;

/** Returns the text to hash. @throws {ChatError} `invalid_argument` when it is not allowed as a new password */
export function parseNewPassword(password: string): string {
  const normal = parsePassword(password);
  if ([...normal].length >= minPasswordLength) return normal;
  throw new ChatError("invalid_argument", `The password is too short: use at least ${minPasswordLength} characters.`);
}

/**
 * Normalizes a password to canonical composition (NFC), which makes it the same from every keyboard. Length counts code
 * points.
 * @returns the text to hash
 * @throws {ChatError} `invalid_argument` when it cannot be the password of any account
 */
export function parsePassword(password: string): string {
  if (password === "") throw new ChatError("invalid_argument", "The password is empty.");
  if (!password.isWellFormed()) throw new ChatError("invalid_argument", "The password is not valid UTF-8.");
  // Composition cannot shorten a text this much, and is slow on long ones.
  const normal = password.length > 20 * maxPasswordLength ? password : password.normalize("NFC");
  if (normal.length <= 2 * maxPasswordLength && [...normal].length <= maxPasswordLength) return normal;
  throw new ChatError("invalid_argument", `The password is too long: use at most ${maxPasswordLength} characters.`);
}
