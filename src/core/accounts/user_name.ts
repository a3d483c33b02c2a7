import { ChatError } from "../chat_error.ts";

const pattern = /^[a-z0-9][a-z0-9._-]{0,31}$/;

/** Names that nobody can register: they are spoken by the system, or mean something in commands and brokers. */
const reserved = new Set([
  "admin",
  "administrator",
  "all",
  "chatd",
  "everyone",
  "guest",
  "here",
  "me",
  "nobody",
  "operator",
  "register",
  "root",
  "server",
  "system",
]);

/** @returns `name` as it is. @throws {ChatError} `invalid_argument` when no user can have this name. */
export function parseUserName(name: string): string {
  if (pattern.test(name)) return name;
  throw new ChatError(
    "invalid_argument",
    `${
      JSON.stringify(name.slice(0, 64))
    } is not a user name: use 1 to 32 of a-z 0-9 . _ - and begin with a letter or digit.`,
  );
}

/** What the names of those begin with who deleted their account. */
const deletedPrefix = "deleted.";
const aliasAlphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** A name for somebody who deleted their account: nobody else's, and nobody can register it. */
export function createDeletedName(): string {
  const random = crypto.getRandomValues(new Uint8Array(8));
  return deletedPrefix + Array.from(random, (byte) => aliasAlphabet[byte & 31]).join("");
}

/** Like {@link parseUserName}, and refuses reserved names too. */
export function parseNewUserName(name: string): string {
  parseUserName(name);
  if (!reserved.has(name) && !name.startsWith(deletedPrefix)) return name;
  throw new ChatError("invalid_argument", `The name "${name}" is reserved: choose another.`);
}
