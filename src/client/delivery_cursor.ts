import type { HelloResponse } from "../gen/chatd/v1/session.ts";

/** How far a consumer has come, in the log with this epoch. */
export interface ResumePoint {
  readonly epoch: string;
  /** The log's incarnation when the server was last spoken to; absent where the server or the program that kept it knew none. */
  readonly incarnation?: string;
  /** Everything up to this position was taken; {@link atHead} for everything. */
  readonly after: number;
}

/** For a consumer that nothing is to be delivered to. */
export const atHead = Number.MAX_SAFE_INTEGER;

/** Own positions remembered beyond what was delivered; a server keeps up long before that. */
const maxOwn = 20_000;

/** What one consumer has taken, so that nothing is taken twice however often it is delivered. */
export class DeliveryCursor {
  #epoch: string | undefined;
  #incarnation: string | undefined;
  /** Rises when the server's log is another one than before. */
  #log = 0;
  /** The newest position of the log when a session began. */
  #head = 0;
  /** Everything up to here was given to the client's owner. */
  #given = 0;
  /** Everything up to here is safe with the owner: a later run resumes after it. */
  #taken = 0;
  /** Of messages that this client sent: known from their replies, beyond `#given`. */
  readonly #own = new Set<number>();

  constructor(resume?: ResumePoint) {
    this.#epoch = resume?.epoch;
    this.#incarnation = resume?.incarnation;
    this.#given = this.#taken = resume?.after ?? 0;
  }

  get resumePoint(): ResumePoint | undefined {
    if (this.#epoch === undefined) return undefined;
    return { epoch: this.#epoch, incarnation: this.#incarnation, after: this.#taken };
  }

  /** Tells the logs apart that positions were of, for {@link markTaken}. */
  get log(): number {
    return this.#log;
  }

  /** A session began. @returns true when its log is another one than that of the sessions before, or was put back to an earlier state. */
  open({ epoch, cursor, head, incarnation, sharedThrough }: HelloResponse): boolean {
    const other = this.#epoch !== undefined &&
      (this.#epoch !== epoch || (incarnation !== "" && this.#newest > sharedThrough));
    if (other) {
      this.#own.clear();
      this.#log++;
    }
    const isAtHead = this.#given === atHead;
    this.#given = other && !isAtHead ? cursor : Math.max(this.#given, cursor);
    this.#taken = other && !isAtHead ? cursor : Math.max(this.#taken, cursor);
    this.#epoch = epoch;
    // A server whose disk is full tells none: what is known is of the same log, up to there.
    if (incarnation !== "") this.#incarnation = incarnation;
    else if (other) this.#incarnation = undefined;
    this.#head = head;
    return other;
  }

  /** The newest position that is known of the log. */
  get #newest(): number {
    return Math.max(this.#given === atHead ? this.#head : this.#given, ...this.#own);
  }

  isNew(position: number): boolean {
    return position > this.#given && !this.#own.has(position);
  }

  /** The reply to an own message was read: the log may deliver it later. */
  addOwn(position: number): void {
    if (position > this.#given && this.#own.size < maxOwn) this.#own.add(position);
  }

  /** The owner was given everything up to `position`; positions rise within delivery. */
  markGiven(position: number): void {
    if (position <= this.#given) return;
    this.#given = position;
    for (const own of this.#own) {
      if (own > position) break;
      this.#own.delete(own);
    }
  }

  /** Everything up to `position` is safe with the owner, of the log that was {@link log} then. */
  markTaken(position: number, log: number = this.#log): void {
    if (log !== this.#log) return;
    this.markGiven(position);
    this.#taken = Math.max(this.#taken, position);
  }
}
