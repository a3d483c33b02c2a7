import type { Database } from "./database.ts";

/**
 * Up to so many newest entries of the whole store, it is cheaper to look at each than at all conversations of a user. This is where
 * a session that keeps up always is.
 */
const maxScanned = 256;
const minPage = 8;

interface ConversationHead {
  readonly id: number;
  readonly headSeq: number;
  readonly headPosition: number;
}

interface Position {
  readonly position: number;
}

function prepareStatements(database: Database) {
  return {
    scan: database.prepare(
      `SELECT e.position FROM entry e
       WHERE e.position > :after AND EXISTS (
         SELECT 1 FROM member m JOIN user u ON u.id = m.user WHERE u.name = :user AND m.conversation = e.conversation)
       ORDER BY e.position LIMIT :limit`,
    ),
    changed: database.prepare(
      `SELECT c.id, c.head_seq AS headSeq, c.head_position AS headPosition
       FROM user u CROSS JOIN member m ON m.user = u.id CROSS JOIN conversation c ON c.id = m.conversation
       WHERE u.name = ? AND c.head_position > ?`,
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

  constructor(database: Database) {
    this.#statements = prepareStatements(database);
  }

  /**
   * The first `limit` positions after `after` of entries in conversations of `user`, lowest first. Costs a look at each conversation
   * of the user, some more for those with something new, and one step for each position; `head` is the newest position of the store.
   */
  positionsAfter(user: string, after: number, { head, limit }: { head: number; limit: number }): number[] {
    if (after >= head) return [];
    if (head - after <= maxScanned) return positions(this.#statements.scan.all({ user, after, limit }));
    const changed = this.#statements.changed.all(user, after) as unknown as ConversationHead[];
    const page = Math.min(limit, Math.max(minPage, Math.ceil(2 * limit / changed.length)));
    const streams = changed.map((conversation) => this.#stream(conversation, { after, page }));
    return mergeLowest(streams, limit);
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
   * Positions rise with seq, so the first entry after a position is found by halving, over the index by conversation and seq,
   * which ends in the position. It is at most as many entries below the head as there are positions in between. Entries that are
   * gone count as before `after`, since only the oldest of a conversation are ever removed.
   */
  #firstSeqAfter({ id, headSeq, headPosition }: ConversationHead, after: number): number {
    let low = Math.max(1, headSeq - (headPosition - after) + 1);
    let high = headSeq;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const found = this.#statements.positionOf.get(id, middle) as Position | undefined;
      if (found !== undefined && found.position > after) high = middle;
      else low = middle + 1;
    }
    return low;
  }
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
