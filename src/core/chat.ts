import { AccountDeletion } from "./accounts/account_deletion.ts";
import type { Accounts, Identity } from "./accounts/accounts.ts";
import { KnownUsers } from "./accounts/known_users.ts";
import { type AuditLog, noAudit } from "./audit/audit.ts";
import { Applier } from "./applier.ts";
import { ChatError } from "./chat_error.ts";
import type { GuardedClock } from "./clock.ts";
import { DiskQuota } from "./files/disk_quota.ts";
import type { FileStore } from "./files/file_store.ts";
import { Files } from "./files/files.ts";
import type { DeletedAccounts, Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import { CommitQueue } from "./messages/commit_queue.ts";
import { FanOut } from "./messages/fan_out.ts";
import { type Attachment, conversationAddress, type Message, type Pin } from "./messages/message.ts";
import { parseMessageId } from "./messages/message_id.ts";
import type {
  ConsumerStart,
  ConversationSummary,
  HistoryPage,
  HistoryRange,
  MessageBatch,
  MessageStore,
} from "./messages/message_store.ts";
import { PlainLane } from "./messages/plain_lane.ts";
import { noSuchMessage, Posting } from "./messages/posting.ts";
import { Receipts } from "./messages/receipts.ts";
import { type Metrics, silentMetrics } from "./metrics.ts";
import { PageTurns, type PageTurnsOptions, type Turn } from "./page_turns.ts";
import { LiveSessions, type Subscriber } from "./people/live_sessions.ts";
import { Presence } from "./people/presence.ts";
import { ProfileChanges } from "./people/profile_changes.ts";
import type { SettingsStore } from "./people/settings_store.ts";
import { StateRevisions } from "./people/state_revisions.ts";
import { Typing } from "./people/typing.ts";
import { UserSettings } from "./people/user_settings.ts";
import { Invitations } from "./rooms/invitations.ts";
import { RoomCache } from "./rooms/room_cache.ts";
import { RoomKeeper } from "./rooms/room_keeper.ts";
import { refuseInRoom } from "./rooms/refuse_in_room.ts";
import type { RoomState } from "./rooms/room_state.ts";
import type { RoomStore } from "./rooms/room_store.ts";
import { Rooms } from "./rooms/rooms.ts";
import type { MessageSearch } from "./search/message_search.ts";
import { Searches } from "./search/searches.ts";
import { TokenBuckets } from "./token_bucket.ts";

/** Sessions that a user may begin: each costs queries and a window of entries. */
const sessionsOfUser = { burst: 128, perSecond: 2 };
/** Writes of a user that get a transaction of their own, for which the whole server waits; messages share one. */
const writesOfUser = { burst: 100, perSecond: 2 };
/**
 * Bytes of text in one page: with the metadata of 200 messages or 100 conversations, it stays within a frame of 64 KiB.
 */
const maxPageBytes = 24 * 1024;
/** Delivery cursors of one device. */
const maxConsumers = 32;

export interface ChatOptions {
  accounts: Accounts;
  store: MessageStore;
  rooms: RoomStore;
  files: FileStore;
  settings: SettingsStore;
  search: MessageSearch;
  limits: Limits;
  clock: GuardedClock;
  log: Log;
  /** Records nothing unless given. */
  audit?: AuditLog;
  /** Counts nothing unless given. */
  metrics?: Metrics;
  /** Runs a callback after the input that is ready now was read. */
  defer(callback: () => void): void;
  /** Overrides the timing of pages, for tests. */
  pages?: Omit<PageTurnsOptions, "defer">;
  /** Requests of one user over all sessions, by cost: refill per second, and burst. */
  rate: { perSecond: number; burst: number };
  /** How to treat messages of deleted accounts; "anonymize" unless given. */
  deletedAccounts?: DeletedAccounts;
  /** Erases messages of deleted accounts and rooms. Resolves when they are erased or that failed; never rejects. */
  onErase?(): Promise<void>;
  /** Records that a session of a device's consumer continues. */
  noteUse?(deviceId: string, consumer: string): Promise<void>;
}

/**
 * The chat itself, the same for every transport. Owns its parts and not the stores: call {@link close}, then close the
 * stores.
 *
 * @example
 * ```ts
 * import { createMessageId } from "./messages/message_id.ts";
 *
 * // Sends a message, and reads it as its recipient does.
 * async function greet(chat: Chat): Promise<string> {
 *   await chat.posting.submit(await chat.posting.check("ana", { to: "ben", id: createMessageId(), text: "hello" }));
 *   const { messages } = await chat.history("ben", {
 *     with: "ana",
 *     beforeSeq: 0,
 *     afterSeq: 0,
 *     fromMs: 0,
 *     events: false,
 *     limit: 1,
 *   });
 *   return messages[0].text;
 * }
 * ```
 */
export class Chat {
  readonly accounts: Accounts;
  /** Shared with transports. */
  readonly metrics: Metrics;
  readonly live = new LiveSessions();
  readonly presence: Presence;
  readonly settings: UserSettings;
  readonly profiles: ProfileChanges;
  readonly revisions = new StateRevisions(this.live);
  readonly receipts: Receipts;
  readonly typing: Typing;
  readonly #options: ChatOptions;
  readonly #commits: CommitQueue;
  readonly #buckets: TokenBuckets;
  readonly #sessionBuckets = new TokenBuckets(sessionsOfUser);
  readonly #writeBuckets = new TokenBuckets(writesOfUser);
  /** Takes entries that other processes commit, too. */
  readonly applier: Applier;
  readonly posting: Posting;
  readonly lane: PlainLane;
  readonly rooms: Rooms;
  readonly searches: Searches;
  readonly deletion: AccountDeletion;
  readonly roomKeeper: RoomKeeper;
  readonly files: Files;
  /** Turns for reading pages that users request. */
  readonly pages: PageTurns;
  #closing: ChatError | undefined;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.accounts = options.accounts;
    const metrics = this.metrics = options.metrics ?? silentMetrics;
    this.#buckets = new TokenBuckets(options.rate);
    const pages = this.pages = new PageTurns({ ...options.pages, defer: options.defer });
    const { live, revisions } = this;
    const { accounts, store, clock, limits, log } = options;
    const known = new KnownUsers(accounts);
    const isUser = (name: string) => known.has(name);
    const settings = this.settings = new UserSettings({
      store: options.settings,
      applied: () => this.applier.applied,
      betweenCommits: (work) => this.#commits.between(work),
      isOnline: (user) => live.isOnline(user),
      isUser,
      onChanged: (user, { before, after }) => {
        if (before.presence !== after.presence) this.presence.visibilityChanged(user);
        revisions.changed(user);
        void this.profiles.announce(user, { before, after });
      },
    });
    this.profiles = new ProfileChanges({ store: options.settings, live, revisions, clock, log });
    this.presence = new Presence({ live, store, settingsStore: options.settings, settings, clock, log });
    this.typing = new Typing({ live, settings, clock });
    const cache = new RoomCache(options.rooms);
    const isInvolved = (user: string, room: RoomState) => {
      const inviter = room.inviterOf(user);
      return room.hasMember(user) || (inviter !== undefined && !settings.isHidden(user, inviter));
    };
    this.files = new Files({
      ...options,
      store: options.files,
      attachmentOf: (user, { with: address, seq }) => this.#attachmentOf(user, address, seq),
    });
    this.#commits = new CommitQueue({
      store,
      defer: options.defer,
      onCommitted: (entries) => this.applier.apply(entries),
      onBatchStored: (batch) => this.lane.onStored(batch),
      onBatchReturned: (batch) => this.lane.onReturned(batch),
      onBatchError: (cause) => log.error("a batch of messages was not stored, and is stored one by one", { cause }),
      onBatchFailed: (batch, error) => this.lane.onFailed(batch, error),
      onRead: (read) => this.receipts.readSaved(read),
      metrics,
    });
    const commits = this.#commits;
    const disk = new DiskQuota({ files: options.files, maxBytes: limits.maxDiskBytes, clock, log });
    this.posting = new Posting({ known, settings, store, rooms: cache, commits, presence: this.presence, disk, clock });
    this.lane = new PlainLane({
      known,
      settings,
      rooms: cache,
      disk,
      clock,
      commits,
      hasEntries: (conversation) => this.receipts.hasEntries(conversation),
      apply: (batch) => this.applier.applyPlain(batch),
    });
    this.receipts = new Receipts({
      live,
      store,
      roomStore: options.rooms,
      rooms: cache,
      moves: commits.moves,
      settings,
      revisions,
      log,
    });
    this.applier = new Applier({
      store,
      live,
      fanOut: new FanOut({ live, visibilityOf: (user, message) => settings.visibilityOf(user, message) }),
      rooms: cache,
      settings,
      revisions,
      receipts: this.receipts,
      presence: this.presence,
      moves: commits.moves,
      files: this.files,
      isInvolved,
    });
    const invitations = new Invitations({
      store: options.rooms,
      cache,
      log,
      onDropped: (user, { room, inviter }) => {
        if (!settings.isHidden(user, inviter)) revisions.changed(user, room);
      },
    });
    this.rooms = new Rooms({
      posting: this.posting,
      cache,
      invitations,
      store: options.rooms,
      clock,
      audit: options.audit ?? noAudit,
      limits,
      isUser,
      refuseContact: (sender, recipient) => settings.refuseContact(sender, recipient),
    });
    const erase = options.onErase ?? (() => Promise.resolve());
    this.roomKeeper = new RoomKeeper({ cache, store: options.rooms, revisions, log, isInvolved, erase });
    this.deletion = new AccountDeletion({
      accounts,
      rooms: this.rooms,
      cache,
      store: options.rooms,
      caughtUp: () => commits.settled(),
      clock,
      mode: options.deletedAccounts ?? "anonymize",
      onDeleted: (name, alias) => {
        known.forget(name);
        settings.rename(name, alias);
        cache.forgetUser(name);
      },
      onErase: () => void erase(),
    });
    this.searches = new Searches({ search: options.search, store, posting: this.posting, known, pages });
    this.accounts.onRevoked((revocation) => this.live.endRevoked(revocation));
  }

  /** Identifies the log that positions refer to. */
  get timeline(): Pick<MessageStore, "epoch" | "incarnation" | "head" | "sharedThrough"> {
    return this.#options.store;
  }

  get epoch(): string {
    return this.#options.store.epoch;
  }

  get head(): number {
    return this.#options.store.head;
  }

  /**
   * Takes a request's cost from the user's allowance and returns 0; or takes nothing and returns the wait in
   * milliseconds.
   */
  takeAllowance(user: string, cost: number): number {
    return this.#buckets.take(user, this.#options.clock.now(), cost);
  }

  /** Gives back the cost of a request that did not begin. */
  giveBackAllowance(user: string, cost: number): void {
    this.#buckets.giveBack(user, this.#options.clock.now(), cost);
  }

  /** Takes a request's cost from the user's allowance. @throws {ChatError} `rate_limited` */
  admit(user: string, cost = 1): void {
    const retryAfterMs = this.takeAllowance(user, cost);
    if (retryAfterMs > 0) {
      throw new ChatError("rate_limited", `Too many requests: wait ${Math.ceil(retryAfterMs / 1000)} s.`, {
        retryAfterMs,
      });
    }
  }

  /** Admits a new session, which costs more than a request. @throws {ChatError} `rate_limited` */
  admitSession(user: string): void {
    const retryAfterMs = this.#sessionBuckets.take(user, this.#options.clock.now());
    if (retryAfterMs > 0) {
      throw new ChatError("rate_limited", "Too many new sessions. Wait, and connect less often.", {
        retryAfterMs,
      });
    }
  }

  /** Admits a write that gets a transaction of its own. @throws {ChatError} `rate_limited` */
  admitWrite(user: string): void {
    const retryAfterMs = this.#writeBuckets.take(user, this.#options.clock.now());
    if (retryAfterMs > 0) {
      throw new ChatError("rate_limited", "Too many uploads, blocks or changes of settings. Wait a moment.", {
        retryAfterMs,
      });
    }
  }

  /**
   * Returns a page of a conversation's log, as far as the user may see it.
   * @throws {ChatError} `not_found` when the user or room does not exist or is hidden from the user;
   * `permission_denied` for a public room that the user was never in
   */
  async history(user: string, page: HistoryRange & { with: string; limit: number; turn?: Turn }): Promise<HistoryPage> {
    const { conversation, room, refusal } = await this.posting.resolve(user, page.with);
    const found = conversation === ""
      ? undefined
      : await this.#options.store.history(user, conversation, { ...page, maxBytes: maxPageBytes });
    if (found !== undefined) return found;
    if (refusal !== undefined) throw refusal;
    if (room === undefined) {
      return { messages: [], firstSeq: 0, lastSeq: 0, headSeq: 0, startSeq: 0, more: false, moreAfter: false };
    }
    throw new ChatError("permission_denied", `You are not in room ${room.label}: join it to read it.`);
  }

  /**
   * Returns a page of the pins of a conversation that the user is in, the newest first.
   * @param page `beforePosition` 0 starts from the newest
   * @throws {ChatError} as {@link read}
   */
  async pins(
    user: string,
    { with: address, ...page }: { with: string; beforePosition: number; limit: number; turn?: Turn },
  ): Promise<{ pins: Pin[]; more: boolean }> {
    const { conversation } = await this.#resolveWritable(user, address);
    return await this.#options.store.pinsIn(user, conversation, { ...page, maxBytes: maxPageBytes });
  }

  /** Returns one conversation as the user sees it. @throws {ChatError} as {@link history} */
  async conversation(user: string, address: string): Promise<ConversationSummary> {
    const { conversation, room, refusal } = await this.posting.resolve(user, address);
    const found = conversation === "" ? undefined : await this.#options.store.conversationOf(user, conversation);
    if (found !== undefined) return found;
    if (refusal !== undefined) throw refusal;
    throw room === undefined
      ? new ChatError("not_found", `There are no messages between you and ${address} yet.`)
      : new ChatError("permission_denied", `You are not in room ${room.label}: join it first.`);
  }

  /**
   * Marks everything up to `seq` as read.
   * @throws {ChatError} `not_found`; `permission_denied` in a room that the user is not in
   */
  async read(user: string, { with: address, seq }: { with: string; seq: number }): Promise<void> {
    const { conversation } = await this.#resolveWritable(user, address);
    await this.receipts.read(user, conversation, seq);
  }

  /**
   * Returns the users who have read an entry.
   * @throws {ChatError} as {@link read}; `not_found` for an entry that the user may not see
   */
  async readersOf(
    user: string,
    { with: address, seq }: { with: string; seq: number },
  ): Promise<{ users: string[]; count: number }> {
    const { conversation } = await this.#resolveWritable(user, address);
    const entry = await this.#options.store.entry(user, conversation, seq);
    if (entry === undefined) throw noSuchMessage();
    return await this.receipts.readersOf(user, entry);
  }

  /** Reports that the user is typing, or stopped. @throws {ChatError} as {@link read} */
  async type(user: string, { to, stopped }: { to: string; stopped: boolean }): Promise<void> {
    const { conversation, room } = await this.#resolveWritable(user, to);
    if (room === undefined) await this.settings.checkContact(user, conversationAddress(conversation, user));
    await this.typing.announce(user, { conversation, room, stopped });
  }

  /** Lists the user's own messages by id, oldest first. */
  async sent(
    user: string,
    { beforeId, ...page }: { beforeId: string; limit: number; turn?: Turn },
  ): Promise<{ messages: Message[]; more: boolean }> {
    const before = { beforeId: beforeId === "" ? "" : parseMessageId(beforeId) };
    return await this.#options.store.sentBy(user, { ...page, ...before, maxBytes: maxPageBytes });
  }

  /**
   * Lists conversations, the one with the newest message first.
   * @param page `beforePosition` 0 starts from the newest
   */
  async conversations(
    user: string,
    page: { beforePosition: number; limit: number; turn?: Turn },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }> {
    return await this.#options.store.conversationsOf(user, { ...page, maxBytes: maxPageBytes });
  }

  async messagesAfter(
    user: string,
    position: number,
    { signal, ...limits }: { limit: number; maxBytes: number; signal?: AbortSignal },
  ): Promise<MessageBatch> {
    // Under another key than the pages that the user requests, so that those do not delay delivery.
    const batch = await this.pages.run(
      `delivery to ${user}`,
      (turn) => this.#options.store.messagesAfter(user, position, { ...limits, turn }),
      { signal },
    );
    this.receipts.sent(user, batch.messages);
    return batch;
  }

  /**
   * Returns the delivery cursor of a consumer, before it is subscribed; a new one starts at `start`, or else at the
   * head.
   * @throws {ChatError} `limit_reached`
   */
  async openConsumer({ user, deviceId }: Identity, consumer: string, start?: ConsumerStart): Promise<number> {
    const { store, clock } = this.#options;
    await this.settings.load(user);
    const stored = await store.openConsumer(deviceId, consumer, { maxConsumers, start, usedAt: clock.latest() });
    if (stored === undefined) {
      throw new ChatError(
        "limit_reached",
        `Cannot add consumer "${consumer}": this device has reached its limit of ${maxConsumers}. Use an existing one.`,
      );
    }
    return Math.max(stored, this.#commits.moves.waitingCursor(deviceId, consumer) ?? 0);
  }

  /**
   * Offers committed entries to a subscriber, until {@link unsubscribe}.
   * @throws {ChatError} `limit_reached`; `unavailable` after {@link endSessions}
   */
  subscribe(subscriber: Subscriber): void {
    if (this.#closing !== undefined) throw this.#closing;
    const { user } = subscriber.identity;
    const before = this.presence.stateOf(user);
    this.live.add(subscriber);
    this.presence.sessionsChanged(user, before);
  }

  /** Counts a connected subscriber as use of its token and its cursor. @throws {ChatError} `unauthenticated` */
  async renew({ identity, consumer }: Pick<Subscriber, "identity" | "consumer">): Promise<void> {
    await this.accounts.renew(identity);
    await this.#options.noteUse?.(identity.deviceId, consumer);
  }

  unsubscribe(subscriber: Subscriber): void {
    const { user } = subscriber.identity;
    const before = this.presence.stateOf(user);
    const isGone = this.live.remove(subscriber);
    this.presence.sessionsChanged(user, before);
    if (!isGone) return;
    this.revisions.forget(user);
    this.receipts.left(user);
  }

  /** Moves the consumer's cursor to `position`. */
  acknowledge(subscriber: Subscriber, position: number): void {
    const { user, deviceId } = subscriber.identity;
    this.#commits.moves.moveCursor(deviceId, subscriber.consumer, position);
    this.receipts.acknowledged(user, position);
  }

  /** Resolves a conversation in which the user may write. @throws {ChatError} `not_found`, `permission_denied` */
  async #resolveWritable(
    user: string,
    address: string,
  ): Promise<{ conversation: string; room: RoomState | undefined }> {
    const { conversation, room, refusal } = await this.posting.resolve(user, address);
    const refused = refusal ?? refuseInRoom({ room, sender: user, needs: "send" });
    if (refused !== undefined) throw refused;
    return { conversation, room };
  }

  /** Ends all live sessions, asking clients to reconnect, and refuses new ones. */
  endSessions(): void {
    this.#closing ??= new ChatError("unavailable", "The server is shutting down.", { retryAfterMs: 1_000 });
    this.live.endAll(this.#closing);
  }

  /** Ends all sessions and commits waiting changes; the store may be closed afterwards. */
  async close(): Promise<void> {
    this.endSessions();
    await this.pages.close(this.#closing!);
    await this.files.close();
    await this.#commits.flush();
    this.receipts.close();
    await this.presence.close();
  }

  async #attachmentOf(user: string, address: string, seq: number): Promise<Attachment | undefined> {
    const { conversation, room, refusal } = await this.posting.resolve(user, address);
    const message = conversation === "" ? undefined : await this.#options.store.entry(user, conversation, seq);
    if (message !== undefined) return message.attachment;
    if (refusal !== undefined) throw refusal;
    if (room === undefined || room.isMember(user)) return undefined;
    throw new ChatError("permission_denied", `You are not in room ${room.label}: join it to read it.`);
  }
}
