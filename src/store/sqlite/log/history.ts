import type { HistoryPage, HistoryRange } from "../../../core/messages/message_store.ts";
import type { Database } from "../database.ts";
import type { Steps } from "../steps.ts";
import type { ReadEntries } from "../../shared/page_limits.ts";
import { headOf } from "./heads.ts";
import type { LogPages } from "./log_pages.ts";

/** Reads the messages at given positions up to the page's limits; always the first. */
type Read = (positions: readonly number[]) => Steps<ReadEntries>;

/** The part of a conversation that a user may see, with its bounds. */
interface Extent {
  readonly id: number;
  readonly user: number;
  readonly startSeq: number;
  readonly headSeq: number;
  readonly events: boolean;
}

function prepareStatements(database: Database) {
  return {
    // Uses the last stay, because the user sees no entries after it.
    find: database.prepare(
      `SELECT c.id, c.first_seq AS firstSeq, min(s.last_seq, ${headOf.seq}) AS headSeq
       FROM conversation c CROSS JOIN span s ON s.conversation = c.id
       WHERE c.name = ? AND s.user = ? ORDER BY s.first_seq DESC LIMIT 1`,
    ),
    start: database.prepare(
      `SELECT max(first_seq, :firstSeq) AS seq FROM span
       WHERE user = :user AND conversation = :id AND last_seq >= :firstSeq ORDER BY first_seq LIMIT 1`,
    ),
    acceptedAt: database.prepare("SELECT accepted_at AS at FROM entry WHERE conversation = ? AND seq = ?"),
  };
}

/** Pages of a conversation's log for one user. */
export class History {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #pages: LogPages;

  constructor(database: Database, pages: LogPages) {
    this.#statements = prepareStatements(database);
    this.#pages = pages;
  }

  /**
   * Reads a page. The first step determines its bounds: entries that are committed later are outside, and entries that
   * retention removes meanwhile are missing.
   * @returns undefined if the user, a key, was never in the conversation
   */
  *page(
    { user, conversation }: { user: number; conversation: string },
    range: HistoryRange & { limit: number },
    read: Read,
  ): Steps<HistoryPage | undefined> {
    const { find, start } = this.#statements;
    const found = find.get(conversation, user) as { id: number; firstSeq: number; headSeq: number } | undefined;
    if (!found) return undefined;
    const { id, firstSeq, headSeq } = found;
    const kept = (start.get({ user, id, firstSeq }) as { seq: number } | undefined)?.seq ?? 0;
    const startSeq = kept > headSeq ? 0 : kept;
    const extent = { id, user, startSeq, headSeq, events: range.events };
    const from = Math.max(startSeq, range.afterSeq + 1, this.#firstSince(found, range.fromMs));
    const to = range.beforeSeq === 0 ? headSeq : Math.min(headSeq, range.beforeSeq - 1);
    const forward = range.afterSeq > 0 || range.fromMs > 0;
    if (startSeq === 0 || from > to) return yield* this.#emptyPage(extent, { from, to });
    return yield* forward
      ? this.#forward(extent, { from, to, limit: range.limit }, read)
      : this.#backward(extent, { from, to, limit: range.limit }, read);
  }

  *#emptyPage(extent: Extent, { from, to }: { from: number; to: number }): Steps<HistoryPage> {
    const { startSeq, headSeq } = extent;
    const more = startSeq > 0 && (yield* this.#hasEntries(extent, startSeq, Math.min(from - 1, to)));
    const moreAfter = startSeq > 0 && (yield* this.#hasEntries(extent, Math.max(from, to + 1), headSeq));
    return { messages: [], firstSeq: 0, lastSeq: 0, headSeq, startSeq, more, moreAfter };
  }

  *#backward(
    extent: Extent,
    { from, to, limit }: { from: number; to: number; limit: number },
    read: Read,
  ): Steps<HistoryPage> {
    const { id: conversation, user, events, startSeq, headSeq } = extent;
    // One more than requested, to know whether there is more.
    const { positions, cutAt } = yield* this.#pages.newest({ user, conversation, from, to, events }, limit + 1);
    const { messages, isWhole } = yield* read(positions);
    messages.reverse();
    // All entries of the page were removed meanwhile; the remaining ones are older.
    if (!isWhole && messages.length === 0) return yield* this.#backward(extent, { from, to, limit }, read);
    const firstSeq = !isWhole ? messages[0].seq : cutAt !== undefined ? cutAt + 1 : from;
    const more = !isWhole || cutAt !== undefined || (yield* this.#hasEntries(extent, startSeq, from - 1));
    const moreAfter = yield* this.#hasEntries(extent, to + 1, headSeq);
    return { messages, firstSeq, lastSeq: to, headSeq, startSeq, more, moreAfter };
  }

  *#forward(
    extent: Extent,
    { from, to, limit }: { from: number; to: number; limit: number },
    read: Read,
  ): Steps<HistoryPage> {
    const { id: conversation, user, events, startSeq, headSeq } = extent;
    const { positions, cutAt } = yield* this.#pages.oldest({ user, conversation, from, to, events }, limit + 1);
    const { messages, isWhole } = yield* read(positions);
    if (!isWhole && messages.length === 0) return yield* this.#forward(extent, { from, to, limit }, read);
    const lastSeq = !isWhole ? messages[messages.length - 1].seq : cutAt !== undefined ? cutAt - 1 : to;
    const moreAfter = !isWhole || cutAt !== undefined || (yield* this.#hasEntries(extent, to + 1, headSeq));
    return {
      messages,
      firstSeq: from,
      lastSeq,
      headSeq,
      startSeq,
      more: yield* this.#hasEntries(extent, startSeq, from - 1),
      moreAfter,
    };
  }

  /** Whether the range has visible entries; also true if finding out would be too expensive. */
  *#hasEntries({ id: conversation, user, events }: Extent, from: number, to: number): Steps<boolean> {
    if (from > to) return false;
    const { positions, cutAt } = yield* this.#pages.newest({ user, conversation, from, to, events }, 1);
    return positions.length > 0 || cutAt !== undefined;
  }

  /** Finds the first seq accepted at `time` or later by bisection, which assumes that the clock went forward. */
  #firstSince({ id, firstSeq, headSeq }: { id: number; firstSeq: number; headSeq: number }, time: number): number {
    if (time === 0) return 0;
    let low = firstSeq;
    let high = headSeq + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = this.#statements.acceptedAt.get(id, middle) as { at: number } | undefined;
      if (found !== undefined && found.at >= time) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
