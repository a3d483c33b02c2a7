import { ChatError } from "../chat_error.ts";
import { sanitizeLine } from "../sanitize.ts";

/** Longest file name, in bytes of UTF-8. */
export const maxFileNameBytes = 255;

const utf8 = new TextEncoder();
/** Path separators of all systems, and characters that Windows forbids. */
const separators = /[/\\:*?"<>|]/g;
/** Device names on Windows, with any extension. */
const devices = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;
/** Dots, which hide a file on Unix, and white space. */
const startOfName = /^[.\s]+/;
/** Characters that Windows strips from the end of a name. */
const endOfName = /[.\s]+$/;
const mediaTypePattern = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/;

/**
 * Returns `name` unchanged.
 * @throws {ChatError} `invalid_argument` unless it is a name without a path, of visible characters
 */
export function parseFileName(name: string): string {
  const isPlain = name.isWellFormed() && !/[/\\]/.test(name) && sanitizeLine(name) === name && name.trim() === name;
  if (isPlain && name !== "" && name !== "." && name !== ".." && utf8.encode(name).length <= maxFileNameBytes) {
    return name;
  }
  throw new ChatError(
    "invalid_argument",
    `Invalid file name: use 1 to ${maxFileNameBytes} bytes, no "/" or "\\", and only visible characters.`,
  );
}

/** Makes a name that is safe on every system from the last part of a path, or from a name that another user chose. */
export function harmlessFileName(path: string): string {
  const last = path.split(/[/\\]/).findLast((part) => part.trim() !== "") ?? "";
  const bare = sanitizeLine(last).replace(separators, "_").replace(startOfName, "").replace(endOfName, "");
  // A combining character may have come to the beginning.
  const name = shorten(sanitizeLine(bare) || "file");
  // Shortened, it may be that of a device.
  return shorten(name.replace(devices, "_$&"));
}

/**
 * Returns `type` in lower case, without parameters.
 * @throws {ChatError} `invalid_argument` unless it is a media type (RFC 6838, 4.2)
 */
export function parseMediaType(type: string): string {
  if (type === "") return "application/octet-stream";
  const lower = type.toLowerCase();
  if (mediaTypePattern.test(lower)) return lower;
  throw new ChatError(
    "invalid_argument",
    `${JSON.stringify(type.slice(0, 64))} is not a media type: use one like "image/png", without parameters.`,
  );
}

/** Shortens a name before its extension, between characters. */
function shorten(name: string): string {
  if (utf8.encode(name).length <= maxFileNameBytes) return name;
  const [ending = ""] = /\.[^.]{1,16}$/u.exec(name) ?? [];
  const characters = [...name.slice(0, name.length - ending.length)];
  let room = maxFileNameBytes - utf8.encode(ending).length;
  const end = characters.findIndex((character) => (room -= utf8.encode(character).length) < 0);
  return characters.slice(0, end).join("").replace(endOfName, "") + ending;
}
