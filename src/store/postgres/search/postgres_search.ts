import { ChatError } from "../../../core/chat_error.ts";
import type { MessageSearch, SearchRequest, SearchResult } from "../../../core/search/message_search.ts";
import type { SearchTerm } from "../../../core/search/search_query.ts";
import { decodeText } from "../../shared/column_values.ts";
import { clockSlackMs, conversationsPerQuery, type FoundHits, maxTurnMs, newestHits } from "../../shared/found_hits.ts";
import type { Database } from "../connection/database.ts";
import { isTimeout } from "../connection/postgres_error.ts";
import { Tokenizer } from "./tokenizer.ts";
import { matches, toTsquery, type WordQuery, type WordTerm } from "./word_query.ts";

/** The names of a request, resolved. */
interface Resolved {
  readonly indexedThrough: number;
  readonly indexedUntil: number;
  readonly user: number | null;
  readonly sender: number | null;
  readonly conversations: readonly number[];
  /** Bounds of positions by time. */
  readonly since: number;
  readonly until: number;
}

interface FoundRow {
  readonly positions: readonly number[];
  readonly longs: readonly number[];
  readonly through: number;
}

const statements = {
  resolve: `SELECT c.position AS "indexedThrough", coalesce((
      SELECT e.accepted_at FROM entry e WHERE e.position <= c.position ORDER BY e.position DESC LIMIT 1
    ), 0) AS "indexedUntil",
    u.id AS "user", (SELECT s.id FROM "user" s WHERE s.name = $2) AS sender,
    CASE WHEN $3::text IS NULL
      THEN ARRAY(SELECT DISTINCT s.conversation FROM span s WHERE s.user = u.id)
      ELSE ARRAY(SELECT n.id FROM conversation n WHERE n.name = $3)
    END AS conversations,
    CASE WHEN $4::bigint IS NULL THEN 1 ELSE first_position_since_1($4) END AS since,
    CASE WHEN $5::bigint IS NULL THEN ${Number.MAX_SAFE_INTEGER} ELSE first_position_since_1($5) END AS until
    FROM search_cursor c LEFT JOIN "user" u ON u.name = $1`,
  find: "SELECT positions, longs, through FROM find_messages_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
  texts: `SELECT e.position, e.text, (SELECT f.name FROM file f WHERE f.position = e.position AND e.file = 1) AS name
    FROM entry e WHERE e.position = ANY ($1)`,
};

/** Finds messages by their content, as SQLite's `MessageFinder`. */
export class PostgresSearch implements MessageSearch, Disposable {
  readonly #database: Database;
  readonly #tokenizer = new Tokenizer();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Searches for up to a second, and returns where the next page continues. */
  async find(request: SearchRequest): Promise<SearchResult> {
    try {
      return await this.#find(request);
    } catch (error) {
      // Is not worth another try, which would take as long.
      if (isTimeout(error)) {
        throw new ChatError("limit_reached", "This takes the server too long: ask for less.", { cause: error });
      }
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#tokenizer[Symbol.dispose]();
  }

  async #find(request: SearchRequest): Promise<SearchResult> {
    const { sender, conversation, after, before, beforePosition, limit, hasFile = false } = request;
    const [{ indexedThrough, indexedUntil, ...resolved }] = await this.#database.search<Resolved>(statements.resolve, [
      request.user,
      sender ?? null,
      conversation ?? null,
      after === undefined ? null : after - clockSlackMs,
      before === undefined ? null : before + clockSlackMs,
    ]);
    const query = this.#toQuery(request);
    const isSenderUnknown = sender !== undefined && resolved.sender === null;
    if (resolved.user === null || resolved.conversations.length === 0 || isSenderUnknown || query === undefined) {
      return { positions: [], more: false, nextBeforePosition: 0, indexedThrough, indexedUntil };
    }
    const below = beforePosition === 0 ? resolved.until : Math.min(beforePosition, resolved.until);
    const end = performance.now() + maxTurnMs;
    const found: FoundHits[] = [];
    for (let first = 0; first < resolved.conversations.length; first += conversationsPerQuery) {
      const conversations = resolved.conversations.slice(first, first + conversationsPerQuery);
      const scope = { conversations, sender: resolved.sender ?? undefined, hasFile };
      found.push(
        await this.#findHits(request, { query, expression: toTsquery(query, scope), ...resolved, below, end }),
      );
    }
    return { ...newestHits(found, limit), indexedThrough, indexedUntil };
  }

  async #findHits(
    { after = 0, before = Number.MAX_SAFE_INTEGER, mentionsMe = false, isUnread = false, limit }: SearchRequest,
    { query, expression, user, since, below, end }: {
      query: WordQuery;
      expression: string;
      user: number | null;
      since: number;
      below: number;
      /** When the time for the search is over, by `performance.now()`. */
      end: number;
    },
  ): Promise<FoundHits> {
    const [{ positions, longs, through }] = await this.#database.search<FoundRow>(
      statements.find,
      // One more than requested, to know whether there is more.
      [user, expression, since - 1, below, after, before, mentionsMe, isUnread, limit + 1, end - performance.now()],
    );
    const long = positions.filter((_, index) => longs[index] === 1);
    const other = query.terms.length + query.excluded.length === 0 ? new Set() : await this.#findOthers(long, query);
    return { positions: positions.filter((position) => !other.has(position)), through };
  }

  /** Returns those of long messages that the query does not match. */
  async #findOthers(positions: readonly number[], query: WordQuery): Promise<Set<number>> {
    if (positions.length === 0) return new Set();
    const rows = await this.#database.search<{ position: number; text: Uint8Array; name: string | null }>(
      statements.texts,
      [positions],
    );
    const words = this.#tokenizer.split(rows.map(({ text, name }) => ({ text: decodeText(text), file: name ?? "" })));
    const matching = new Set(rows.filter((_, index) => matches(query, words[index])).map(({ position }) => position));
    return new Set(positions.filter((position) => !matching.has(position)));
  }

  /** Splits the terms of a query into words; terms without one count no more. @returns undefined if none is left */
  #toQuery({ terms, excluded }: { terms: readonly SearchTerm[]; excluded: readonly SearchTerm[] }) {
    const split = (all: readonly SearchTerm[]): WordTerm[] => {
      const words = this.#tokenizer.split(all.map(({ text }) => ({ text: text.replaceAll("\0", " "), file: "" })));
      return all.map(({ prefix }, index) => ({ words: words[index].text, prefix }))
        .filter(({ words }) => words.length > 0);
    };
    const query: WordQuery = { terms: split(terms), excluded: split(excluded) };
    return terms.length > 0 && query.terms.length === 0 ? undefined : query;
  }
}
