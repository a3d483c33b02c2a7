import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { MessageStore } from "../messages/message_store.ts";
import type { Turn } from "../page_turns.ts";
import { TokenBuckets } from "../token_bucket.ts";
import type { LiveSessions, Subscriber } from "./live_sessions.ts";
import type { PresenceState } from "./notice.ts";
import type { SettingsStore } from "./settings_store.ts";
import type { UserSettings } from "./user_settings.ts";

/** How long somebody is still online after their last session, so that a reconnect is not told to anybody. */
const graceMs = 3_000;
/** Those who left within this time are saved together. */
const saveDelayMs = 1_000;
/** How many are looked up in one step of a page. */
const lookedUpAtOnce = 200;
/** Each change looks for the peers and tells all of them, maybe thousands: who changes faster is told of as they are when it is time. */
const changesOfUser = { burst: 10, perSecond: 0.5 };

/** What others may know of somebody's presence. */
export interface PresenceSeen {
  /** Undefined when they hide it, or one of the two blocks the other. */
  readonly state: PresenceState | undefined;
  /** Milliseconds since the Unix epoch; 0 while they are there, when it is hidden or they were never seen. */
  readonly lastSeenAt: number;
}

export interface PresenceOptions {
  live: LiveSessions;
  store: MessageStore;
  settingsStore: SettingsStore;
  settings: UserSettings;
  clock: Clock;
  log: Log;
}

interface Leaving {
  readonly at: number;
  readonly timer: ReturnType<typeof setTimeout>;
  /** What the others still see. */
  readonly state: PresenceState;
}

/**
 * Tells people who is there, of those they have to do with, without those who hide it. Lossy: nothing is kept or sent again. When
 * somebody was seen last is kept.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #leaving = new Map<string, Leaving>();
  readonly #away = new WeakSet<Subscriber>();
  /** Who left, and is not saved yet. */
  readonly #unsaved = new Map<string, number>();
  #saveTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #changes = new TokenBuckets(changesOfUser);
  /** Who changed too often, and is told of later. */
  readonly #later = new Map<string, { timer: ReturnType<typeof setTimeout>; always: boolean }>();

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Whether they hide it or not: for the operator, and where it decides something. */
  stateOf(user: string): PresenceState {
    const sessions = [...this.#options.live.of(user)];
    if (sessions.length === 0) return this.#leaving.get(user)?.state ?? "offline";
    // Programs that use the account are no person at a keyboard, unless there is nothing else.
    const people = sessions.filter(({ consumer }) => consumer === "ui");
    return (people.length > 0 ? people : sessions).every((each) => this.#away.has(each)) ? "away" : "online";
  }

  /** The user has one session more, or one less and some still; they were in the state `before`. */
  sessionsChanged(user: string, before: PresenceState): void {
    const leaving = this.#leaving.get(user);
    if (leaving !== undefined) {
      clearTimeout(leaving.timer);
      this.#leaving.delete(user);
    }
    const state = this.stateOf(user);
    if (state !== before) this.#changed(user);
  }

  /** The last session of the user is gone; they were in the state `before`. */
  left(user: string, before: PresenceState): void {
    const timer = setTimeout(() => {
      this.#leaving.delete(user);
      this.#seen(user, at);
      this.#changed(user);
    }, graceMs);
    const at = this.#options.clock.now();
    this.#leaving.set(user, { at, timer, state: before });
  }

  /** The person of this session is not at the keyboard, or is back. */
  setAway(subscriber: Subscriber, away: boolean): void {
    const { user } = subscriber.identity;
    const before = this.stateOf(user);
    if (away) this.#away.add(subscriber);
    else this.#away.delete(subscriber);
    this.sessionsChanged(user, before);
  }

  /** The user shows it from now on, or does not. */
  visibilityChanged(user: string): void {
    if (this.stateOf(user) !== "offline") this.#changed(user, { always: true });
  }

  /** The user's peers who are there now and show it. */
  async peersPresent(user: string): Promise<{ user: string; state: PresenceState }[]> {
    const { live, store } = this.#options;
    const peers = await store.peersAmong(user, [...new Set([...live.users(), ...this.#leaving.keys()])]);
    const seen = await this.see(user, peers);
    return peers.flatMap((peer, index) => {
      const { state = "offline" } = seen[index];
      return state === "offline" ? [] : [{ user: peer, state }];
    });
  }

  /** Returns the presence of these users as `asker` sees it, in their order; over several turns, each as of its own turn. */
  async see(asker: string, users: readonly string[], turn?: Turn): Promise<PresenceSeen[]> {
    await this.#options.settings.load(asker);
    const seen: PresenceSeen[] = [];
    for (let first = 0; first < users.length; first += lookedUpAtOnce) {
      seen.push(...await this.#seeSome(asker, users.slice(first, first + lookedUpAtOnce), turn));
    }
    return seen;
  }

  async #seeSome(asker: string, users: readonly string[], turn: Turn | undefined): Promise<PresenceSeen[]> {
    const { settings, settingsStore } = this.#options;
    const visible: boolean[] = [];
    for (const user of users) {
      if (turn?.isOver) await turn.next();
      visible.push((await settings.settings(user)).presence && !this.#isKept(user, asker));
    }
    const gone = users.filter((user, index) => visible[index] && this.stateOf(user) === "offline");
    const stored = await settingsStore.readLastSeen(gone);
    const lastSeen = new Map(gone.map((user, index) => [user, this.#unsaved.get(user) ?? stored[index]]));
    return users.map((user, index) => {
      if (!visible[index]) return { state: undefined, lastSeenAt: 0 };
      const state = this.stateOf(user);
      return { state, lastSeenAt: state === "offline" ? lastSeen.get(user) ?? 0 : 0 };
    });
  }

  /** Saves who was seen when: those who are there still, now. */
  async close(): Promise<void> {
    for (const [user, { at, timer }] of this.#leaving) {
      clearTimeout(timer);
      this.#unsaved.set(user, at);
    }
    this.#leaving.clear();
    for (const { timer } of this.#later.values()) clearTimeout(timer);
    this.#later.clear();
    await this.#save();
  }

  /** Whether one of the two blocks the other; of users whose settings were asked for. */
  #isKept(one: string, other: string): boolean {
    const { settings } = this.#options;
    return settings.isHidden(one, other) || settings.isHidden(other, one);
  }

  #seen(user: string, at: number): void {
    this.#unsaved.set(user, at);
    this.#saveTimer ??= setTimeout(() => void this.#save(), saveDelayMs);
  }

  async #save(): Promise<void> {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
    if (this.#unsaved.size === 0) return;
    const saving = new Map(this.#unsaved);
    try {
      await this.#options.settingsStore.saveLastSeen(saving);
    } catch (error) {
      this.#options.log.error("when users were last seen could not be saved", { error });
    }
    for (const [user, at] of saving) if (this.#unsaved.get(user) === at) this.#unsaved.delete(user);
  }

  /** The user is in another state than before. `always`: also when they do not show it, as being offline. */
  #changed(user: string, { always = false } = {}): void {
    const waiting = this.#later.get(user);
    if (waiting !== undefined) {
      waiting.always ||= always;
      return;
    }
    const waitMs = this.#changes.take(user, this.#options.clock.now());
    if (waitMs === 0) return void this.#tell(user, this.stateOf(user), always);
    const timer = setTimeout(() => {
      const { always } = this.#later.get(user)!;
      this.#later.delete(user);
      void this.#tell(user, this.stateOf(user), always);
    }, waitMs);
    this.#later.set(user, { timer, always });
  }

  async #tell(user: string, shown: PresenceState, always: boolean): Promise<void> {
    const { live, store, settings, log } = this.#options;
    try {
      const { presence } = await settings.settings(user);
      if (!presence && !always) return;
      const state = presence ? shown : "offline";
      const peers = await store.peersAmong(user, [...live.users()]);
      const notice = { kind: "presence", user, state } as const;
      for (const peer of peers) {
        if (this.#isKept(user, peer)) continue;
        for (const subscriber of live.of(peer)) subscriber.notify(notice);
      }
    } catch (error) {
      log.error("presence could not be told", { user, error });
    }
  }
}
