import type { PresenceState } from "../../../core/people/notice.ts";

/** The presence of other users, as far as the server tells. */
export class Presence {
  /** Users who are online or away. */
  readonly #states = new Map<string, PresenceState>();
  /** Users that were online when the connection was lost. They are not announced again if they still are. */
  readonly #before = new Set<string>();

  /** @returns whether the person should hear of it: the user came or left */
  heard(user: string, state: PresenceState): boolean {
    const wasOnline = this.#states.has(user) || this.#before.has(user);
    this.#before.delete(user);
    if (state === "offline") this.#states.delete(user);
    else this.#states.set(user, state);
    return wasOnline !== (state !== "offline");
  }

  /** "offline" also where it is unknown. */
  stateOf(user: string): PresenceState {
    return this.#states.get(user) ?? "offline";
  }

  /** The connection was lost; the next session tells everything anew. */
  disconnected(): void {
    for (const user of this.#states.keys()) this.#before.add(user);
    this.#states.clear();
  }
}
