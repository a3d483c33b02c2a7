import type { StatementSync } from "node:sqlite";
import type { SearchRequest, SearchResult } from "../../../core/search/message_search.ts";
import {
  clockSlackMs,
  conversationsPerQuery,
  type FoundHits,
  maxHits,
  maxTurnMs,
  minHitsOfQuery,
  newestHits,
} from "../../shared/found_hits.ts";
import { isSought } from "../../shared/search_conditions.ts";
import { isTextShown, isVisible } from "../../shared/visibility.ts";
import { searchExpression } from "./search_expression.ts";

interface Bounds {
  /** Bounds of positions, exclusive. */
  readonly above: number;
  readonly below: number;
}

interface Connection {
  prepare(sql: string): StatementSync;
}

function prepareStatements(connection: Connection) {
  return {
    begin: connection.prepare("BEGIN"),
    end: connection.prepare("COMMIT"),
    cursor: connection.prepare(
      `SELECT c.position AS indexedThrough, coalesce((
         SELECT e.accepted_at FROM entry e WHERE e.position <= c.position ORDER BY e.position DESC LIMIT 1
       ), 0) AS indexedUntil FROM search_cursor c WHERE c.one = 1`,
    ),
    userId: connection.prepare("SELECT id FROM user WHERE name = ?"),
    conversationId: connection.prepare("SELECT id FROM conversation WHERE name = ?"),
    conversationsOf: connection.prepare("SELECT DISTINCT conversation FROM span WHERE user = ?"),
    entryFrom: connection.prepare(
      "SELECT position, accepted_at AS acceptedAt FROM entry WHERE position >= ? ORDER BY position LIMIT 1",
    ),
    head: connection.prepare("SELECT max(position) AS position FROM entry"),
    hits: connection.prepare(
      `SELECT rowid AS position FROM search_index
       WHERE search_index MATCH :expression AND rowid < :below AND rowid > :above ORDER BY rowid DESC`,
    ),
    visible: connection.prepare(
      `SELECT 1 FROM entry e WHERE e.position = :position AND e.accepted_at >= :after AND e.accepted_at < :before
         AND ${isVisible(":user", "e")} AND ${isTextShown(":user", "e")}
         AND ${isSought(":user", { mentionsMe: ":mentionsMe", isUnread: ":isUnread" })}`,
    ),
  };
}

/** The reading side of the search index, over a separate connection. */
export class MessageFinder {
  readonly #statements: ReturnType<typeof prepareStatements>;

  /** The caller owns the connection. */
  constructor(connection: Connection) {
    this.#statements = prepareStatements(connection);
  }

  /** Searches for up to a second, and returns where the next page continues. */
  find(request: SearchRequest): SearchResult {
    const { begin, end } = this.#statements;
    begin.run();
    try {
      return this.#find(request);
    } finally {
      // An open read transaction would prevent the truncation of the write-ahead log.
      end.run();
    }
  }

  #find(request: SearchRequest): SearchResult {
    const indexed = this.#statements.cursor.get() as { indexedThrough: number; indexedUntil: number };
    const user = numberIn(this.#statements.userId.get(request.user));
    const sender = request.sender === undefined ? undefined : numberIn(this.#statements.userId.get(request.sender));
    const conversations = user === undefined ? [] : this.#conversations(user, request.conversation);
    const isSenderUnknown = request.sender !== undefined && sender === undefined;
    if (conversations.length === 0 || isSenderUnknown) {
      return { positions: [], more: false, nextBeforePosition: 0, ...indexed };
    }
    const bounds = this.#boundsOf(request);
    const turn = { end: performance.now() + maxTurnMs, hits: 0 };
    const found: FoundHits[] = [];
    for (let first = 0; first < conversations.length; first += conversationsPerQuery) {
      const scope = { conversations: conversations.slice(first, first + conversationsPerQuery), sender };
      found.push(this.#findHits(request, { expression: searchExpression(request, scope), user: user!, bounds, turn }));
    }
    return { ...newestHits(found, request.limit), ...indexed };
  }

  #conversations(user: number, only: string | undefined): number[] {
    if (only === undefined) {
      return this.#statements.conversationsOf.all(user).map(({ conversation }) => Number(conversation));
    }
    const id = numberIn(this.#statements.conversationId.get(only));
    return id === undefined ? [] : [id];
  }

  #findHits(
    { after = 0, before = Number.MAX_SAFE_INTEGER, mentionsMe, isUnread, limit }: SearchRequest,
    { expression, user, bounds, turn }: {
      expression: string;
      user: number;
      bounds: Bounds;
      turn: { end: number; hits: number };
    },
  ): FoundHits {
    const filter = {
      user,
      after,
      before,
      mentionsMe: Number(mentionsMe ?? false),
      isUnread: Number(isUnread ?? false),
    };
    const positions: number[] = [];
    let count = 0;
    for (const hit of this.#statements.hits.iterate({ expression, ...bounds })) {
      const position = Number(hit.position);
      if (this.#statements.visible.get({ position, ...filter }) !== undefined) positions.push(position);
      // One more than requested, to know whether there is more.
      if (positions.length > limit) return { positions, through: position };
      turn.hits++;
      if (++count >= minHitsOfQuery && (turn.hits >= maxHits || performance.now() >= turn.end)) {
        return { positions, through: position };
      }
    }
    return { positions, through: 0 };
  }

  /** Converts times to bounds of positions, which rise with time apart from corrections of the clock. */
  #boundsOf({ after, before, beforePosition }: SearchRequest): Bounds {
    const newest = beforePosition === 0 ? Number.MAX_SAFE_INTEGER : beforePosition;
    return {
      above: after === undefined ? 0 : this.#firstSince(after - clockSlackMs) - 1,
      below: before === undefined ? newest : Math.min(newest, this.#firstSince(before + clockSlackMs)),
    };
  }

  /** Returns the first position accepted at `time` or later; beyond the last one if there is none. */
  #firstSince(time: number): number {
    let low = 1;
    let high = (numberIn(this.#statements.head.get()) ?? 0) + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const entry = this.#statements.entryFrom.get(middle) as { position: number; acceptedAt: number } | undefined;
      if (entry === undefined || entry.acceptedAt >= time) high = middle;
      else low = entry.position + 1;
    }
    return low;
  }
}

function numberIn(row: ReturnType<StatementSync["get"]>): number | undefined {
  const value = row && Object.values(row)[0];
  return typeof value === "number" ? value : undefined;
}
