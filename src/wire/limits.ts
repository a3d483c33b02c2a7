import { ChatError } from "../core/chat_error.ts";

/** Longest frame, in bytes, both ways. */
export const maxFrameBytes = 64 * 1024;

/**
 * Bytes of a session's window that an item other than a message takes beside its own: a queue of many small items is
 * larger than their sum.
 */
export const otherItemOverhead = 64;

/**
 * The protocol versions that this program speaks. Version 1 has messages only; version 2 adds events and all notices.
 */
export const protocolVersions: { readonly min: number; readonly max: number } = { min: 1, max: 2 };

/**
 * Returns the page size that a client asks for, `standard` for 0.
 * @throws {ChatError} `invalid_argument` beyond `most`
 */
export function parseLimit(limit: number, { standard, most }: { standard: number; most: number }): number {
  if (limit === 0) return standard;
  if (limit <= most) return limit;
  throw new ChatError("invalid_argument", `limit is ${limit}: ask for ${most} at most.`);
}

const consumerPattern = /^[a-z0-9][a-z0-9._:-]{0,63}$/;

/** Returns the name of a consumer, "ui" for "". @throws {ChatError} `invalid_argument` */
export function parseConsumer(consumer: string): string {
  if (consumer === "") return "ui";
  if (consumerPattern.test(consumer)) return consumer;
  throw new ChatError(
    "invalid_argument",
    `${
      JSON.stringify(consumer.slice(0, 80))
    } is not a consumer name: use 1 to 64 characters of a-z 0-9 . _ : - and begin with a letter or digit.`,
  );
}
