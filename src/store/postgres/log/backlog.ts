import { isShown, isVisible } from "../../shared/visibility.ts";
import type { Queries } from "../connection/connection.ts";

/** Minimum number of entries to examine, because some may be hidden. */
const leastMerged = 256;
/** A user with fewer than one in this many of the store's new entries is served conversation by conversation. */
const sparse = 64;

export interface BacklogOptions {
  /** As in SQLite's backlog. */
  readonly scanWindow?: number;
  readonly maxMerged?: number;
}

export interface BacklogPage {
  /** Lowest first. */
  readonly positions: readonly number[];
  /** The page is complete up to this position. */
  readonly through: number;
}

/** A part of a log that a user may see, with entries that are new to them. */
interface Stretch {
  readonly conversation: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

interface StreamRow {
  /** The place of its stretch in the parameters, from 1. */
  readonly place: number;
  readonly seq: number;
  readonly position: number;
  readonly shown: boolean;
}

const user = "$1::bigint";

/** The ORDER BYs of limited rows are those of indexes, which they have the planner use. */
export const backlogStatements = {
  /** Entries in a range of positions, from $2 to $3. */
  scan: `
SELECT e.position FROM entry e
WHERE e.position > $2 AND e.position <= $3 AND ${isVisible(user, "e")}
ORDER BY e.position LIMIT $4`,
  /** The stretches with entries after $2: up to $3 in direct conversations, and as many in rooms. */
  changed: `
SELECT stay.conversation, stay.first_seq AS "firstSeq", newest.seq AS "lastSeq"
FROM (
  SELECT m.conversation FROM member m WHERE m.user = ${user} AND m.room = 0 AND m.head_position > $2
  ORDER BY m.head_position LIMIT $3
) direct CROSS JOIN LATERAL (
  SELECT s.conversation, s.first_seq, s.last_seq FROM span s
  WHERE s.user = ${user} AND s.conversation = direct.conversation OFFSET 0
) stay CROSS JOIN LATERAL ${newestIn("stay")} newest WHERE newest.position > $2
UNION ALL (
  SELECT stay.conversation, stay.first_seq, newest.seq
  FROM span stay CROSS JOIN LATERAL ${newestIn("stay")} newest
  WHERE stay.user = ${user} AND stay.room = 1 AND stay.last_position > $2 AND newest.position > $2
  ORDER BY stay.last_position LIMIT $3
)`,
  /** The first $6 entries after $5 of each stretch, given by conversations $2 and seqs from $3 to $4. */
  streams: `
SELECT given.place, e.seq, e.position, e.shown
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY given (conversation, first_seq, last_seq, place)
CROSS JOIN LATERAL (SELECT first_seq_after_1(given.conversation, given.first_seq, given.last_seq, $5) AS seq OFFSET 0) new
CROSS JOIN LATERAL (
  SELECT e.seq, e.position, ${isShown(user, "e")} AS shown FROM entry e
  WHERE e.conversation = given.conversation AND e.seq >= new.seq AND e.seq <= given.last_seq ORDER BY e.seq LIMIT $6
) e`,
} as const;

/** SQL for the newest entry of a stay. */
function newestIn(stay: string): string {
  return `(
    SELECT e.seq, e.position FROM entry e WHERE e.conversation = ${stay}.conversation AND e.seq <= ${stay}.last_seq
    ORDER BY e.seq DESC LIMIT 1)`;
}

/** Finds the positions of entries that a user has not received, without reading their texts. */
export class Backlog {
  readonly #scanWindow: number;
  readonly #maxMerged: number;

  constructor({ scanWindow = 1024, maxMerged = 512 }: BacklogOptions = {}) {
    this.#scanWindow = scanWindow;
    this.#maxMerged = maxMerged;
  }

  /** Whether a page may be made by the heads of conversations: the scan of one window does not reach the head. */
  readsHeads({ after, head }: { after: number; head: number }): boolean {
    return head - after > this.#scanWindow;
  }

  /**
   * Returns the first positions after `after` of entries that `user`, a key, may see: up to `limit`, or fewer if that
   * is cheaper. The cost is bounded regardless of the store's size: a scan of one window, a bounded number of
   * conversations, and a few steps per new entry. `head` is the newest position at the start; later commits are
   * ignored. The heads of direct conversations are written if {@link readsHeads}.
   */
  async pageAfter(
    queries: Queries,
    user: number,
    { after, head, limit }: { after: number; head: number; limit: number },
  ): Promise<BacklogPage> {
    const end = Math.min(head, after + this.#scanWindow);
    const scanned = after < end ? await scan(queries, user, { after, through: end, limit: limit + 1 }) : [];
    if (end >= head || scanned.length > limit || scanned.length * sparse > this.#scanWindow) {
      return toPage(scanned, { limit, end });
    }
    const changed = await queries.query<Stretch>(backlogStatements.changed, [user, after, this.#maxMerged + 1]);
    if (changed.length > this.#maxMerged && end > after) return toPage(scanned, { limit, end });
    const merged = await merge(queries, { user, after, head, limit, stretches: changed });
    // If many entries are hidden, the scan may have got further.
    return merged.through > end ? merged : toPage(scanned, { limit, end });
  }
}

async function scan(
  queries: Queries,
  user: number,
  { after, through, limit }: { after: number; through: number; limit: number },
): Promise<number[]> {
  const rows = await queries.query<{ position: number }>(backlogStatements.scan, [user, after, through, limit]);
  return rows.map(({ position }) => position);
}

/**
 * Merges the entries of stretches after a position. It reads a few of each, and then, in rounds, more of those that may
 * have more below the last one of the page: each of these has as many below it as were read of it.
 */
async function merge(
  queries: Queries,
  { user, after, head, limit, stretches }: {
    user: number;
    after: number;
    head: number;
    limit: number;
    stretches: readonly Stretch[];
  },
): Promise<BacklogPage> {
  const lookAt = Math.max(limit + 1, leastMerged);
  const hidden = new Set<number>();
  let found: number[] = [];
  let unread = stretches;
  for (let count = Math.min(lookAt, Math.ceil(2 * lookAt / stretches.length)); unread.length > 0; count *= 2) {
    const rows = await queries.query<StreamRow>(backlogStatements.streams, [
      user,
      unread.map(({ conversation }) => conversation),
      unread.map(({ firstSeq }) => firstSeq),
      unread.map(({ lastSeq }) => lastSeq),
      after,
      count,
    ]);
    for (const { position, shown } of rows) if (!shown) hidden.add(position);
    found.push(...rows.map(({ position }) => position));
    found = found.filter((position) => position <= head).toSorted((one, other) => one - other).slice(0, lookAt);
    const last = found.length < lookAt ? head : found[lookAt - 1];
    unread = continued(unread, { rows, last });
  }
  const end = found.length < lookAt ? head : found[lookAt - 1];
  return toPage(found.filter((position) => !hidden.has(position)), { limit, end });
}

/** Returns the rest of the stretches that may have more entries before the position `last`. */
function continued(
  stretches: readonly Stretch[],
  { rows, last }: { rows: readonly StreamRow[]; last: number },
): Stretch[] {
  const newest = new Map<number, StreamRow>();
  for (const row of rows) if (row.seq > (newest.get(row.place)?.seq ?? 0)) newest.set(row.place, row);
  return stretches.flatMap(({ conversation, lastSeq }, index) => {
    const read = newest.get(index + 1);
    if (read === undefined || read.seq === lastSeq || read.position >= last) return [];
    return [{ conversation, firstSeq: read.seq + 1, lastSeq }];
  });
}

function toPage(found: readonly number[], { limit, end }: { limit: number; end: number }): BacklogPage {
  if (found.length <= limit) return { positions: found, through: end };
  const positions = found.slice(0, limit);
  return { positions, through: positions[limit - 1] };
}
