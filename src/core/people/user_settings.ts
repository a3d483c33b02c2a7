import { parseUserName } from "../accounts/user_name.ts";
import { ChatError } from "../chat_error.ts";
import { KeyedLock } from "../keyed_lock.ts";
import { RecentMap } from "../recent_map.ts";
import { defaultSettings, type Settings, type SettingsStore } from "./settings_store.ts";

const maxKnown = 20_000;
const maxContacts = 50_000;
/** Largest number of names that fits into one reply. */
const maxBlocked = 1_000;

/** Entries of one sender that are hidden: those after one position, up to another. */
interface Block {
  readonly after: number;
  /** Infinity while the block is in force. */
  readonly through: number;
}

interface Known {
  settings: Settings;
  /** By sender. Ended blocks are kept until the entries that they hide were offered to all sessions. */
  readonly blocks: Map<string, Block>;
  /** Entries may be hidden from the user. */
  hasBlocked: boolean;
}

export interface UserSettingsOptions {
  store: SettingsStore;
  /** Returns the newest position of the log. */
  head(): number;
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
  readonly #loading = new Map<string, Promise<Known>>();
  /** "ana ben": whether ana has written to ben. */
  readonly #contacts = new RecentMap<string, boolean>(maxContacts);
  /** Queries in progress; `written` records a message since. */
  readonly #contactQueries = new Map<string, { answer: Promise<boolean>; written: boolean }>();
  readonly #locks = new KeyedLock();

  constructor(options: UserSettingsOptions) {
    this.#options = options;
  }

  /** Loads a user's settings and blocks, which {@link isHidden} then knows while the user is online. */
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

  /** Lists the users blocked by `user`, by name. */
  async blocked(user: string): Promise<string[]> {
    return namesOf(await this.#load(user));
  }

  /** Changes the given settings. */
  async update(user: string, change: Partial<Settings>): Promise<Settings> {
    return await this.#changeSettings(user, async (known) => {
      const after = { ...known.settings, ...change };
      await this.#options.store.saveSettings(user, after);
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
      if (isInForce(known.blocks.get(other))) return;
      if (known.blocks.values().filter(isInForce).toArray().length >= maxBlocked) {
        throw new ChatError(
          "limit_reached",
          `You have reached the limit of ${maxBlocked} blocked users. Unblock some first.`,
        );
      }
      const after = this.#options.head();
      known.hasBlocked = true;
      const ended = known.blocks.get(other);
      // A block that ended where this one begins still hides entries that are committed but not offered yet.
      const block = { after: ended?.through === after ? ended.after : after, through: Infinity };
      await this.#replaceBlock(known, other, block, () => this.#options.store.block(user, other, after));
    });
  }

  /** Ends a block; entries sent during it stay hidden. @throws {ChatError} `not_found` */
  async unblock(user: string, name: string): Promise<void> {
    const other = await this.#requireUser(name);
    await this.#changeSettings(user, async (known) => {
      const block = known.blocks.get(other);
      if (!isInForce(block)) return;
      const through = this.#options.head();
      await this.#replaceBlock(
        known,
        other,
        { ...block, through },
        () => this.#options.store.unblock(user, other, through),
      );
      for (const [sender, { through: end }] of known.blocks) if (end < through) known.blocks.delete(sender);
    });
  }

  /**
   * Returns whether the entry of `sender` at `position`, or without one their current activity, is hidden from `user`.
   * Only correct for loaded users.
   */
  isHidden(user: string, sender: string, position = Number.MAX_VALUE): boolean {
    const block = this.#known.peek(user)?.blocks.get(sender);
    return block !== undefined && block.after < position && position <= block.through;
  }

  /** Returns whether entries of any sender may be hidden from `user`, also by former blocks. */
  hasBlocked(user: string): boolean {
    return this.#known.peek(user)?.hasBlocked ?? true;
  }

  /** Returns whether the cache says that `recipient` accepts messages from all users. */
  takesAll(recipient: string): boolean {
    return this.#known.get(recipient)?.settings.directMessages === "anyone";
  }

  /** Checks that `recipient` accepts messages of `sender` outside rooms. @throws {ChatError} `permission_denied` */
  async checkContact(sender: string, recipient: string): Promise<void> {
    if (sender === recipient) return;
    const { directMessages } = await this.settings(recipient);
    if (directMessages === "anyone") return;
    if (directMessages === "nobody") {
      throw new ChatError("permission_denied", `${recipient} accepts no direct messages.`);
    }
    if (await this.#hasWritten(recipient, sender)) return;
    throw new ChatError(
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
    const loading = this.#loading.get(user);
    if (loading !== undefined) return loading;
    const begun = this.#options.store.readSettings(user).then(({ settings, blocked, hasBlocked }) => {
      const blocks = new Map(blocked.map((name) => [name, { after: 0, through: Infinity }]));
      const known = { settings, blocks, hasBlocked };
      this.#cache(user, known);
      return known;
    }).finally(() => this.#loading.delete(user));
    this.#loading.set(user, begun);
    return begun;
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

  /** Updates memory before the disk: entries committed after the position of the block on disk are hidden already. */
  async #replaceBlock({ blocks }: Known, sender: string, block: Block, save: () => Promise<void>): Promise<void> {
    const before = blocks.get(sender);
    blocks.set(sender, block);
    try {
      await save();
    } catch (error) {
      if (before === undefined) blocks.delete(sender);
      else blocks.set(sender, before);
      throw error;
    }
  }
}

function isInForce(block: Block | undefined): block is Block {
  return block?.through === Infinity;
}

function namesOf({ blocks }: Known): string[] {
  return [...blocks.keys()].filter((sender) => isInForce(blocks.get(sender))).sort();
}
