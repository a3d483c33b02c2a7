import type { Message } from "../../../core/messages/message.ts";
import type { Queries } from "../connection/connection.ts";

/** The limits of a page: entries, and bytes of text beyond the first entry. */
export interface PageLimits {
  readonly limit: number;
  readonly maxBytes: number;
}

/** The entries at given positions. */
export interface ReadEntries {
  readonly messages: Message[];
  /** Whether all existing entries were read; false if a limit was reached. */
  readonly isWhole: boolean;
}

/**
 * Reads the entries at `positions`, in this order, for `user`, a key, up to the limits, but always the first entry.
 * @param limits.marks reads the reactions and the pin of each entry, too
 */
export function readEntries(
  _queries: Queries,
  _user: number,
  _page: PageLimits & { readonly positions: readonly number[]; readonly marks?: boolean },
): Promise<ReadEntries> {
  throw new Error("not written");
}
