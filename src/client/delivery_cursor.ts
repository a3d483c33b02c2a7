import type { HelloResponse } from "../gen/chatd/v1/session.ts";

/** How far a consumer has come, in the log with this epoch. */
export interface ResumePoint {
  readonly epoch: string;
  /** Everything up to this position was taken. */
  readonly after: number;
}

/** Own positions remembered beyond what was delivered; a server keeps up long before that. */
const maxOwn = 20_000;

/** What one consumer has taken, so that nothing is taken twice however often it is delivered. */
export class DeliveryCursor {
  #epoch: string | undefined;
  #after = 0;
  /** Of messages that this client sent: known from their replies, beyond `#after`. */
  readonly #own = new Set<number>();

  constructor(resume?: ResumePoint) {
    this.#epoch = resume?.epoch;
    this.#after = resume?.after ?? 0;
  }

  get resumePoint(): ResumePoint | undefined {
    return this.#epoch === undefined ? undefined : { epoch: this.#epoch, after: this.#after };
  }

  /** A session began. @returns true when its log is another one than that of the sessions before. */
  open({ epoch, cursor }: HelloResponse): boolean {
    const other = this.#epoch !== undefined && this.#epoch !== epoch;
    if (other) this.#own.clear();
    this.#after = other ? cursor : Math.max(this.#after, cursor);
    this.#epoch = epoch;
    return other;
  }

  isNew(position: number): boolean {
    return position > this.#after && !this.#own.has(position);
  }

  /** The reply to an own message was read: the log may deliver it later. */
  tookOwn(position: number): void {
    if (position > this.#after && this.#own.size < maxOwn) this.#own.add(position);
  }

  /** Everything up to `position` was taken; positions rise within delivery. */
  tookThrough(position: number): void {
    if (position <= this.#after) return;
    this.#after = position;
    for (const own of this.#own) {
      if (own > position) break;
      this.#own.delete(own);
    }
  }
}
