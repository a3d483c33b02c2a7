import type { Message } from "../../core/messages/message.ts";

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

/** Estimates the encoded size of reactions and a file's description, in bytes. */
export function sizeBesideText({ reactions = [], attachment }: Message): number {
  const described = attachment === undefined ? 0 : 3 * attachment.name.length + attachment.mediaType.length + 64;
  return reactions.reduce((size, { emoji }) => size + 3 * emoji.length + 10, described);
}
