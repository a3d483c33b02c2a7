import type { Database } from "../database.ts";
import type { Steps } from "../steps.ts";
import { headOf, type Heads } from "./heads.ts";
import { isShown, isVisible } from "../../shared/visibility.ts";

/** Minimum number of entries to examine, because some may be hidden. */
const leastMerged = 256;
/** A user with fewer than one in this many of the store's new entries is served conversation by conversation. */
const sparse = 64;

export interface BacklogOptions {
  /**
   * How many entries of the whole store are scanned before the user's conversations are examined. This is usually
   * enough, because most sessions are close to the head. Default: 1024.
   */
  scanWindow?: number;
  /** A user with new entries in more conversations than this is served by scans only. Default: 512. */
  maxMerged?: number;
}

export interface BacklogPage {
  /** Lowest first. */
  readonly positions: number[];
  /** The page is complete up to this position. */
  readonly through: number;
}

/** The newest part of a log that a user may see. */
interface Stretch {
  readonly user: number;
  readonly conversation: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

interface Position {
  readonly position: number;
}

function prepareStatements(database: Database) {
  const stretch = (conversation: string) =>
    `:user AS user, ${conversation} AS conversation, s.first_seq AS firstSeq, min(s.last_seq, ${headOf.seq}) AS lastSeq`;
  return {
    scan: database.prepare(
      `SELECT e.position FROM entry e
       WHERE e.position > :after AND e.position <= :through AND ${isVisible(":user", "e")}
       ORDER BY e.position LIMIT +:limit`,
    ),
    directs: database.prepare(
      `SELECT ${stretch("m.conversation")}
       FROM member m CROSS JOIN conversation c ON c.id = m.conversation
         CROSS JOIN span s ON s.user = m.user AND s.conversation = m.conversation
       WHERE m.user = :user AND m.room = 0 AND m.head_position > :after LIMIT +:limit`,
    ),
    directsAmong: database.prepare(
      `SELECT ${stretch("c.id")}
       FROM json_each(:conversations) given CROSS JOIN conversation c ON c.id = given.value
         CROSS JOIN span s ON s.user = :user AND s.conversation = c.id`,
    ),
    stays: database.prepare(
      `SELECT ${stretch("s.conversation")}
       FROM span s CROSS JOIN conversation c ON c.id = s.conversation
       WHERE s.user = :user AND s.room = 1 AND s.last_position > :after AND ${headOf.position} > :after LIMIT +:limit`,
    ),
    positionOf: database.prepare("SELECT position FROM entry WHERE conversation = ? AND seq = ?"),
    positionsFrom: database.prepare(
      `SELECT e.position, CASE WHEN ${isShown(":user", "e")} THEN 1 ELSE 0 END AS shown FROM entry e
       WHERE e.conversation = :conversation AND e.seq >= :from AND e.seq <= :lastSeq ORDER BY e.seq LIMIT +:limit`,
    ),
  };
}

/** Finds the positions of entries that a user has not received, without reading their texts. */
export class Backlog {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #heads: Heads;
  readonly #scanWindow: number;
  readonly #maxMerged: number;

  constructor(database: Database, { scanWindow = 1024, maxMerged = 512 }: BacklogOptions = {}) {
    this.#statements = prepareStatements(database);
    this.#heads = database.heads;
    this.#scanWindow = scanWindow;
    this.#maxMerged = maxMerged;
  }

  /**
   * Returns the first positions after `after` of entries that `user`, a key, may see: up to `limit`, or fewer if that
   * is cheaper. The cost is bounded regardless of the store's size: a scan of one window, a bounded number of
   * conversations, and a few steps per new entry. `head` is the store's newest position at the start; later commits are
   * ignored.
   */
  *pageAfter(user: number, after: number, { head, limit }: { head: number; limit: number }): Steps<BacklogPage> {
    const end = Math.min(head, after + this.#scanWindow);
    const scanned = after < end ? this.#scan(user, { after, through: end, limit: limit + 1 }) : [];
    if (end >= head || scanned.length > limit || scanned.length * sparse > this.#scanWindow) {
      return toPage(scanned, { limit, end });
    }
    const changed = this.#changedStretches(user, after);
    if (changed.length > this.#maxMerged && end > after) return toPage(scanned, { limit, end });
    yield;
    const merged = yield* this.#merge(changed, { after, limit, head });
    // If many entries are hidden, the scan may have got further.
    return merged.through > end ? merged : toPage(scanned, { limit, end });
  }

  #scan(user: number, range: { after: number; through: number; limit: number }): number[] {
    return positions(this.#statements.scan.all({ user, ...range }));
  }

  /** Returns the stretches with new entries for a user, or more of them than can be merged. */
  #changedStretches(user: number, after: number): Stretch[] {
    const limit = this.#maxMerged + 1;
    const { directs, directsAmong, stays } = this.#statements;
    const written = directs.all({ user, after, limit }) as unknown as Stretch[];
    const unwritten = this.#heads.unwrittenOf(user).filter(({ headPosition }) => headPosition > after);
    const conversations = JSON.stringify(unwritten.map(({ id }) => id));
    return [
      ...written.filter(({ conversation }) => this.#heads.isWritten(conversation)),
      ...(unwritten.length === 0 ? [] : directsAmong.all({ user, conversations })) as unknown as Stretch[],
      ...stays.all({ user, after, limit }) as unknown as Stretch[],
    ];
  }

  *#merge(
    changed: readonly Stretch[],
    { after, limit, head }: { after: number; limit: number; head: number },
  ): Steps<BacklogPage> {
    const lookAt = Math.max(limit + 1, leastMerged);
    const page = Math.min(lookAt, Math.ceil(2 * lookAt / changed.length));
    const hidden = new Set<number>();
    const streams = changed.map((stretch) => this.#stream(stretch, { after, through: head, page, hidden }));
    const merged = yield* mergeLowest(streams, lookAt);
    const end = merged.length < lookAt ? head : merged[lookAt - 1];
    return toPage(merged.filter((position) => !hidden.has(position)), { limit, end });
  }

  /**
   * Yields the positions of a stretch after `after`, up to `through`; adds those that the user may not see to `hidden`.
   */
  *#stream(
    stretch: Stretch,
    { after, through, page, hidden }: { after: number; through: number; page: number; hidden: Set<number> },
  ): Generator<number> {
    const { user, conversation, lastSeq } = stretch;
    let from = this.#firstSeqAfter(stretch, after);
    while (true) {
      const range = { user, conversation, lastSeq, from, limit: page };
      const found = this.#statements.positionsFrom.all(range) as unknown as (Position & { shown: number })[];
      for (const { position, shown } of found) {
        if (position > through) return;
        if (shown === 0) hidden.add(position);
        yield position;
      }
      if (found.length < page) return;
      from += found.length;
    }
  }

  /**
   * Finds the first entry after a position: positions rise with seq, so it searches the index by conversation and seq,
   * first in growing steps down from the last entry, then by bisection. The cost is logarithmic in the number of new
   * entries. Missing entries count as old, because only the oldest entries of a conversation are ever removed.
   */
  #firstSeqAfter({ conversation, firstSeq, lastSeq }: Stretch, after: number): number {
    const isNew = (seq: number) => {
      const found = this.#statements.positionOf.get(conversation, seq) as Position | undefined;
      return found !== undefined && found.position > after;
    };
    let step = 1;
    while (lastSeq - step >= firstSeq && isNew(lastSeq - step)) step *= 2;
    let low = Math.max(firstSeq, lastSeq - step + 1);
    let high = lastSeq - Math.floor(step / 2);
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isNew(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function toPage(found: number[], { limit, end }: { limit: number; end: number }): BacklogPage {
  if (found.length <= limit) return { positions: found, through: end };
  const positions = found.slice(0, limit);
  return { positions, through: positions[limit - 1] };
}

function positions(rows: unknown[]): number[] {
  return (rows as Position[]).map(({ position }) => position);
}

interface Front {
  value: number;
  readonly stream: Iterator<number, unknown>;
}

/** Merges ascending streams with a binary heap, and returns the lowest `limit` numbers in ascending order. */
export function* mergeLowest(streams: Iterator<number, unknown>[], limit: number): Steps<number[]> {
  const heap: Front[] = [];
  for (const stream of streams) {
    const { done, value } = stream.next();
    if (!done) heap.push({ value: value as number, stream });
    yield;
  }
  heap.sort((one, other) => one.value - other.value);
  const merged: number[] = [];
  while (merged.length < limit && heap.length > 0) {
    const top = heap[0];
    merged.push(top.value);
    const { done, value } = top.stream.next();
    if (done) {
      const last = heap.pop()!;
      if (heap.length > 0) heap[0] = last;
    } else {
      top.value = value as number;
    }
    sink(heap);
  }
  return merged;
}

/** Restores the heap after its top has changed. */
function sink(heap: Front[]): void {
  let index = 0;
  while (true) {
    const left = 2 * index + 1;
    if (left >= heap.length) return;
    const child = left + 1 < heap.length && heap[left + 1].value < heap[left].value ? left + 1 : left;
    if (heap[index].value <= heap[child].value) return;
    [heap[index], heap[child]] = [heap[child], heap[index]];
    index = child;
  }
}
