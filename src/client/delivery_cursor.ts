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
  /** Everything up to here was given to the client's owner. */
  #given = 0;
  /** Everything up to here is safe with the owner: a later run resumes after it. */
  #taken = 0;
  /** Of messages that this client sent: known from their replies, beyond `#given`. */
  readonly #own = new Set<number>();

  constructor(resume?: ResumePoint) {
    this.#epoch = resume?.epoch;
    this.#given = this.#taken = resume?.after ?? 0;
  }

  get resumePoint(): ResumePoint | undefined {
    return this.#epoch === undefined ? undefined : { epoch: this.#epoch, after: this.#taken };
  }

  /** A session began. @returns true when its log is another one than that of the sessions before. */
  open({ epoch, cursor }: HelloResponse): boolean {
    const other = this.#epoch !== undefined && this.#epoch !== epoch;
    if (other) this.#own.clear();
    this.#given = other ? cursor : Math.max(this.#given, cursor);
    this.#taken = other ? cursor : Math.max(this.#taken, cursor);
    this.#epoch = epoch;
    return other;
  }

  isNew(position: number): boolean {
    return position > this.#given && !this.#own.has(position);
  }

  /** The reply to an own message was read: the log may deliver it later. */
  tookOwn(position: number): void {
    if (position > this.#given && this.#own.size < maxOwn) this.#own.add(position);
  }

  /** The owner was given everything up to `position`; positions rise within delivery. */
  gave(position: number): void {
    if (position <= this.#given) return;
    this.#given = position;
    for (const own of this.#own) {
      if (own > position) break;
      this.#own.delete(own);
    }
  }

  /** Everything up to `position`, of the log with this epoch, is safe with the owner. */
  tookThrough(position: number, epoch: string | undefined = this.#epoch): void {
    if (epoch !== this.#epoch) return;
    this.gave(position);
    this.#taken = Math.max(this.#taken, position);
  }
}
