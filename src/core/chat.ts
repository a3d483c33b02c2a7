import { AccountDeletion } from "./accounts/account_deletion.ts";
import type { Accounts, Identity } from "./accounts/accounts.ts";
import { KnownUsers } from "./accounts/known_users.ts";
import { type AuditLog, noAudit } from "./audit/audit.ts";
import { ChatError } from "./chat_error.ts";
import type { GuardedClock } from "./clock.ts";
import { DiskQuota } from "./files/disk_quota.ts";
import type { FileStore } from "./files/file_store.ts";
import { Files } from "./files/files.ts";
import type { DeletedAccounts, Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import { CommitQueue } from "./messages/commit_queue.ts";
import { FanOut } from "./messages/fan_out.ts";
import { type Attachment, conversationAddress, type Message } from "./messages/message.ts";
import { parseMessageId } from "./messages/message_id.ts";
import type {
  ConsumerStart,
  ConversationSummary,
  HistoryPage,
  HistoryRange,
  MessageBatch,
  MessageStore,
} from "./messages/message_store.ts";
import { noSuchMessage, type Origin, Posting, refuseInRoom } from "./messages/posting.ts";
import { Receipts } from "./messages/receipts.ts";
import { type Metrics, silentMetrics } from "./metrics.ts";
import { PageTurns, type PageTurnsOptions, type Turn } from "./page_turns.ts";
import { LiveSessions, type Subscriber } from "./people/live_sessions.ts";
import { Presence } from "./people/presence.ts";
import type { SettingsStore } from "./people/settings_store.ts";
import { StateRevisions } from "./people/state_revisions.ts";
import { Typing } from "./people/typing.ts";
import { UserSettings } from "./people/user_settings.ts";
import { Invitations } from "./rooms/invitations.ts";
import { RoomCache } from "./rooms/room_cache.ts";
import { RoomKeeper } from "./rooms/room_keeper.ts";
import type { RoomState } from "./rooms/room_state.ts";
import type { RoomStore } from "./rooms/room_store.ts";
import { Rooms } from "./rooms/rooms.ts";
import type { MessageSearch } from "./search/message_search.ts";
import { Searches } from "./search/searches.ts";
import { TokenBuckets } from "./token_bucket.ts";

/** How often a user may begin a session: each costs look-ups, and a window of what the store holds for it. */
const sessionsOfUser = { burst: 128, perSecond: 2 };
/** What of a user is written to disk by itself, for which the whole server waits: messages are written many at once. */
const writesOfUser = { burst: 100, perSecond: 2 };
/** Bytes of text in one page: with what surrounds 200 messages or 100 conversations, it stays within a frame of 64 KiB. */
const maxPageBytes = 24 * 1024;
/** Delivery cursors that a device may have. */
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
  /** Nobody takes notes unless given. */
  audit?: AuditLog;
  /** Nobody counts unless given. */
  metrics?: Metrics;
  /** Runs a callback after the input that is ready now has been read. */
  defer(callback: () => void): void;
  /** For tests: how pages take turns. */
  pages?: Omit<PageTurnsOptions, "defer">;
  /** Requests of one user, over all their sessions, by their cost: refill a second, and how many may come at once. */
  rate: { perSecond: number; burst: number };
  /** What becomes of messages whose author deletes their account; "anonymize" unless given. */
  deletedAccounts?: DeletedAccounts;
  /** Such messages, or those of a deleted room, are to be erased. Resolves when they are, or that failed; never rejects. */
  onErase?(): Promise<void>;
  /** A session of a device's consumer goes on for another day. */
  noteUse?(deviceId: string, consumer: string): Promise<void>;
}

/** The chat itself, the same for every transport. */
export class Chat {
  readonly accounts: Accounts;
  /** Where transports count, too. */
  readonly metrics: Metrics;
  readonly live = new LiveSessions();
  readonly presence: Presence;
  readonly settings: UserSettings;
  readonly revisions = new StateRevisions(this.live);
  readonly receipts: Receipts;
  readonly typing: Typing;
  readonly #options: ChatOptions;
  readonly #commits: CommitQueue;
  readonly #buckets: TokenBuckets;
  readonly #sessionBuckets = new TokenBuckets(sessionsOfUser);
  readonly #writeBuckets = new TokenBuckets(writesOfUser);
  readonly posting: Posting;
  readonly rooms: Rooms;
  readonly searches: Searches;
  readonly deletion: AccountDeletion;
  readonly roomKeeper: RoomKeeper;
  readonly files: Files;
  /** Sessions live that were told of no incarnation of the log, because the disk had no room for one. */
  #hasUntold: boolean;
  /** In which what users ask to be read is read. */
  readonly pages: PageTurns;
  #closing: ChatError | undefined;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.accounts = options.accounts;
    this.#hasUntold = options.store.incarnation === "";
    const metrics = this.metrics = options.metrics ?? silentMetrics;
    this.#buckets = new TokenBuckets(options.rate);
    const pages = this.pages = new PageTurns({ ...options.pages, defer: options.defer });
    const { live, revisions } = this;
    const { accounts, store, clock, limits, log } = options;
    const known = new KnownUsers(accounts);
    const isUser = (name: string) => known.has(name);
    const settings = this.settings = new UserSettings({
      store: options.settings,
      head: () => store.head,
      isOnline: (user) => live.isOnline(user),
      isUser,
      onChanged: (user, { before, after }) => {
        if (before.presence !== after.presence) this.presence.visibilityChanged(user);
        revisions.changed(user);
      },
    });
    this.presence = new Presence({ live, store, settingsStore: options.settings, settings, clock, log });
    this.typing = new Typing({ live, settings, clock });
    const cache = new RoomCache(options.rooms);
    const hearsOf = (user: string, room: RoomState) => {
      const inviter = room.inviterOf(user);
      return room.hasMember(user) || (inviter !== undefined && !settings.isHidden(user, inviter));
    };
    const fanOut = new FanOut({
      live,
      hearsOf,
      rooms: cache,
      hides: (user, { sender, position }) => settings.isHidden(user, sender, position),
      hasBlocked: (user) => settings.hasBlocked(user),
      invitationChanged: (user, conversation) => revisions.changed(user, conversation),
    });
    this.files = new Files({
      ...options,
      store: options.files,
      attachmentOf: (user, { with: address, seq }) => this.#attachmentOf(user, address, seq),
    });
    this.#commits = new CommitQueue({
      store,
      defer: options.defer,
      onAccepted: (message, from) => {
        const origin = from as Origin;
        this.#endUntold();
        if (message.event === undefined) this.#commits.moveOwnRead(message.conversation, message.sender, message.seq);
        fanOut.publish(message, origin);
        if (message.event?.kind === "deleted") void this.files.sweep();
        if (origin.room === undefined) settings.wrote(message.sender, origin.members);
        this.receipts.published(message, origin.members);
      },
      onRead: (read) => this.receipts.readSaved(read),
      metrics,
    });
    const commits = this.#commits;
    const disk = new DiskQuota({ files: options.files, maxBytes: limits.maxDiskBytes, clock, log });
    this.posting = new Posting({ known, settings, store, rooms: cache, commits, disk, clock });
    this.receipts = new Receipts({
      live,
      store,
      roomStore: options.rooms,
      rooms: cache,
      commits,
      settings,
      revisions,
      log,
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
      checkContact: (sender, recipient) => settings.checkContact(sender, recipient),
    });
    const erase = options.onErase ?? (() => Promise.resolve());
    this.roomKeeper = new RoomKeeper({ cache, store: options.rooms, revisions, log, hearsOf, erase });
    this.deletion = new AccountDeletion({
      accounts,
      rooms: this.rooms,
      store: options.rooms,
      clock,
      mode: options.deletedAccounts ?? "anonymize",
      onGone: (name, alias) => {
        known.forget(name);
        settings.renamed(name, alias);
        cache.forgetUser(name);
      },
      onErase: () => void erase(),
    });
    this.searches = new Searches({ search: options.search, store, posting: this.posting, known, pages });
    this.accounts.onRevoked((revocation) => this.live.endRevoked(revocation));
  }

  /** Tells which log positions are of. */
  get timeline(): Pick<MessageStore, "epoch" | "incarnation" | "head" | "sharedThrough"> {
    return this.#options.store;
  }

  get epoch(): string {
    return this.#options.store.epoch;
  }

  get head(): number {
    return this.#options.store.head;
  }

  /** Takes the cost of a request from the user's allowance and returns 0; or takes nothing, and returns in how many milliseconds it can. */
  takeAllowance(user: string, cost: number): number {
    return this.#buckets.take(user, this.#options.clock.now(), cost);
  }

  /** Takes the cost of a request from the user's allowance. @throws {ChatError} `rate_limited`. */
  admit(user: string, cost = 1): void {
    const retryAfterMs = this.takeAllowance(user, cost);
    if (retryAfterMs > 0) {
      throw new ChatError("rate_limited", `Too many requests: wait ${Math.ceil(retryAfterMs / 1000)} s.`, {
        retryAfterMs,
      });
    }
  }

  /** Before a user begins a session, which costs more than a request does. @throws {ChatError} `rate_limited`. */
  admitSession(user: string): void {
    const retryAfterMs = this.#sessionBuckets.take(user, this.#options.clock.now());
    if (retryAfterMs > 0) {
      throw new ChatError("rate_limited", "Too many sessions were begun: wait, and connect less often.", {
        retryAfterMs,
      });
    }
  }

  /** Before something of a user is written to disk that does not wait to be written with others. @throws {ChatError} `rate_limited`. */
  admitWrite(user: string): void {
    const retryAfterMs = this.#writeBuckets.take(user, this.#options.clock.now());
    if (retryAfterMs > 0) {
      throw new ChatError("rate_limited", "Too many uploads, blocks or settings at once: wait.", { retryAfterMs });
    }
  }

  /**
   * A page of a conversation's log, as far as the user may see it.
   * @throws {ChatError} `not_found` when there is no such user, or no such room for them; `permission_denied` for a public room
   * that they never were in
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

  /** One conversation as the user sees it. @throws {ChatError} as {@link history} */
  async conversation(user: string, address: string): Promise<ConversationSummary> {
    const { conversation, room, refusal } = await this.posting.resolve(user, address);
    const found = conversation === "" ? undefined : await this.#options.store.conversationOf(user, conversation);
    if (found !== undefined) return found;
    if (refusal !== undefined) throw refusal;
    throw room === undefined
      ? new ChatError("not_found", `Nothing was said between you and ${address} yet.`)
      : new ChatError("permission_denied", `You are not in room ${room.label}: join it first.`);
  }

  /** The user has seen everything up to `seq`. @throws {ChatError} `not_found`; `permission_denied` in a room that they are not in */
  async read(user: string, { with: address, seq }: { with: string; seq: number }): Promise<void> {
    const { conversation } = await this.#enter(user, address);
    await this.receipts.read(user, conversation, seq);
  }

  /** Who has read an entry. @throws {ChatError} as {@link read}; `not_found` for an entry that the user may not see */
  async readersOf(
    user: string,
    { with: address, seq }: { with: string; seq: number },
  ): Promise<{ users: string[]; count: number }> {
    const { conversation } = await this.#enter(user, address);
    const entry = await this.#options.store.entry(user, conversation, seq);
    if (entry === undefined) throw noSuchMessage();
    return await this.receipts.readersOf(user, entry);
  }

  /** The user is writing, or not any more. @throws {ChatError} as {@link read} */
  async type(user: string, { to, stopped }: { to: string; stopped: boolean }): Promise<void> {
    const { conversation, room } = await this.#enter(user, to);
    if (room === undefined) await this.settings.checkContact(user, conversationAddress(conversation, user));
    await this.typing.said(user, { conversation, room, stopped });
  }

  /** What the user sent, by id, oldest first. */
  async sent(
    user: string,
    { beforeId, ...page }: { beforeId: string; limit: number; turn?: Turn },
  ): Promise<{ messages: Message[]; more: boolean }> {
    const before = { beforeId: beforeId === "" ? "" : parseMessageId(beforeId) };
    return await this.#options.store.sentBy(user, { ...page, ...before, maxBytes: maxPageBytes });
  }

  /** The one with the newest message first. @param page `beforePosition` 0 starts from the newest. */
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
    // Apart from the pages that the user asks for, which are not to delay it.
    const batch = await this.pages.run(
      `delivery to ${user}`,
      (turn) => this.#options.store.messagesAfter(user, position, { ...limits, turn }),
      { signal },
    );
    this.receipts.sent(user, batch.messages);
    return batch;
  }

  /**
   * The delivery cursor of a consumer, before it is subscribed; a new one starts at `start`, or else at the head.
   * @throws {ChatError} `limit_reached`.
   */
  async openConsumer({ user, deviceId }: Identity, consumer: string, start?: ConsumerStart): Promise<number> {
    const { store, clock } = this.#options;
    await this.settings.load(user);
    const stored = await store.openConsumer(deviceId, consumer, { maxConsumers, start, usedAt: clock.latest() });
    if (stored === undefined) {
      throw new ChatError(
        "limit_reached",
        `This device has ${maxConsumers} consumers, so it cannot have "${consumer}" too: use one of their names.`,
      );
    }
    return Math.max(stored, this.#commits.waitingCursor(deviceId, consumer) ?? 0);
  }

  /**
   * From now on the subscriber is offered what is committed, until it is taken out with {@link unsubscribe}.
   * @throws {ChatError} `limit_reached`; `unavailable` once {@link endSessions} was called.
   */
  subscribe(subscriber: Subscriber): void {
    if (this.#closing !== undefined) throw this.#closing;
    const { user } = subscriber.identity;
    const before = this.presence.stateOf(user);
    this.live.add(subscriber);
    this.presence.sessionsChanged(user, before);
  }

  /** The subscriber is still connected, which is use of its token and its cursor. @throws {ChatError} `unauthenticated` */
  async renew({ identity, consumer }: Pick<Subscriber, "identity" | "consumer">): Promise<void> {
    await this.accounts.renew(identity);
    await this.#options.noteUse?.(identity.deviceId, consumer);
  }

  unsubscribe(subscriber: Subscriber): void {
    const { user } = subscriber.identity;
    const before = this.presence.stateOf(user);
    if (!this.live.remove(subscriber)) return this.presence.sessionsChanged(user, before);
    this.presence.left(user, before);
    this.revisions.left(user);
    this.receipts.left(user);
  }

  /** The consumer has everything up to `position`. */
  acknowledge(subscriber: Subscriber, position: number): void {
    const { user, deviceId } = subscriber.identity;
    this.#commits.moveCursor(deviceId, subscriber.consumer, position);
    this.receipts.acknowledged(user, position);
  }

  /** A conversation in which the user may take part. @throws {ChatError} `not_found`, `permission_denied` */
  async #enter(user: string, address: string): Promise<{ conversation: string; room: RoomState | undefined }> {
    const { conversation, room, refusal } = await this.posting.resolve(user, address);
    const refused = refusal ?? refuseInRoom({ room, sender: user, needs: "send" });
    if (refused !== undefined) throw refused;
    return { conversation, room };
  }

  /** Before anyone hears of a position in the log's incarnation, clients come back and are told of it. */
  #endUntold(): void {
    if (!this.#hasUntold || this.#options.store.incarnation === "") return;
    this.#hasUntold = false;
    this.live.endAll(new ChatError("unavailable", "The server's disk has room again: connect again."));
  }

  /** Ends all live sessions, telling clients to come back, and lets none begin. */
  endSessions(): void {
    this.#closing ??= new ChatError("unavailable", "The server is shutting down.", { retryAfterMs: 1_000 });
    this.live.endAll(this.#closing);
  }

  /** Ends what still lives and commits what waits; afterwards the store can be closed. */
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
