import { ChatError } from "../chat_error.ts";

const pattern = /^[a-z0-9][a-z0-9._-]{0,31}$/;

/** Names that cannot be registered: the system uses them, or they have a meaning in commands or brokers. */
export const reservedNames: ReadonlySet<string> = new Set([
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
  "room",
  "root",
  "server",
  "system",
]);

/** Returns `name` unchanged. @throws {ChatError} `invalid_argument` when it is not a valid user name */
export function parseUserName(name: string): string {
  if (pattern.test(name)) return name;
  throw new ChatError(
    "invalid_argument",
    `${
      JSON.stringify(name.slice(0, 64))
    } is not a valid user name: use 1 to 32 of a-z 0-9 . _ - and start with a letter or digit.`,
  );
}

/** Prefix of the aliases of deleted accounts. */
const deletedPrefix = "deleted.";
const aliasAlphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** Creates an alias for a deleted account; it is unique and cannot be registered. */
export function createDeletedName(): string {
  const random = crypto.getRandomValues(new Uint8Array(8));
  return deletedPrefix + Array.from(random, (byte) => aliasAlphabet[byte & 31]).join("");
}

/**
 * Parses a name to register: like {@link parseUserName}, but also refuses reserved names, and a separator at the end,
 * which looks like the end of a sentence.
 */
export function parseNewUserName(name: string): string {
  parseUserName(name);
  if (/[._-]$/.test(name)) {
    throw new ChatError("invalid_argument", `The name "${name}" must end with a letter or digit.`);
  }
  if (!reservedNames.has(name) && !name.startsWith(deletedPrefix)) return name;
  throw new ChatError("invalid_argument", `The name "${name}" is reserved: choose another.`);
}
