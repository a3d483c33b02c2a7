import type { MoveCursor, MoveRead } from "./message_store.ts";

/** Delay of read positions that no commit took along, in milliseconds. */
const readDelayMs = 500;
/**
 * Delay of cursors, in milliseconds. They wait for their own commit: in a busy room, each message's commit would
 * otherwise write the cursors of all members.
 */
const cursorDelayMs = 2_000;

/** Changes of positions by key, each key once. */
export type Moves = ReadonlyMap<string, MoveCursor | MoveRead>;

const none: Moves = new Map();

/**
 * Delivery cursors and read positions that wait for a commit. A crash before it only means that messages are delivered
 * again, or count as unread again.
 */
export class PendingMoves {
  readonly #onDue: () => void;
  readonly #reads = new Map<string, MoveRead>();
  #readTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #cursors = new Map<string, MoveCursor>();
  #cursorTimer: ReturnType<typeof setTimeout> | undefined;
  /**
   * Read positions that follow from users' own messages, by user and conversation. They are not part of every commit,
   * which would cost a row for each message; and as every message passes here, no object is made for them.
   */
  readonly #ownReads = new Map<string, Map<string, number>>();
  #ownTimer: ReturnType<typeof setTimeout> | undefined;
  /** Those of the commit in progress. */
  #underway = none;

  /** @param onDue called when a move has waited for its time */
  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  moveCursor(deviceId: string, consumer: string, position: number): void {
    this.#cursors.set(cursorKey(deviceId, consumer), { kind: "move_cursor", deviceId, consumer, position });
    this.#cursorTimer ??= setTimeout(() => {
      this.#cursorTimer = undefined;
      this.#onDue();
    }, cursorDelayMs);
  }

  moveRead(conversation: string, user: string, seq: number): void {
    const key = `read ${conversation} ${user}`;
    const waiting = this.#reads.get(key) ?? this.#underway.get(key);
    if (waiting === undefined || target(waiting) < seq) this.#move(key, { kind: "move_read", conversation, user, seq });
  }

  /** Moves the read position of `user`, who wrote `seq`, if everything before it was read. */
  moveOwnRead(conversation: string, user: string, seq: number): void {
    let reads = this.#ownReads.get(user);
    if (reads === undefined) this.#ownReads.set(user, reads = new Map());
    reads.set(conversation, seq);
    this.#ownTimer ??= setTimeout(() => this.#addOwnReads(), readDelayMs);
  }

  /** Returns the position that a cursor moves to soon; undefined when none waits and none is being committed. */
  waitingCursor(deviceId: string, consumer: string): number | undefined {
    const key = cursorKey(deviceId, consumer);
    const waiting = this.#cursors.get(key) ?? this.#underway.get(key);
    return waiting && target(waiting);
  }

  /** Whether a move has waited for its time. */
  get isDue(): boolean {
    return (this.#reads.size > 0 && this.#readTimer === undefined) || this.#areCursorsDue;
  }

  /** Ends the wait of all moves. */
  makeDue(): void {
    this.#addOwnReads();
    clearTimeout(this.#readTimer);
    clearTimeout(this.#cursorTimer);
    this.#readTimer = this.#cursorTimer = undefined;
  }

  /** Takes the read positions, and the cursors that are due, for a commit; {@link settled} must follow it. */
  take(): Moves {
    clearTimeout(this.#readTimer);
    this.#readTimer = undefined;
    const moves = new Map<string, MoveCursor | MoveRead>(this.#reads);
    this.#reads.clear();
    if (this.#areCursorsDue) {
      for (const [key, move] of this.#cursors) moves.set(key, move);
      this.#cursors.clear();
    }
    return this.#underway = moves;
  }

  /** Ends the commit of the moves that were taken. */
  settled(): void {
    this.#underway = none;
  }

  /** Has moves committed again, unless newer ones wait. */
  putBack(moves: Moves): void {
    for (const [key, move] of moves) {
      if (move.kind === "move_cursor") keepNewest(this.#cursors, key, move);
      else keepNewest(this.#reads, key, move);
    }
  }

  get #areCursorsDue(): boolean {
    return this.#cursors.size > 0 && this.#cursorTimer === undefined;
  }

  #addOwnReads(): void {
    clearTimeout(this.#ownTimer);
    this.#ownTimer = undefined;
    // These follow read positions that were set explicitly.
    for (const [user, reads] of this.#ownReads) {
      for (const [conversation, seq] of reads) {
        const key = `own ${conversation} ${user}`;
        this.#reads.delete(key);
        this.#move(key, { kind: "move_read", conversation, user, seq, ownOnly: true });
      }
    }
    this.#ownReads.clear();
  }

  #move(key: string, change: MoveRead): void {
    this.#reads.set(key, change);
    this.#readTimer ??= setTimeout(() => {
      this.#readTimer = undefined;
      this.#onDue();
    }, readDelayMs);
  }
}

function keepNewest<Move extends MoveCursor | MoveRead>(waiting: Map<string, Move>, key: string, move: Move): void {
  const newer = waiting.get(key);
  if (newer === undefined || target(newer) < target(move)) waiting.set(key, move);
}

function target(move: MoveCursor | MoveRead): number {
  return move.kind === "move_cursor" ? move.position : move.seq;
}

function cursorKey(deviceId: string, consumer: string): string {
  return `cursor ${deviceId} ${consumer}`;
}
