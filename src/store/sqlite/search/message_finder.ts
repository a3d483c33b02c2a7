import type { StatementSync } from "node:sqlite";
import type { SearchRequest, SearchResult } from "../../../core/search/message_search.ts";
import { isTextShown, isVisible } from "../log/visibility.ts";
import { searchExpression } from "./search_expression.ts";

/** Conversations that one query of the index is about. */
const conversationsAtOnce = 256;
/** What a turn may cost beyond the first few of each query: hits looked at, and milliseconds. */
const maxHits = 20_000;
const maxTurnMs = 1_000;
const minHitsOfQuery = 64;
/** How far the server's clock may have been set back while it served, in milliseconds: nothing is missed, only looked at in vain. */
const clockSlackMs = 24 * 60 * 60 * 1000;

interface Bounds {
  /** Positions between these, without them. */
  readonly above: number;
  readonly below: number;
}

interface Found {
  /** Highest first. */
  readonly positions: number[];
  /** Nothing is missing down to here. */
  readonly through: number;
}

interface Connection {
  prepare(sql: string): StatementSync;
}

function prepareStatements(connection: Connection) {
  return {
    begin: connection.prepare("BEGIN"),
    end: connection.prepare("COMMIT"),
    cursor: connection.prepare("SELECT position FROM search_cursor WHERE one = 1"),
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
         AND ${isVisible(":user", "e")} AND ${isTextShown(":user", "e")}`,
    ),
  };
}

/** The reading side of the index of words, over a connection of its own. */
export class MessageFinder {
  readonly #statements: ReturnType<typeof prepareStatements>;

  /** Uses the connection, and leaves its closing to the caller. */
  constructor(connection: Connection) {
    this.#statements = prepareStatements(connection);
  }

  /** Looks for a second at most, and says where to go on. */
  find(request: SearchRequest): SearchResult {
    const { begin, end } = this.#statements;
    begin.run();
    try {
      return this.#find(request);
    } finally {
      // A reader that stays keeps the write-ahead log from being emptied.
      end.run();
    }
  }

  #find(request: SearchRequest): SearchResult {
    const indexedThrough = numberIn(this.#statements.cursor.get())!;
    const user = numberIn(this.#statements.userId.get(request.user));
    const sender = request.sender === undefined ? undefined : numberIn(this.#statements.userId.get(request.sender));
    const conversations = user === undefined ? [] : this.#conversations(user, request.conversation);
    const nobody = request.sender !== undefined && sender === undefined;
    if (conversations.length === 0 || nobody) {
      return { positions: [], more: false, nextBeforePosition: 0, indexedThrough };
    }
    const bounds = this.#bounds(request);
    const turn = { end: performance.now() + maxTurnMs, hits: 0 };
    const found: Found[] = [];
    for (let first = 0; first < conversations.length; first += conversationsAtOnce) {
      const scope = { conversations: conversations.slice(first, first + conversationsAtOnce), sender };
      found.push(this.#hits(request, { expression: searchExpression(request, scope), user: user!, bounds, turn }));
    }
    return { ...newest(found, request.limit), indexedThrough };
  }

  #conversations(user: number, only: string | undefined): number[] {
    if (only === undefined) {
      return this.#statements.conversationsOf.all(user).map(({ conversation }) => Number(conversation));
    }
    const id = numberIn(this.#statements.conversationId.get(only));
    return id === undefined ? [] : [id];
  }

  #hits(
    { after = 0, before = Number.MAX_SAFE_INTEGER, limit }: SearchRequest,
    { expression, user, bounds, turn }: {
      expression: string;
      user: number;
      bounds: Bounds;
      turn: { end: number; hits: number };
    },
  ): Found {
    const positions: number[] = [];
    let count = 0;
    for (const hit of this.#statements.hits.iterate({ expression, ...bounds })) {
      const position = Number(hit.position);
      if (this.#statements.visible.get({ position, user, after, before }) !== undefined) positions.push(position);
      // One more than asked for tells whether anything is left.
      if (positions.length > limit) return { positions, through: position };
      turn.hits++;
      if (++count >= minHitsOfQuery && (turn.hits >= maxHits || performance.now() >= turn.end)) {
        return { positions, through: position };
      }
    }
    return { positions, through: 0 };
  }

  /** Positions rise with time, clocks set right aside, so times narrow down what has to be looked at. */
  #bounds({ after, before, beforePosition }: SearchRequest): Bounds {
    const newest = beforePosition === 0 ? Number.MAX_SAFE_INTEGER : beforePosition;
    return {
      above: after === undefined ? 0 : this.#firstSince(after - clockSlackMs) - 1,
      below: before === undefined ? newest : Math.min(newest, this.#firstSince(before + clockSlackMs)),
    };
  }

  /** The first position whose entry was accepted at `time` or later; beyond the last one if there is none. */
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

/** The newest of what several queries found. */
function newest(found: readonly Found[], limit: number): Omit<SearchResult, "indexedThrough"> {
  const through = Math.max(...found.map((each) => each.through));
  const all = found.flatMap(({ positions }) => positions).filter((position) => position >= through);
  all.sort((one, other) => other - one);
  const positions = all.slice(0, limit);
  const last = positions.length < all.length ? positions[limit - 1] : through;
  return { positions, more: last > 0, nextBeforePosition: last };
}

function numberIn(row: ReturnType<StatementSync["get"]>): number | undefined {
  const value = row && Object.values(row)[0];
  return typeof value === "number" ? value : undefined;
}
