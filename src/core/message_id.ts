import { ChatError } from "./chat_error.ts";

/** How long an id stays known after its message is gone; older ids are refused. */
export const messageIdLifetimeMs = 30 * 24 * 60 * 60 * 1000;
/** How far a client's clock may be ahead. */
export const messageIdLeadMs = 24 * 60 * 60 * 1000;

const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Random bytes for many ids: asking for them costs more than the rest of an id. */
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
 * The UUIDv7 of a time, in milliseconds since the Unix epoch, and 16 bytes: for what makes the same id again in another run. The
 * bytes should be a digest, so that nothing else has it.
 */
export function messageIdOf(time: number, digest: Uint8Array): string {
  const bytes = digest.slice(0, 16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(time / 0x10000));
  view.setUint16(4, time % 0x10000);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = bytes.toHex();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** @returns `id` in lower case. @throws {ChatError} `invalid_argument` unless it is a UUIDv7 in canonical text. */
export function parseMessageId(id: string): string {
  const lower = id.toLowerCase();
  if (pattern.test(lower)) return lower;
  throw new ChatError("invalid_argument", `${JSON.stringify(id.slice(0, 64))} is not a message id: use a UUIDv7.`);
}

/** The time in a parsed id, in milliseconds since the Unix epoch. */
export function messageIdTime(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** @throws {ChatError} `message_id_expired` or `message_id_in_future` when a parsed id's time is out of bounds at `now`. */
export function checkMessageIdTime(id: string, now: number): void {
  const time = messageIdTime(id);
  if (time < now - messageIdLifetimeMs) {
    throw new ChatError("message_id_expired", `Message id ${id} is more than 30 days old: send with a new id.`);
  }
  if (time > now + messageIdLeadMs) {
    throw new ChatError(
      "message_id_in_future",
      `Message id ${id} is more than 24 hours ahead of the server: set the clock of this machine.`,
    );
  }
}
