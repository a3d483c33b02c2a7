import type { HistoryPage, HistoryRange } from "../../../core/messages/message_store.ts";
import type { PageLimits } from "../../shared/page_limits.ts";
import type { Queries } from "../connection/connection.ts";
import { headOf } from "./conversation_head.ts";
import { readEntries } from "./entry_reader.ts";
import type { LogPages } from "./log_pages.ts";
import { findSeqs } from "./seq_search.ts";

/** The part of a conversation that a user may see, with its bounds. */
interface Extent {
  readonly user: number;
  readonly conversation: number;
  /** 0 if the user may see none of it. */
  readonly startSeq: number;
  readonly headSeq: number;
  readonly events: boolean;
}

/** The range of a page, and its limits. */
type Part = PageLimits & { readonly from: number; readonly to: number };

/** The last stay decides about the head, because the user sees no entries after it. */
export const extentStatement = `SELECT c.id, c.first_seq AS "firstSeq", least(newest.last_seq, ${
  headOf("c.id").seq
}) AS "headSeq", coalesce((
      SELECT greatest(s.first_seq, c.first_seq) FROM span s
      WHERE s.user = $1 AND s.conversation = c.id AND s.last_seq >= c.first_seq ORDER BY s.first_seq LIMIT 1), 0) AS "keptSeq"
    FROM conversation c CROSS JOIN LATERAL (
      SELECT s.last_seq FROM span s WHERE s.user = $1 AND s.conversation = c.id ORDER BY s.first_seq DESC LIMIT 1) newest
    WHERE c.name = $2`;

/** Pages of a conversation's log for one user. */
export class History {
  readonly #pages: LogPages;

  constructor(pages: LogPages) {
    this.#pages = pages;
  }

  /** `user` is a key. Returns undefined if the user was never in the conversation. */
  async page(
    queries: Queries,
    user: number,
    { conversation: name, ...range }: { conversation: string } & HistoryRange & PageLimits,
  ): Promise<HistoryPage | undefined> {
    const [found] = await queries.query<{ id: number; firstSeq: number; headSeq: number; keptSeq: number }>(
      extentStatement,
      [user, name],
    );
    if (found === undefined) return undefined;
    const { id: conversation, headSeq, keptSeq } = found;
    const startSeq = keptSeq > headSeq ? 0 : keptSeq;
    const extent = { user, conversation, startSeq, headSeq, events: range.events };
    const { beforeSeq, afterSeq, fromMs, limit, maxBytes } = range;
    const part = {
      from: Math.max(startSeq, afterSeq + 1, await firstSince(queries, found, fromMs)),
      to: beforeSeq === 0 ? headSeq : Math.min(headSeq, beforeSeq - 1),
      limit,
      maxBytes,
    };
    if (startSeq === 0 || part.from > part.to) return await this.#emptyPage(queries, extent, part);
    return afterSeq > 0 || fromMs > 0
      ? await this.#forward(queries, extent, part)
      : await this.#backward(queries, extent, part);
  }

  async #emptyPage(queries: Queries, extent: Extent, { from, to }: Part): Promise<HistoryPage> {
    const { startSeq, headSeq } = extent;
    const isIn = startSeq > 0;
    return {
      messages: [],
      firstSeq: 0,
      lastSeq: 0,
      headSeq,
      startSeq,
      more: isIn && await this.#hasEntries(queries, { ...extent, from: startSeq, to: Math.min(from - 1, to) }),
      moreAfter: isIn && await this.#hasEntries(queries, { ...extent, from: Math.max(from, to + 1), to: headSeq }),
    };
  }

  async #backward(queries: Queries, extent: Extent, { from, to, ...limits }: Part): Promise<HistoryPage> {
    const { user, startSeq, headSeq } = extent;
    // One more than requested, to know whether there is more.
    const page = { ...extent, from, to, limit: limits.limit + 1 };
    const { positions, cutAt } = await this.#pages.newest(queries, page);
    const { messages, isWhole } = await readEntries(queries, user, { ...limits, positions, marks: true });
    messages.reverse();
    return {
      messages,
      firstSeq: !isWhole ? messages[0].seq : cutAt !== undefined ? cutAt + 1 : from,
      lastSeq: to,
      headSeq,
      startSeq,
      more: !isWhole || cutAt !== undefined ||
        await this.#hasEntries(queries, { ...extent, from: startSeq, to: from - 1 }),
      moreAfter: await this.#hasEntries(queries, { ...extent, from: to + 1, to: headSeq }),
    };
  }

  async #forward(queries: Queries, extent: Extent, { from, to, ...limits }: Part): Promise<HistoryPage> {
    const { user, startSeq, headSeq } = extent;
    const page = { ...extent, from, to, limit: limits.limit + 1 };
    const { positions, cutAt } = await this.#pages.oldest(queries, page);
    const { messages, isWhole } = await readEntries(queries, user, { ...limits, positions, marks: true });
    return {
      messages,
      firstSeq: from,
      lastSeq: !isWhole ? messages.at(-1)!.seq : cutAt !== undefined ? cutAt - 1 : to,
      headSeq,
      startSeq,
      more: await this.#hasEntries(queries, { ...extent, from: startSeq, to: from - 1 }),
      moreAfter: !isWhole || cutAt !== undefined ||
        await this.#hasEntries(queries, { ...extent, from: to + 1, to: headSeq }),
    };
  }

  /** Whether the range has visible entries; also true if finding out would be too expensive. */
  async #hasEntries(queries: Queries, range: Extent & { from: number; to: number }): Promise<boolean> {
    if (range.from > range.to) return false;
    const { positions, cutAt } = await this.#pages.newest(queries, { ...range, limit: 1 });
    return positions.length > 0 || cutAt !== undefined;
  }
}

/** Finds the first seq accepted at `time` or later. */
async function firstSince(
  queries: Queries,
  { id: conversation, firstSeq, headSeq }: { id: number; firstSeq: number; headSeq: number },
  time: number,
): Promise<number> {
  if (time === 0) return 0;
  const search = { conversation, from: firstSeq, end: headSeq + 1, value: time };
  const [seq] = await findSeqs(queries, "accepted_at", [search]);
  return seq;
}
