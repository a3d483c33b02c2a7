import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { MessageStore, UserSet } from "../messages/message_store.ts";
import type { Turn } from "../page_turns.ts";
import { TokenBuckets } from "../token_bucket.ts";
import { LeavingUsers } from "./leaving_users.ts";
import { isProgram, type LiveSessions, type Subscriber } from "./live_sessions.ts";
import type { PresenceState } from "./notice.ts";
import type { SettingsStore } from "./settings_store.ts";
import type { UserSettings } from "./user_settings.ts";

/** Users who left within this time are saved together. */
const saveDelayMs = 1_000;
/** Users saved in one transaction: a few milliseconds of work. */
const usersPerSave = 500;
/** Users looked up in one step of a page. */
const usersPerStep = 200;
/**
 * Changes of one user that are announced at once. Each one queries the peers and notifies all of them, possibly
 * thousands; faster changes are merged into the state at the next announcement.
 */
const changesOfUser = { burst: 10, perSecond: 0.5 };

/** A user's presence as another user sees it. */
export interface PresenceSeen {
  /** Undefined when the user hides it, or one of the two blocks the other. */
  readonly state: PresenceState | undefined;
  /** Milliseconds since the Unix epoch; 0 while the user is online, when it is hidden, or when it is unknown. */
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

/** The users who have sessions, or left within the grace time. */
class PresentUsers implements UserSet {
  readonly #online: UserSet;
  readonly #leaving: LeavingUsers;

  constructor(online: UserSet, leaving: LeavingUsers) {
    this.#online = online;
    this.#leaving = leaving;
  }

  get size(): number {
    return this.#online.size + this.#leaving.size;
  }

  has(user: string): boolean {
    return this.#online.has(user) || this.#leaving.has(user);
  }

  *keys(): Iterable<string> {
    yield* this.#online.keys();
    yield* this.#leaving.keys();
  }
}

/**
 * Announces presence to the peers of users who show it. Lossy: never stored or resent, except when a user was last
 * seen.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #leaving = new LeavingUsers((user, { at }) => {
    this.#recordLastSeen(user, at);
    this.#announceChange(user);
  });
  readonly #present: UserSet;
  /** Searches for the present peers of users, in progress. */
  readonly #finding = new Map<string, Promise<string[]>>();
  /** By session that said so, whether its user is away from the keyboard. */
  readonly #away = new WeakMap<Subscriber, boolean>();
  /** When users left, until it is saved. */
  readonly #unsaved = new Map<string, number>();
  #saveTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #changes = new TokenBuckets(changesOfUser);
  /** Announcements that were postponed because the user changed too often. */
  readonly #postponed = new Map<string, { timer: ReturnType<typeof setTimeout>; always: boolean }>();

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#present = new PresentUsers(options.live.online, this.#leaving);
  }

  /**
   * Returns the actual state, even if the user hides it. A session of a program does not make its user present, unless it
   * says that they are, by {@link setAway}, as a bot may.
   */
  stateOf(user: string): PresenceState {
    const sessions = this.#sessionsOf(user);
    if (sessions.length === 0) return this.#leaving.get(user)?.state ?? "offline";
    return sessions.every((each) => this.#away.get(each)) ? "away" : "online";
  }

  /** Called when a user has one session more or less; `before` was their state. */
  sessionsChanged(user: string, before: PresenceState): void {
    if (this.#sessionsOf(user).length > 0) {
      this.#leaving.delete(user);
      if (this.stateOf(user) !== before) this.#announceChange(user);
    } else if (before !== "offline" && !this.#leaving.has(user)) {
      this.#leaving.add(user, { at: this.#options.clock.now(), state: before });
    }
  }

  /** Marks the user of a session as away from the keyboard, or as present. */
  setAway(subscriber: Subscriber, away: boolean): void {
    const { user } = subscriber.identity;
    const before = this.stateOf(user);
    this.#away.set(subscriber, away);
    this.sessionsChanged(user, before);
  }

  /** Tells a user, and those of `others` who became their peers, of each other's presence. */
  async introduce(user: string, others: Iterable<string>): Promise<void> {
    const { live, store, log } = this.#options;
    const online = [...others].filter((other) => other !== user && live.isOnline(other));
    if (online.length === 0) return;
    try {
      const met = await store.peersAmong(user, new Set(online));
      await this.#tell(user, met);
      for (const other of met) await this.#tell(other, [user]);
    } catch (error) {
      log.error("cannot tell new peers of each other's presence", { user, error });
    }
  }

  /** Tells a user's sessions of the present ones among `others`. */
  async #tell(user: string, others: readonly string[]): Promise<void> {
    const { live } = this.#options;
    if (!live.isOnline(user)) return;
    const seen = await this.see(user, others);
    for (const [index, { state = "offline" }] of seen.entries()) {
      if (state === "offline") continue;
      for (const subscriber of live.of(user)) subscriber.notify({ kind: "presence", user: others[index], state });
    }
  }

  /** Returns the sessions that make a user present. */
  #sessionsOf(user: string): Subscriber[] {
    return this.#options.live.of(user).filter((each) => !isProgram(each.consumer) || this.#away.get(each) === false);
  }

  /** Called when the user starts or stops showing their presence. */
  visibilityChanged(user: string): void {
    if (this.stateOf(user) !== "offline") this.#announceChange(user, { always: true });
  }

  /** Returns the user's peers who are present and show it. */
  async peersPresent(user: string): Promise<{ user: string; state: PresenceState }[]> {
    const peers = await this.#peersThere(user);
    const seen = await this.see(user, peers);
    return peers.flatMap((peer, index) => {
      const { state = "offline" } = seen[index];
      return state === "offline" ? [] : [{ user: peer, state }];
    });
  }

  /**
   * Returns the presence of users as `asker` sees it, in the order of `users`. Over several turns, each is as of its
   * own turn.
   */
  async see(asker: string, users: readonly string[], turn?: Turn): Promise<PresenceSeen[]> {
    await this.#options.settings.load(asker);
    const seen: PresenceSeen[] = [];
    for (let first = 0; first < users.length; first += usersPerStep) {
      seen.push(...await this.#seeStep(asker, users.slice(first, first + usersPerStep), turn));
    }
    return seen;
  }

  async #seeStep(asker: string, users: readonly string[], turn: Turn | undefined): Promise<PresenceSeen[]> {
    const { settings, settingsStore } = this.#options;
    const visible: boolean[] = [];
    for (const user of users) {
      if (turn?.isOver) await turn.next();
      visible.push((await settings.settings(user)).presence && !this.#hasBlock(user, asker));
    }
    const gone = users.filter((user, index) => visible[index] && this.stateOf(user) === "offline");
    const stored = gone.length === 0 ? [] : await settingsStore.readLastSeen(gone);
    const lastSeen = new Map(gone.map((user, index) => [user, this.#unsaved.get(user) ?? stored[index]]));
    return users.map((user, index) => {
      if (!visible[index]) return { state: undefined, lastSeenAt: 0 };
      const state = this.stateOf(user);
      return { state, lastSeenAt: state === "offline" ? lastSeen.get(user) ?? 0 : 0 };
    });
  }

  /** Saves when users were last seen, including users within the grace time. */
  async close(): Promise<void> {
    for (const [user, at] of this.#leaving.close()) this.#unsaved.set(user, at);
    for (const { timer } of this.#postponed.values()) clearTimeout(timer);
    this.#postponed.clear();
    do await this.#save(); while (this.#unsaved.size > 0);
  }

  /** Returns the user's peers who are present. A login asks twice at once: to announce it, and to list them. */
  #peersThere(user: string): Promise<string[]> {
    const finding = this.#finding.get(user);
    if (finding !== undefined) return finding;
    const begun = this.#options.store.peersAmong(user, this.#present).finally(() => this.#finding.delete(user));
    this.#finding.set(user, begun);
    return begun;
  }

  /** Returns whether one of the two blocks the other; their settings must be loaded. */
  #hasBlock(one: string, other: string): boolean {
    const { settings } = this.#options;
    return settings.isHidden(one, other) || settings.isHidden(other, one);
  }

  #recordLastSeen(user: string, at: number): void {
    this.#unsaved.set(user, at);
    this.#saveTimer ??= setTimeout(() => void this.#save(), saveDelayMs);
  }

  /** Saves some of the users; the others follow in turns of their own, so that other work comes in between. */
  async #save(): Promise<void> {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
    if (this.#unsaved.size === 0) return;
    const saving = new Map(this.#unsaved.entries().take(usersPerSave));
    try {
      await this.#options.settingsStore.saveLastSeen(saving);
    } catch (error) {
      this.#options.log.error("cannot save when users were last seen", { error });
    }
    for (const [user, at] of saving) if (this.#unsaved.get(user) === at) this.#unsaved.delete(user);
    if (this.#unsaved.size > 0) this.#saveTimer ??= setTimeout(() => void this.#save());
  }

  /** Announces a change of state. `always`: also when the user hides presence, as offline. */
  #announceChange(user: string, { always = false } = {}): void {
    const waiting = this.#postponed.get(user);
    if (waiting !== undefined) {
      waiting.always ||= always;
      return;
    }
    const waitMs = this.#changes.take(user, this.#options.clock.now());
    if (waitMs === 0) return void this.#notifyPeers(user, this.stateOf(user), always);
    const timer = setTimeout(() => {
      const { always } = this.#postponed.get(user)!;
      this.#postponed.delete(user);
      void this.#notifyPeers(user, this.stateOf(user), always);
    }, waitMs);
    this.#postponed.set(user, { timer, always });
  }

  async #notifyPeers(user: string, shown: PresenceState, always: boolean): Promise<void> {
    const { live, store, settings, log } = this.#options;
    try {
      const { presence } = await settings.settings(user);
      if (!presence && !always) return;
      const state = presence ? shown : "offline";
      // Users who left need no notice: when many leave together, each would look for all others.
      const peers = shown === "offline" ? await store.peersAmong(user, live.online) : await this.#peersThere(user);
      const notice = { kind: "presence", user, state } as const;
      for (const peer of peers) {
        if (this.#hasBlock(user, peer)) continue;
        for (const subscriber of live.of(peer)) subscriber.notify(notice);
      }
    } catch (error) {
      log.error("cannot announce presence", { user, error });
    }
  }
}
