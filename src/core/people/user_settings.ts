import { looksReserved } from "../accounts/name_skeleton.ts";
import { parseUserName } from "../accounts/user_name.ts";
import { ChatError } from "../chat_error.ts";
import { KeyedLock } from "../keyed_lock.ts";
import { isRoomEvent } from "../messages/log_event.ts";
import type { Message } from "../messages/message.ts";
import type { Turn } from "../page_turns.ts";
import { RecentMap } from "../recent_map.ts";
import { parseDisplayName, parseStatusText } from "./display_name.ts";
import { defaultSettings, type Settings, type SettingsStore } from "./settings_store.ts";

const maxKnown = 20_000;
const maxContacts = 50_000;
/** Largest number of names that fits into one reply. */
const maxBlocked = 1_000;

/** A block of one sender, which hides the entries after a position. */
interface Block {
  after: number;
  /** Its beginning or end is being stored, which may fail: until then, only the store knows which entries it hides. */
  isSaving: boolean;
}

interface Known {
  /** The position that the blocks are of: memory does not know which entries up to there are hidden. */
  readonly asOf: number;
  settings: Settings;
  /** By sender. The entries that an ended block hides were applied before it ended. */
  readonly blocks: Map<string, Block>;
  /** Entries may be hidden from the user. */
  hasBlocked: boolean;
}

/** Settings that are being read from the store. */
interface Load {
  known: Promise<Known>;
  /** They changed meanwhile, so the record may be stale. */
  isVoid: boolean;
}

/** The texts that others see beside the name of a user. */
export type Profile = Pick<Settings, "displayName" | "status">;

/** Whether a user may see an entry; "unknown" when only the store knows. */
export type Visibility = "shown" | "hidden" | "unknown";

export interface UserSettingsOptions {
  store: SettingsStore;
  /** Returns the position up to which entries were offered to sessions: the store may be ahead. */
  applied(): number;
  /**
   * Runs `work` while nothing is committed, so that the store is not ahead: a session that reads from it may neither be
   * sent an entry that a block hides, nor miss one.
   */
  betweenCommits(work: () => Promise<void>): Promise<void>;
  /** Settings of online users stay cached: hiding entries from them needs no query. */
  isOnline(user: string): boolean;
  isUser(name: string): Promise<boolean>;
  /** Called when a change is on disk. */
  onChanged(user: string, change: { before: Settings; after: Settings }): void;
}

/** Settings of users, their blocks, and permission to write to them. */
export class UserSettings {
  readonly #options: UserSettingsOptions;
  readonly #known = new RecentMap<string, Known>(maxKnown);
  readonly #loads = new Map<string, Load>();
  /** "ana ben": whether ana has written to ben. */
  readonly #contacts = new RecentMap<string, boolean>(maxContacts);
  /** Queries in progress; `written` records a message since. */
  readonly #contactQueries = new Map<string, { answer: Promise<boolean>; written: boolean }>();
  readonly #locks = new KeyedLock();

  constructor(options: UserSettingsOptions) {
    this.#options = options;
  }

  /** Loads a user's settings and blocks, which {@link visibilityOf} then knows while the user is online. */
  async load(user: string): Promise<void> {
    await this.#load(user);
  }

  async settings(user: string): Promise<Settings> {
    return (this.#known.get(user) ?? await this.#load(user)).settings;
  }

  /** Returns the cached settings, or the defaults. */
  knownSettings(user: string): Settings {
    return this.#known.peek(user)?.settings ?? defaultSettings;
  }

  /** Returns display names and status texts, in the order of `users`. */
  async profilesOf(users: readonly string[], turn?: Turn): Promise<Profile[]> {
    const profiles: Profile[] = [];
    for (const user of users) {
      if (turn?.isOver) await turn.next();
      const { displayName, status } = await this.settings(user);
      profiles.push({ displayName, status });
    }
    return profiles;
  }

  /** Lists the users blocked by `user`, by name. */
  async blocked(user: string): Promise<string[]> {
    return namesOf(await this.#load(user));
  }

  /**
   * Changes the given settings. `allowSimilar`: the display name may look like another's.
   * @throws {ChatError} `invalid_argument`; `already_exists` when the display name looks like the name or display name
   * of another user
   */
  async update(user: string, change: Partial<Settings>, { allowSimilar = false } = {}): Promise<Settings> {
    const { displayName, status } = change;
    const parsed = {
      ...change,
      ...(displayName !== undefined && { displayName: parseDisplayName(displayName) }),
      ...(status !== undefined && { status: parseStatusText(status) }),
    };
    return await this.#changeSettings(user, async (known) => {
      const after = { ...known.settings, ...parsed };
      const isReserved = !allowSimilar && after.displayName !== known.settings.displayName &&
        looksReserved(after.displayName);
      if (isReserved || await this.#options.store.saveSettings(user, after, { allowSimilar }) === "similar") {
        throw new ChatError(
          "already_exists",
          `The display name "${after.displayName}" looks like a name that is taken: choose another. ` +
            "The operator can allow it (--allow-similar).",
        );
      }
      known.settings = after;
      return after;
    });
  }

  /**
   * Hides all later entries of `name` from the user.
   * @throws {ChatError} `not_found`, `invalid_argument` for oneself, `limit_reached`
   */
  async block(user: string, name: string): Promise<void> {
    const other = await this.#requireUser(name);
    if (other === user) throw new ChatError("invalid_argument", "You cannot block yourself.");
    await this.#changeSettings(user, async (known) => {
      if (known.blocks.has(other)) return;
      if (known.blocks.size >= maxBlocked) {
        throw new ChatError(
          "limit_reached",
          `You have reached the limit of ${maxBlocked} blocked users. Unblock some first.`,
        );
      }
      const { store, applied, betweenCommits } = this.#options;
      const block = { after: applied(), isSaving: true };
      known.hasBlocked = true;
      known.blocks.set(other, block);
      try {
        await betweenCommits(async () => {
          block.after = applied();
          await store.block(user, other, block.after);
        });
      } catch (error) {
        known.blocks.delete(other);
        throw error;
      } finally {
        block.isSaving = false;
      }
    });
  }

  /** Ends a block; entries sent during it stay hidden. @throws {ChatError} `not_found` */
  async unblock(user: string, name: string): Promise<void> {
    const other = await this.#requireUser(name);
    await this.#changeSettings(user, async (known) => {
      const block = known.blocks.get(other);
      if (block === undefined) return;
      const { store, applied, betweenCommits } = this.#options;
      block.isSaving = true;
      try {
        await betweenCommits(async () => {
          await store.unblock(user, other, applied());
          known.blocks.delete(other);
        });
      } finally {
        block.isSaving = false;
      }
    });
  }

  /** Returns whether the current activity of `sender` is hidden from `user`. Only correct for loaded users. */
  isHidden(user: string, sender: string): boolean {
    return this.#known.peek(user)?.blocks.has(sender) ?? false;
  }

  /**
   * Returns whether `user` may see an entry that is being applied, by their blocks. An event about a message also needs
   * a visible target: after a block of any sender, only the store knows.
   */
  visibilityOf(user: string, { sender, position, event }: Message): Visibility {
    const known = this.#known.peek(user);
    if (known === undefined) return "unknown";
    if (!known.hasBlocked || user === sender && event === undefined) return "shown";
    if (position <= known.asOf) return "unknown";
    const block = known.blocks.get(sender);
    if (block?.isSaving) return "unknown";
    if (block !== undefined && block.after < position) return "hidden";
    return event === undefined || isRoomEvent(event) ? "shown" : "unknown";
  }

  /** Returns whether the cache says that `recipient` accepts messages from all users. */
  takesAll(recipient: string): boolean {
    return this.#known.peek(recipient)?.settings.directMessages === "anyone";
  }

  /** Checks that `recipient` accepts messages of `sender` outside rooms. @throws {ChatError} `permission_denied` */
  async checkContact(sender: string, recipient: string): Promise<void> {
    const refusal = await this.refuseContact(sender, recipient);
    if (refusal !== undefined) throw refusal;
  }

  /** Returns why `recipient` accepts no messages of `sender` outside rooms; undefined when they do. */
  async refuseContact(sender: string, recipient: string): Promise<ChatError | undefined> {
    if (sender === recipient) return undefined;
    const { directMessages } = await this.settings(recipient);
    if (directMessages === "anyone") return undefined;
    if (directMessages === "nobody") {
      return new ChatError("permission_denied", `${recipient} accepts no direct messages.`);
    }
    if (await this.#hasWritten(recipient, sender)) return undefined;
    return new ChatError(
      "permission_denied",
      `${recipient} accepts direct messages only from people whom they have written to.`,
    );
  }

  /** Records that `sender` wrote in a conversation of two, which allows the other one to write to `sender`. */
  recordContact(sender: string, members: readonly string[]): void {
    if (this.#contacts.size === 0 && this.#contactQueries.size === 0) return;
    const key = `${sender} ${members.find((user) => user !== sender) ?? sender}`;
    if (this.#contacts.peek(key) === false) this.#contacts.set(key, true);
    const query = this.#contactQueries.get(key);
    if (query !== undefined) query.written = true;
  }

  /** Updates the cache after an account was renamed to its alias. */
  rename(name: string, alias: string): void {
    for (const load of this.#loads.values()) load.isVoid = true;
    this.#known.delete(name);
    for (const { blocks } of this.#known.values()) {
      const block = blocks.get(name);
      if (block === undefined) continue;
      blocks.delete(name);
      blocks.set(alias, block);
    }
  }

  async #requireUser(name: string): Promise<string> {
    const parsed = parseUserName(name);
    if (await this.#options.isUser(parsed)) return parsed;
    throw new ChatError("not_found", `There is no user "${parsed}".`);
  }

  async #hasWritten(user: string, other: string): Promise<boolean> {
    const key = `${user} ${other}`;
    const known = this.#contacts.get(key);
    if (known !== undefined) return known;
    let query = this.#contactQueries.get(key);
    if (query === undefined) {
      query = { answer: this.#options.store.hasWrittenTo(user, other), written: false };
      this.#contactQueries.set(key, query);
    }
    try {
      const written = await query.answer || query.written;
      this.#contacts.set(key, written);
      return written;
    } finally {
      this.#contactQueries.delete(key);
    }
  }

  #load(user: string): Promise<Known> {
    const known = this.#known.get(user);
    if (known !== undefined) return Promise.resolve(known);
    const underway = this.#loads.get(user);
    if (underway !== undefined) return underway.known;
    const load = { isVoid: false } as Load;
    this.#loads.set(user, load);
    return load.known = this.#read(user, load);
  }

  async #read(user: string, load: Load): Promise<Known> {
    try {
      for (;;) {
        load.isVoid = false;
        const { settings, blocked, hasBlocked, asOf } = await this.#options.store.readSettings(user);
        // Changed meanwhile, by a task that held the settings when they left the cache.
        const changed = this.#known.get(user);
        if (changed !== undefined) return changed;
        if (load.isVoid) continue;
        const blocks = new Map(blocked.map((name) => [name, { after: 0, isSaving: false }]));
        const known = { settings, blocks, hasBlocked, asOf };
        this.#cache(user, known);
        return known;
      }
    } finally {
      this.#loads.delete(user);
    }
  }

  #cache(user: string, known: Known): void {
    this.#known.set(user, known, (each) => this.#options.isOnline(each));
  }

  #changeSettings<T>(user: string, task: (known: Known) => Promise<T>): Promise<T> {
    return this.#locks.run(user, async () => {
      const known = await this.#load(user);
      const before = known.settings;
      const result = await task(known);
      this.#cache(user, known);
      this.#options.onChanged(user, { before, after: known.settings });
      return result;
    });
  }
}

function namesOf({ blocks }: Known): string[] {
  return [...blocks.keys()].sort();
}
