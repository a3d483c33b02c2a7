import type { HelloResponse } from "../gen/chatd/v1/session.ts";

/** The place of a consumer in the log with this epoch. */
export interface ResumePoint {
  readonly epoch: string;
  /** The log's incarnation in the newest session; absent when the server, or the program that stored it, knew none. */
  readonly incarnation?: string;
  /** The consumer has taken everything up to this position; {@link atHead} for everything. */
  readonly after: number;
}

/** The position of a consumer without deliveries. */
export const atHead = Number.MAX_SAFE_INTEGER;

/** Own positions to remember beyond the delivered ones. A server catches up long before. */
const maxOwn = 20_000;

/** The progress of one consumer: it takes each message once, however often the server delivers it. */
export class DeliveryCursor {
  #epoch: string | undefined;
  #incarnation: string | undefined;
  /** Incremented when the server's log is replaced. */
  #log = 0;
  /** The newest position of the log when a session began. */
  #head = 0;
  /** The owner was given everything up to here. */
  #given = 0;
  /** Everything up to here is safe with the owner: the next run resumes after it. */
  #taken = 0;
  /** Positions beyond `#given` of own messages, known from their replies. */
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

  /** Identifies the log of the positions, for {@link markTaken}. */
  get log(): number {
    return this.#log;
  }

  /**
   * Begins a session.
   * @returns true when its log differs from that of the last session, or was put back to an earlier state
   */
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
    // A server whose disk is full sends none: the known one is of the same log.
    if (incarnation !== "") this.#incarnation = incarnation;
    else if (other) this.#incarnation = undefined;
    this.#head = head;
    return other;
  }

  /** The newest known position of the log. */
  get #newest(): number {
    return Math.max(this.#given === atHead ? this.#head : this.#given, ...this.#own);
  }

  isNew(position: number): boolean {
    return position > this.#given && !this.#own.has(position);
  }

  /** Notes the position of an own message from its reply: the log may deliver it later. */
  addOwn(position: number): void {
    if (position > this.#given && this.#own.size < maxOwn) this.#own.add(position);
  }

  /** Notes that the owner was given everything up to `position`; positions rise within delivery. */
  markGiven(position: number): void {
    if (position <= this.#given) return;
    this.#given = position;
    for (const own of this.#own) {
      if (own > position) break;
      this.#own.delete(own);
    }
  }

  /** Notes that everything up to `position` is safe with the owner, unless {@link log} has changed since. */
  markTaken(position: number, log: number = this.#log): void {
    if (log !== this.#log) return;
    this.markGiven(position);
    this.#taken = Math.max(this.#taken, position);
  }
}
