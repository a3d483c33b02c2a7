import { kindCodes } from "../../shared/entry_columns.ts";
import type { LogPage, LogPagesOptions, LogRange } from "../../shared/log_range.ts";
import { isShown } from "../../shared/visibility.ts";
import type { Queries } from "../connection/connection.ts";

/** The beginning of a conversation, given by key, up to a seq. */
export interface LogPart {
  readonly conversation: number;
  readonly to: number;
}

/** The newest message of a part; without a position, that before which the search stopped. */
export interface NewestMessage {
  readonly position: number | undefined;
  readonly seq: number;
}

type Direction = "ASC" | "DESC";

interface FoundRow {
  readonly position: number;
  readonly seq: number;
  /** Whether the search stopped before it. */
  readonly isCut: boolean;
}

/** A range as SQL. */
type RangeSql = Readonly<Record<"conversation" | "from" | "to" | "events" | "maxLookedAt" | "limit", string>>;

/**
 * SQL for the visible entries of a range and, if the search stops before its end, the entry at which it does. Spans do
 * not overlap, so walking spans in order walks entries in order: a subquery with a limit runs once for each span, and
 * only as far as the outer limits need (https://www.postgresql.org/docs/current/queries-table-expressions.html#QUERIES-LATERAL).
 */
function findIn(direction: Direction, { conversation, from, to, events, maxLookedAt, limit }: RangeSql): string {
  return `SELECT position, seq, looked > ${maxLookedAt} AS "isCut" FROM (
      SELECT e.position, e.seq, e.shown, row_number() OVER () AS looked
      FROM (
        SELECT s.first_seq, s.last_seq FROM span s
        WHERE s.user = $1 AND s.conversation = ${conversation} AND s.first_seq <= ${to} AND s.last_seq >= ${from}
        ORDER BY s.first_seq ${direction}) s
      CROSS JOIN LATERAL (
        SELECT e.position, e.seq,
          CASE WHEN ${events} OR e.kind = ${kindCodes.message} THEN ${isShown("$1", "e")} ELSE false END AS shown
        FROM entry e
        WHERE e.conversation = ${conversation} AND e.seq >= greatest(s.first_seq, ${from}) AND e.seq <= least(s.last_seq, ${to})
        ORDER BY e.seq ${direction} LIMIT ${maxLookedAt} + 1) e
      LIMIT ${maxLookedAt} + 1) walked
    WHERE shown OR looked > ${maxLookedAt} LIMIT ${limit}`;
}

const range = {
  conversation: "$2::bigint",
  from: "$3::bigint",
  to: "$4::bigint",
  events: "$5::boolean",
  maxLookedAt: "$6::bigint",
  limit: "$7::bigint",
};
const part = {
  conversation: "part.conversation",
  from: "1",
  to: "part.last",
  events: "false",
  maxLookedAt: "$4::bigint",
  limit: "1",
};

export const logPageStatements = {
  ASC: findIn("ASC", range),
  DESC: findIn("DESC", range),
  newestMessages: `SELECT part.place, found.* FROM unnest($2::bigint[], $3::bigint[])
      WITH ORDINALITY part (conversation, last, place)
    CROSS JOIN LATERAL (${findIn("DESC", part)}) found`,
};

/**
 * Finds visible entries of a conversation in both directions. The cost is bounded, regardless of the number of hidden
 * entries.
 */
export class LogPages {
  /** Maximum number of entries to examine for one page. */
  readonly maxLookedAt: number;

  constructor({ maxLookedAt = 4096 }: LogPagesOptions = {}) {
    this.maxLookedAt = maxLookedAt;
  }

  oldest(queries: Queries, range: LogRange & { limit: number }): Promise<LogPage> {
    return this.#find(queries, "ASC", range);
  }

  newest(queries: Queries, range: LogRange & { limit: number }): Promise<LogPage> {
    return this.#find(queries, "DESC", range);
  }

  async #find(
    queries: Queries,
    direction: Direction,
    { user, conversation, from, to, events, limit }: LogRange & { limit: number },
  ): Promise<LogPage> {
    const values = [user, conversation, from, to, events, this.maxLookedAt, limit];
    const rows = await queries.query<FoundRow>(logPageStatements[direction], values);
    const cut = rows.at(-1)?.isCut ? rows.pop() : undefined;
    return { positions: rows.map(({ position }) => position), cutAt: cut?.seq };
  }

  /**
   * Finds the newest message of each part that `user`, a key, may see, among the `maxLookedAt` newest entries of each.
   * @returns undefined for a part without one
   */
  async newestMessages(
    queries: Queries,
    user: number,
    { parts, maxLookedAt }: { parts: readonly LogPart[]; maxLookedAt: number },
  ): Promise<(NewestMessage | undefined)[]> {
    const values = [user, parts.map(({ conversation }) => conversation), parts.map(({ to }) => to), maxLookedAt];
    const rows = await queries.query<FoundRow & { place: number }>(logPageStatements.newestMessages, values);
    const newest: (NewestMessage | undefined)[] = Array(parts.length).fill(undefined);
    for (const { place, position, seq, isCut } of rows) {
      newest[place - 1] = { position: isCut ? undefined : position, seq };
    }
    return newest;
  }
}
