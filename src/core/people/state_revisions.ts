import type { LiveSessions } from "./live_sessions.ts";

/**
 * Numbers the changes of what is in no log, for each user who has a live session, so that a client sees when it missed one. It is not
 * kept: a user's numbers begin anywhere when they come back, so that those of before mean nothing.
 */
export class StateRevisions {
  readonly #live: LiveSessions;
  readonly #revisions = new Map<string, number>();

  constructor(live: LiveSessions) {
    this.#live = live;
  }

  /** Of a user who is online; 0 for others. */
  current(user: string): number {
    const known = this.#revisions.get(user);
    if (known !== undefined) return known;
    if (!this.#live.isOnline(user)) return 0;
    const [start] = crypto.getRandomValues(new Uint32Array(1));
    // Never 0, and not likely one that the user had before.
    this.#revisions.set(user, start + 1);
    return start + 1;
  }

  /** What `user` sees of a conversation, or their settings, are new: tells all of their sessions. */
  changed(user: string, conversation?: string): void {
    if (!this.#live.isOnline(user)) return;
    const revision = this.current(user) + 1;
    this.#revisions.set(user, revision);
    for (const subscriber of this.#live.of(user)) subscriber.notify({ kind: "state_changed", revision, conversation });
  }

  /** The user has no session any more. */
  left(user: string): void {
    this.#revisions.delete(user);
  }
}
