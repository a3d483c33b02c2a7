import type { LiveSessions } from "./live_sessions.ts";

/**
 * Numbers the changes of state that is in no log, for each online user, so that a client notices a missed change. The
 * numbers are not stored: they start at random when a user comes online, which makes earlier ones meaningless.
 */
export class StateRevisions {
  readonly #live: LiveSessions;
  readonly #revisions = new Map<string, number>();

  constructor(live: LiveSessions) {
    this.#live = live;
  }

  /** Returns the current revision of an online user; 0 for others. */
  current(user: string): number {
    const known = this.#revisions.get(user);
    if (known !== undefined) return known;
    if (!this.#live.isOnline(user)) return 0;
    const [start] = crypto.getRandomValues(new Uint32Array(1));
    // Never 0, and unlikely to repeat a number that the user had before.
    this.#revisions.set(user, start + 1);
    return start + 1;
  }

  /** Announces to the user's sessions that a conversation, or else the settings, changed for them. */
  changed(user: string, conversation?: string): void {
    if (!this.#live.isOnline(user)) return;
    const revision = this.current(user) + 1;
    this.#revisions.set(user, revision);
    for (const subscriber of this.#live.of(user)) subscriber.notify({ kind: "state_changed", revision, conversation });
  }

  /** Called when the user's last session ended. */
  forget(user: string): void {
    this.#revisions.delete(user);
  }
}
