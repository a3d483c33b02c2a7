import { nameSkeleton } from "../accounts/name_skeleton.ts";
import { ChatError } from "../chat_error.ts";
import { sanitizeLine } from "../sanitize.ts";

/** Code points of a display name or a status text at most. */
export const maxDisplayText = 64;

/** Replacements by {@link sanitizeLine} for characters that have no place in a name. */
const replaced = /[\uFFFD\u2400-\u2421]/u;

/**
 * Returns a display name as it is kept: in NFC, on one line, without space around it; "" removes the name.
 * @throws {ChatError} `invalid_argument` when it is too long, has control characters or nothing visible
 */
export function parseDisplayName(text: string): string {
  const name = parseText(text, "display name");
  if (name === "" || nameSkeleton(name) !== "") return name;
  throw new ChatError("invalid_argument", "A display name needs a letter, a digit or a symbol that can be seen.");
}

/** Returns a status text as it is kept, like {@link parseDisplayName}. @throws {ChatError} `invalid_argument` */
export function parseStatusText(text: string): string {
  return parseText(text, "status text");
}

function parseText(text: string, kind: string): string {
  // A text this long is too long however much of it is space.
  const line = sanitizeLine(text.slice(0, 16 * maxDisplayText).normalize("NFC").replace(/\s+/g, " ").trim());
  if ([...line].length > maxDisplayText) {
    throw new ChatError("invalid_argument", `A ${kind} has at most ${maxDisplayText} characters.`);
  }
  if (!replaced.test(line)) return line;
  throw new ChatError("invalid_argument", `The ${kind} has a control or invisible character: write it without.`);
}
