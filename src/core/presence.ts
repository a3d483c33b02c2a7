import type { LiveSessions } from "./live_sessions.ts";
import type { Log } from "./log.ts";
import type { MessageStore } from "./message_store.ts";

/** How long somebody is still online after their last session, so that a reconnect is not told to anybody. */
const graceMs = 3_000;

/** Tells people who is there, of those they have conversations with. Lossy: nothing is kept or sent again. */
export class Presence {
  readonly #live: LiveSessions;
  readonly #store: MessageStore;
  readonly #log: Log;
  readonly #leaving = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(options: { live: LiveSessions; store: MessageStore; log: Log }) {
    this.#live = options.live;
    this.#store = options.store;
    this.#log = options.log;
  }

  isOnline(user: string): boolean {
    return this.#live.isOnline(user) || this.#leaving.has(user);
  }

  arrived(user: string): void {
    const timer = this.#leaving.get(user);
    if (timer !== undefined) {
      clearTimeout(timer);
      this.#leaving.delete(user);
    } else {
      this.#tell(user, true);
    }
  }

  left(user: string): void {
    const timer = setTimeout(() => {
      this.#leaving.delete(user);
      this.#tell(user, false);
    }, graceMs);
    this.#leaving.set(user, timer);
  }

  /** Those of the user's peers who are online now. */
  async onlinePeers(user: string): Promise<string[]> {
    const online = new Set([...this.#live.users(), ...this.#leaving.keys()]);
    return (await this.#store.peersAmong(user, [...online])).filter((peer) => this.isOnline(peer));
  }

  close(): void {
    for (const timer of this.#leaving.values()) clearTimeout(timer);
    this.#leaving.clear();
  }

  #tell(user: string, online: boolean): void {
    const state = online ? "online" : "offline";
    this.#store.peersAmong(user, [...this.#live.users()]).then((peers) => {
      for (const peer of peers) {
        for (const subscriber of this.#live.of(peer)) subscriber.notify({ kind: "presence", user, state });
      }
    }).catch((error) => this.#log.error("presence could not be told", { user, error }));
  }
}
