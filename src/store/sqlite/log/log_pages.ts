import type { Database } from "../database.ts";
import type { Steps } from "../steps.ts";
import { kindCodes } from "../../shared/entry_columns.ts";
import type { LogPage, LogPagesOptions, LogRange } from "../../shared/log_range.ts";
import { isShown } from "../../shared/visibility.ts";

/** Entries to examine per step. */
const entriesPerStep = 1024;

type Direction = "ASC" | "DESC";

function prepareStatements(database: Database) {
  // Spans do not overlap, so walking spans in order walks entries in order.
  const walk = `FROM span s CROSS JOIN entry e ON e.conversation = s.conversation
      AND e.seq >= max(s.first_seq, :from) AND e.seq <= min(s.last_seq, :to)
    WHERE s.user = :user AND s.conversation = :conversation AND s.first_seq <= :to AND s.last_seq >= :from`;
  const inOrder = (direction: Direction) => `ORDER BY s.first_seq ${direction}, e.seq ${direction}`;
  // SQLite runs the inner query only as far as the outer one needs. Unlike AND in a result column, CASE short-circuits.
  const find = (direction: Direction) =>
    database.prepare(
      `SELECT position FROM (
         SELECT e.position, CASE WHEN (:events OR e.kind = ${kindCodes.message}) AND ${
        isShown(":user", "e")
      } THEN 1 END AS wanted
         ${walk} ${inOrder(direction)} LIMIT +:budget)
       WHERE wanted LIMIT +:limit`,
    );
  const cutAt = (direction: Direction) =>
    database.prepare(`SELECT e.seq ${walk} ${inOrder(direction)} LIMIT 1 OFFSET +:budget`);
  return {
    find: { ASC: find("ASC"), DESC: find("DESC") },
    cutAt: { ASC: cutAt("ASC"), DESC: cutAt("DESC") },
  };
}

/**
 * Finds visible entries of a conversation in both directions. The cost is bounded, regardless of the number of hidden
 * entries.
 */
export class LogPages {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #budget: number;

  constructor(database: Database, { maxLookedAt = 4096 }: LogPagesOptions = {}) {
    this.#statements = prepareStatements(database);
    this.#budget = maxLookedAt;
  }

  oldest(range: LogRange, limit: number): Steps<LogPage> {
    return this.#find("ASC", range, { limit, budget: this.#budget });
  }

  newest(range: LogRange, limit: number, { maxLookedAt = this.#budget }: LogPagesOptions = {}): Steps<LogPage> {
    return this.#find("DESC", range, { limit, budget: Math.min(maxLookedAt, this.#budget) });
  }

  *#find(
    direction: Direction,
    { user, conversation, events, ...ends }: LogRange,
    { limit, budget }: { limit: number; budget: number },
  ): Steps<LogPage> {
    const { find, cutAt } = this.#statements;
    const positions: number[] = [];
    let range = { user, conversation, ...ends };
    for (let left = budget;;) {
      const step = Math.min(left, entriesPerStep);
      const rows = find[direction].all({
        ...range,
        events: Number(events),
        budget: step,
        limit: limit - positions.length,
      });
      for (const { position } of rows as { position: number }[]) positions.push(position);
      if (positions.length === limit) return { positions, cutAt: undefined };
      const cut = cutAt[direction].get({ ...range, budget: step }) as { seq: number } | undefined;
      left -= step;
      if (cut === undefined || left <= 0) return { positions, cutAt: cut?.seq };
      range = direction === "ASC" ? { ...range, from: cut.seq } : { ...range, to: cut.seq };
      yield;
    }
  }
}
