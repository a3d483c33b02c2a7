/** Slices of an interval, so that sessions do not acknowledge at the same time. */
const slices = 10;

interface Acknowledging {
  acknowledge(): void;
}

/** Acknowledges the frames of sessions that send nothing themselves, once in each interval. */
export class AckClock implements Disposable {
  readonly #waiting: Set<Acknowledging>[] = Array.from({ length: slices }, () => new Set());
  readonly #slots = new Map<Acknowledging, number>();
  readonly #timer: ReturnType<typeof setInterval>;
  #slice = 0;

  /** @param intervalMs as long as that of chatd's clients unless given */
  constructor(intervalMs = 1_000) {
    this.#timer = setInterval(() => this.#tick(), intervalMs / slices);
  }

  /** Acknowledges for a session at its next turn. */
  add(session: Acknowledging): void {
    let slot = this.#slots.get(session);
    if (slot === undefined) this.#slots.set(session, slot = this.#slots.size % slices);
    this.#waiting[slot].add(session);
  }

  forget(session: Acknowledging): void {
    const slot = this.#slots.get(session);
    if (slot === undefined) return;
    this.#slots.delete(session);
    this.#waiting[slot].delete(session);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    this.#slice = (this.#slice + 1) % slices;
    const due = this.#waiting[this.#slice];
    for (const session of due) session.acknowledge();
    due.clear();
  }
}
