import type { Accounts, Identity } from "./accounts.ts";
import { ChatError } from "./chat_error.ts";
import type { Clock } from "./clock.ts";
import { CommitQueue } from "./commit_queue.ts";
import { Files } from "./files.ts";
import type { FileStore } from "./file_store.ts";
import type { Limits } from "./limits.ts";
import { LiveSessions, type Subscriber } from "./live_sessions.ts";
import type { Log } from "./log.ts";
import { type Accepted, checkText, conversationMembers, directConversation, type Message } from "./message.ts";
import { checkMessageIdTime, parseMessageId } from "./message_id.ts";
import type { ConversationSummary, HistoryPage, MessageBatch, MessageStore } from "./message_store.ts";
import { Presence } from "./presence.ts";
import { TokenBuckets } from "./token_bucket.ts";
import { parseUserName } from "./user_name.ts";

/** How often a user may begin a session: each costs look-ups, and a window of what the store holds for it. */
const sessionsOfUser = { burst: 128, perSecond: 2 };
/** Bytes of text in one page: with what surrounds 200 messages or 100 conversations, it stays within a frame of 64 KiB. */
const maxPageBytes = 24 * 1024;
/** Delivery cursors that a device may have. */
const maxConsumers = 32;
const maxKnownUsers = 100_000;

/** What a client wants to be sent. */
export interface Draft {
  /** An address: a user's name. */
  readonly to: string;
  readonly id: string;
  readonly text: string;
}

/** A draft that was checked: ready for `Chat.submit`. */
export interface CheckedDraft {
  readonly sender: string;
  readonly conversation: string;
  readonly id: string;
  readonly text: string;
  /** Why it must not be sent; it may still be one that was accepted before. */
  readonly refusal: ChatError | undefined;
}

export interface ChatOptions {
  accounts: Accounts;
  store: MessageStore;
  files: FileStore;
  limits: Limits;
  clock: Clock;
  log: Log;
  /** Runs a callback after the input that is ready now has been read. */
  defer(callback: () => void): void;
  /** Requests of one user, over all their sessions: refill a second, and how many may come at once. */
  rate: { perSecond: number; burst: number };
}

/** The chat itself, the same for every transport. */
export class Chat {
  readonly accounts: Accounts;
  readonly live = new LiveSessions();
  readonly presence: Presence;
  readonly files: Files;
  readonly #options: ChatOptions;
  readonly #commits: CommitQueue;
  readonly #buckets: TokenBuckets;
  readonly #sessionBuckets = new TokenBuckets(sessionsOfUser);
  readonly #knownUsers = new Set<string>();
  #closing: ChatError | undefined;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.accounts = options.accounts;
    this.presence = new Presence({ live: this.live, store: options.store, log: options.log });
    this.files = new Files({ ...options, store: options.files, attachmentOf: () => Promise.resolve(undefined) });
    this.#buckets = new TokenBuckets(options.rate);
    this.#commits = new CommitQueue({
      store: options.store,
      defer: options.defer,
      onAccepted: (message, origin) => this.#publish(message, origin),
    });
    this.accounts.onRevoked((revocation) => this.live.endRevoked(revocation));
  }

  get epoch(): string {
    return this.#options.store.epoch;
  }

  get head(): number {
    return this.#options.store.head;
  }

  /** Takes one request from the user's allowance and returns 0; or takes none, and returns in how many milliseconds there is one. */
  takeAllowance(user: string): number {
    return this.#buckets.take(user, this.#options.clock.now());
  }

  /** Takes one request from the user's allowance. @throws {ChatError} `rate_limited`. */
  admit(user: string): void {
    const retryAfterMs = this.takeAllowance(user);
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

  /** Sends a message. Resolves when it is on disk. See {@link check} and {@link submit} for what it throws. */
  async send(sender: string, draft: Draft, origin?: Subscriber): Promise<Accepted & { duplicate: boolean }> {
    return await this.submit(await this.check(sender, draft), origin);
  }

  /** @throws {ChatError} `invalid_argument`, `message_id_expired`, `message_id_in_future`. */
  async check(sender: string, draft: Draft): Promise<CheckedDraft> {
    const id = parseMessageId(draft.id);
    checkText(draft.text);
    checkMessageIdTime(id, this.#options.clock.now());
    const to = parseUserName(draft.to);
    const refusal = await this.#isUser(to) ? undefined : new ChatError("not_found", `There is no user "${to}".`);
    return { sender, conversation: directConversation(sender, to), id, text: draft.text, refusal };
  }

  /**
   * Submits what was checked; messages get into the log in the order of the calls.
   * @throws {ChatError} the refusal, `message_id_conflict`, `storage_full`, `busy`.
   */
  async submit(draft: CheckedDraft, origin?: Subscriber): Promise<Accepted & { duplicate: boolean }> {
    const { sender, id, conversation, text, refusal } = draft;
    const members = conversationMembers(conversation);
    const acceptedAt = this.#options.clock.now();
    const refused = refusal !== undefined;
    const result = await this.#commits.append(
      { kind: "append", conversation, members, id, sender, acceptedAt, text, refused },
      origin,
    );
    switch (result.kind) {
      case "accepted":
        return { ...result.message, duplicate: false };
      case "duplicate":
        return { ...result.accepted, duplicate: true };
      case "conflict":
        throw new ChatError("message_id_conflict", `Message id ${id} was used for another message: make a new one.`);
      case "refused":
        throw refusal;
      case "failed":
        throw result.cause;
      case "moved":
        throw new TypeError("The store answered an append as if it had moved a cursor.");
    }
  }

  /**
   * @param page `beforeSeq` 0 starts from the newest.
   * @throws {ChatError} `not_found` when there is no such user.
   */
  async history(user: string, page: { with: string; beforeSeq: number; limit: number }): Promise<HistoryPage> {
    const other = parseUserName(page.with);
    if (!await this.#isUser(other)) throw new ChatError("not_found", `There is no user "${other}".`);
    const { beforeSeq, limit } = page;
    return await this.#options.store.history(directConversation(user, other), {
      beforeSeq,
      limit,
      maxBytes: maxPageBytes,
    });
  }

  /** What the user sent, by id, oldest first. */
  async sent(user: string, page: { beforeId: string; limit: number }): Promise<{ messages: Message[]; more: boolean }> {
    const beforeId = page.beforeId === "" ? "" : parseMessageId(page.beforeId);
    return await this.#options.store.sentBy(user, { beforeId, limit: page.limit, maxBytes: maxPageBytes });
  }

  /** The one with the newest message first. @param page `beforePosition` 0 starts from the newest. */
  async conversations(
    user: string,
    page: { beforePosition: number; limit: number },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }> {
    const { beforePosition, limit } = page;
    return await this.#options.store.conversationsOf(user, { beforePosition, limit, maxBytes: maxPageBytes });
  }

  async messagesAfter(
    user: string,
    position: number,
    limits: { limit: number; maxBytes: number },
  ): Promise<MessageBatch> {
    const batch = await this.#options.store.messagesAfter(user, position, limits);
    // Who is far behind in a large store may have to look through much of it that is others'.
    if (batch.messages.length === 0 && batch.through < this.head) {
      await new Promise<void>((resolve) => this.#options.defer(resolve));
    }
    return batch;
  }

  /** The delivery cursor of a consumer; a new one starts at the head. @throws {ChatError} `limit_reached`. */
  async openConsumer({ deviceId }: Identity, consumer: string): Promise<number> {
    const stored = await this.#options.store.openConsumer(deviceId, consumer, { maxConsumers });
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
    if (this.live.add(subscriber)) this.presence.arrived(subscriber.identity.user);
  }

  unsubscribe(subscriber: Subscriber): void {
    if (this.live.remove(subscriber)) this.presence.left(subscriber.identity.user);
  }

  /** The consumer has everything up to `position`. */
  acknowledge(subscriber: Subscriber, position: number): void {
    this.#commits.moveCursor(subscriber.identity.deviceId, subscriber.consumer, position);
  }

  /** Ends all live sessions, telling clients to come back, and lets none begin. */
  endSessions(): void {
    this.#closing ??= new ChatError("unavailable", "The server is shutting down.", { retryAfterMs: 1_000 });
    this.live.endAll(this.#closing);
  }

  /** Ends what still lives and commits what waits; afterwards the store can be closed. */
  async close(): Promise<void> {
    this.endSessions();
    await this.files.close();
    await this.#commits.flush();
    this.presence.close();
  }

  #publish(message: Message, origin: unknown): void {
    for (const member of conversationMembers(message.conversation)) {
      for (const subscriber of this.live.of(member)) subscriber.offer(message, subscriber === origin);
    }
  }

  async #isUser(name: string): Promise<boolean> {
    if (this.#knownUsers.has(name)) return true;
    if (await this.accounts.findUser(name) === undefined) return false;
    if (this.#knownUsers.size >= maxKnownUsers) this.#knownUsers.clear();
    this.#knownUsers.add(name);
    return true;
  }
}
