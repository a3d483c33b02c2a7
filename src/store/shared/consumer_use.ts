import type { ConsumerOptions } from "../../core/messages/message_store.ts";

/** Minimum time between two writes of a consumer's last use, in milliseconds. */
export const noteUseEveryMs = 60 * 60 * 1000;

/** Returns whether a use is to be written. `known.usedAt` is the time of the last one that was. */
export function isNoteDue(known: { readonly usedAt: number }, { usedAt = 0 }: ConsumerOptions): boolean {
  return usedAt - known.usedAt > noteUseEveryMs;
}
