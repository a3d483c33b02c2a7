import type { PresenceState } from "./notice.ts";

/** Time that a user stays present after their last session, in milliseconds, which hides reconnects. */
const graceMs = 3_000;
/** Users who become absent in one turn of the event loop: when thousands leave at once, other work comes in between. */
const usersPerTurn = 50;

export interface Leaving {
  /** When the last session ended, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** The state that peers still see. */
  readonly state: PresenceState;
}

/** The users whose last session ended within the grace time, with one timer for all. */
export class LeavingUsers {
  readonly #onAbsent: (user: string, leaving: Leaving) => void;
  /** The earliest first; `dueAt` is a time of `performance.now`. */
  readonly #leaving = new Map<string, Leaving & { readonly dueAt: number }>();
  /** Absent while no user is leaving. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onAbsent is called when a user did not come back within the grace time */
  constructor(onAbsent: (user: string, leaving: Leaving) => void) {
    this.#onAbsent = onAbsent;
  }

  get size(): number {
    return this.#leaving.size;
  }

  has(user: string): boolean {
    return this.#leaving.has(user);
  }

  keys(): Iterable<string> {
    return this.#leaving.keys();
  }

  get(user: string): Leaving | undefined {
    return this.#leaving.get(user);
  }

  add(user: string, leaving: Leaving): void {
    this.#leaving.delete(user);
    this.#leaving.set(user, { ...leaving, dueAt: performance.now() + graceMs });
    this.#timer ??= setTimeout(() => this.#endGrace(), graceMs);
  }

  /** Forgets a user who came back. */
  delete(user: string): void {
    if (this.#leaving.delete(user) && this.#leaving.size === 0) this.#stop();
  }

  /** Ends the grace time of all at once, without telling that they are absent. @returns when each left */
  close(): Map<string, number> {
    const leftAt = new Map<string, number>();
    for (const [user, { at }] of this.#leaving) leftAt.set(user, at);
    this.#leaving.clear();
    this.#stop();
    return leftAt;
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #endGrace(): void {
    this.#timer = undefined;
    const now = performance.now();
    let left = usersPerTurn;
    for (const [user, leaving] of this.#leaving) {
      if (leaving.dueAt > now || left-- === 0) {
        this.#timer = setTimeout(() => this.#endGrace(), Math.max(0, leaving.dueAt - now));
        return;
      }
      this.#leaving.delete(user);
      this.#onAbsent(user, leaving);
    }
  }
}
