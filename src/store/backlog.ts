import type { Database } from "./database.ts";

/** A user with fewer new entries than one in so many of the store's is served conversation by conversation. */
const sparse = 64;

export interface BacklogOptions {
  /**
   * How many entries of the whole store are looked at, one by one, before the conversations of the user are. Most often this is
   * all it takes: a session that keeps up is never far behind, and who writes a lot finds a lot. Default: 1024.
   */
  scanWindow?: number;
  /** With new entries in more conversations than this, a user is served window by window only. Default: 512. */
  maxMerged?: number;
}

export interface BacklogPage {
  /** Lowest first. */
  readonly positions: number[];
  /** Nothing up to here is missing. */
  readonly through: number;
}

interface ConversationHead {
  readonly id: number;
  readonly headSeq: number;
}

interface Position {
  readonly position: number;
}

function prepareStatements(database: Database) {
  return {
    scan: database.prepare(
      `SELECT e.position FROM entry e
       WHERE e.position > :after AND e.position <= :through AND EXISTS (
         SELECT 1 FROM member m
         WHERE m.user = (SELECT id FROM user WHERE name = :user) AND m.conversation = e.conversation)
       ORDER BY e.position LIMIT :limit`,
    ),
    changed: database.prepare(
      `SELECT c.id, c.head_seq AS headSeq
       FROM user u CROSS JOIN member m ON m.user = u.id CROSS JOIN conversation c ON c.id = m.conversation
       WHERE u.name = ? AND m.head_position > ? LIMIT ?`,
    ),
    positionOf: database.prepare("SELECT position FROM entry WHERE conversation = ? AND seq = ?"),
    positionsFrom: database.prepare(
      "SELECT position FROM entry WHERE conversation = ? AND seq >= ? ORDER BY seq LIMIT ?",
    ),
  };
}

/** Finds which entries a user has not had; their texts are not touched. */
export class Backlog {
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #scanWindow: number;
  readonly #maxMerged: number;

  constructor(database: Database, { scanWindow = 1024, maxMerged = 512 }: BacklogOptions = {}) {
    this.#statements = prepareStatements(database);
    this.#scanWindow = scanWindow;
    this.#maxMerged = maxMerged;
  }

  /**
   * The first positions after `after` of entries in conversations of `user`: up to `limit` of them, and fewer, or none, where that is
   * cheaper. However large the store, it costs at most a look at a window of it and at a bounded number of conversations, and a
   * few steps for each entry that is new to the user. `head` is the newest position of the store.
   */
  pageAfter(user: string, after: number, { head, limit }: { head: number; limit: number }): BacklogPage {
    const end = Math.min(head, after + this.#scanWindow);
    const scanned = after < end ? this.#scan(user, { after, through: end, limit: limit + 1 }) : [];
    if (end >= head || scanned.length > limit || scanned.length * sparse > this.#scanWindow) {
      return cut(scanned, { limit, end });
    }
    const changed = this.#statements.changed.all(user, after, this.#maxMerged + 1) as unknown as ConversationHead[];
    if (changed.length > this.#maxMerged && end > after) return cut(scanned, { limit, end });
    return cut(this.#merge(changed, { after, limit: limit + 1 }), { limit, end: head });
  }

  #scan(user: string, range: { after: number; through: number; limit: number }): number[] {
    return positions(this.#statements.scan.all({ user, ...range }));
  }

  #merge(changed: readonly ConversationHead[], { after, limit }: { after: number; limit: number }): number[] {
    const page = Math.min(limit, Math.ceil(2 * limit / changed.length));
    return mergeLowest(changed.map((conversation) => this.#stream(conversation, { after, page })), limit);
  }

  *#stream(conversation: ConversationHead, { after, page }: { after: number; page: number }): Generator<number> {
    let seq = this.#firstSeqAfter(conversation, after);
    while (true) {
      const found = positions(this.#statements.positionsFrom.all(conversation.id, seq, page));
      yield* found;
      if (found.length < page) return;
      seq += found.length;
    }
  }

  /**
   * Positions rise with seq, so the first entry after a position is found over the index by conversation and seq, which ends in
   * the position: in growing steps down from the head, then by halving, so that it costs the logarithm of what is new.
   * Entries that are gone count as old, since only the oldest of a conversation are ever removed.
   */
  #firstSeqAfter({ id, headSeq }: ConversationHead, after: number): number {
    const isNew = (seq: number) => {
      const found = this.#statements.positionOf.get(id, seq) as Position | undefined;
      return found !== undefined && found.position > after;
    };
    let step = 1;
    while (step < headSeq && isNew(headSeq - step)) step *= 2;
    let low = Math.max(1, headSeq - step + 1);
    let high = headSeq - Math.floor(step / 2);
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isNew(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function cut(found: number[], { limit, end }: { limit: number; end: number }): BacklogPage {
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

/** The lowest `limit` numbers of streams that each rise, lowest first: a merge by a binary heap of what is first in each. */
export function mergeLowest(streams: Iterator<number, unknown>[], limit: number): number[] {
  const heap = streams.flatMap((stream): Front[] => {
    const { done, value } = stream.next();
    return done ? [] : [{ value, stream } as Front];
  });
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

/** Moves the top of the heap down to its place. */
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
