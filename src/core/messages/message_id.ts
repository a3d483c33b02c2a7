import { ChatError } from "../chat_error.ts";
import type { GuardedClock } from "../clock.ts";
import { idOfBytes } from "./message_id_bytes.ts";

/** How long an id stays known after its message was removed; older ids are refused. */
export const messageIdLifetimeMs = 30 * 24 * 60 * 60 * 1000;
/** How far the clock of a client may be ahead. */
export const messageIdLeadMs = 24 * 60 * 60 * 1000;

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Random bytes for many ids: getting them costs more than the rest of an id. */
const randomBytes = new Uint8Array(4096);
let usedRandomBytes = randomBytes.length;

/** Makes a UUIDv7 (RFC 9562, section 5.7) for `now`, in milliseconds since the Unix epoch. */
export function createMessageId(now: number = Date.now()): string {
  if (usedRandomBytes === randomBytes.length) {
    crypto.getRandomValues(randomBytes);
    usedRandomBytes = 0;
  }
  return messageIdOf(now, randomBytes.subarray(usedRandomBytes, usedRandomBytes += 16));
}

/**
 * Returns the UUIDv7 of a time, in milliseconds since the Unix epoch, and 16 bytes, for callers that must make the same
 * id in another run. The bytes should be a digest, which makes the id unique.
 */
export function messageIdOf(time: number, digest: Uint8Array): string {
  const bytes = digest.slice(0, 16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(time / 0x10000));
  view.setUint16(4, time % 0x10000);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return idOfBytes(bytes);
}

/** Returns whether `id` is a UUIDv7 in canonical text and lower case, as {@link createMessageId} makes it. */
export function isMessageId(id: string): boolean {
  return pattern.test(id);
}

/** @returns `id` in lower case. @throws {ChatError} `invalid_argument` unless it is a UUIDv7 in canonical text. */
export function parseMessageId(id: string): string {
  const lower = id.toLowerCase();
  if (pattern.test(lower)) return lower;
  throw new ChatError("invalid_argument", `${JSON.stringify(id.slice(0, 64))} is not a message id: use a UUIDv7.`);
}

/** Returns the time in a parsed id, in milliseconds since the Unix epoch. */
export function messageIdTime(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/**
 * Checks the time of a parsed id. While the clock of the server is behind the expected time, an id expires by the later
 * of both, because it may have been forgotten by then; an id of the last 24 hours by the clock never does, because the
 * expected time may be wrong.
 * @throws {ChatError} `message_id_expired` or `message_id_in_future` with all times and the clock that is wrong: the
 * server's where the id would be valid by another of its times
 */
export function checkMessageIdTime(id: string, clock: GuardedClock): void {
  const time = messageIdTime(id);
  const now = clock.now();
  if (time < Math.min(clock.latest() - messageIdLifetimeMs, now - messageIdLeadMs)) {
    const isClockWrong = time >= clock.earliest() - messageIdLifetimeMs;
    const remedy = isClockWrong
      ? setServerClock
      : "set the clock of your machine if it is wrong, and send with a new id";
    throw new ChatError("message_id_expired", `${timesOf(id, clock)}, more than 30 days later: ${remedy}.`);
  }
  if (time > now + messageIdLeadMs) {
    const remedy = time <= clock.latest() + messageIdLeadMs ? setServerClock : "set the clock of your machine";
    throw new ChatError("message_id_in_future", `${timesOf(id, clock)}, more than 24 hours earlier: ${remedy}.`);
  }
}

const setServerClock = "the server's clock is wrong, and its operator has to set it";

function timesOf(id: string, clock: GuardedClock): string {
  const [made, now] = [messageIdTime(id), clock.now()].map((time) => new Date(time).toISOString());
  const times = `Message id ${id} was made at ${made} by the clock of your machine, and the server's clock says ${now}`;
  return clock.expected === undefined ? times : `${times} where ${new Date(clock.expected).toISOString()} is expected`;
}
