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

interface WaitingCursor extends MoveCursor {
  position: number;
}

/**
 * Delivery cursors and read positions that wait for a commit. A crash before it only means that messages are delivered
 * again, or count as unread again.
 */
export class PendingMoves {
  readonly #onDue: () => void;
  readonly #reads = new Map<string, MoveRead>();
  #readTimer: ReturnType<typeof setTimeout> | undefined;
  /** Cursors by device, which nearly always has one consumer: a key for both would be made for each acknowledgement. */
  readonly #cursors = new Map<string, WaitingCursor[]>();
  #cursorTimer: ReturnType<typeof setTimeout> | undefined;
  /**
   * Read positions that follow from users' own messages, by user and conversation. They are not part of every commit,
   * which would cost a row for each message; and as every message passes here, no object is made for them.
   */
  readonly #ownReads = new Map<string, Map<string, number>>();
  #ownTimer: ReturnType<typeof setTimeout> | undefined;
  /** The moves of the commit in progress. */
  #underway = none;

  /** @param onDue called when a move has waited for its time */
  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  moveCursor(deviceId: string, consumer: string, position: number): void {
    const cursors = this.#cursors.get(deviceId);
    const waiting = findCursor(cursors, consumer);
    if (waiting !== undefined) waiting.position = Math.max(waiting.position, position);
    else this.#cursors.set(deviceId, [...cursors ?? [], { kind: "move_cursor", deviceId, consumer, position }]);
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
    const waiting = findCursor(this.#cursors.get(deviceId), consumer);
    const underway = this.#underway.get(cursorKey(deviceId, consumer));
    if (waiting === undefined) return underway && target(underway);
    return Math.max(waiting.position, underway === undefined ? 0 : target(underway));
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
    const reads = [...this.#reads];
    // A read position that follows from an own message counts only if everything before it was read.
    const [own, set] = [reads.filter(([, { ownOnly }]) => ownOnly), reads.filter(([, { ownOnly }]) => !ownOnly)];
    const moves = new Map<string, MoveCursor | MoveRead>([...set, ...own]);
    this.#reads.clear();
    if (this.#areCursorsDue) {
      for (const cursor of [...this.#cursors.values()].flat()) {
        moves.set(cursorKey(cursor.deviceId, cursor.consumer), cursor);
      }
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
      if (move.kind === "move_cursor") this.moveCursor(move.deviceId, move.consumer, move.position);
      else if ((this.#reads.get(key)?.seq ?? 0) < move.seq) this.#reads.set(key, move);
    }
  }

  get #areCursorsDue(): boolean {
    return this.#cursors.size > 0 && this.#cursorTimer === undefined;
  }

  #addOwnReads(): void {
    clearTimeout(this.#ownTimer);
    this.#ownTimer = undefined;
    for (const [user, reads] of this.#ownReads) {
      for (const [conversation, seq] of reads) {
        this.#move(`own ${conversation} ${user}`, { kind: "move_read", conversation, user, seq, ownOnly: true });
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

function findCursor(cursors: readonly WaitingCursor[] = [], consumer: string): WaitingCursor | undefined {
  return cursors.find((cursor) => cursor.consumer === consumer);
}

function target(move: MoveCursor | MoveRead): number {
  return move.kind === "move_cursor" ? move.position : move.seq;
}

function cursorKey(deviceId: string, consumer: string): string {
  return `cursor ${deviceId} ${consumer}`;
}
