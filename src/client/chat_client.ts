import { withInstants } from "../core/local_time.ts";
import { ChatError } from "../core/chat_error.ts";
import { type Accepted, checkText, maxTextBytes, type Message } from "../core/messages/message.ts";
import { createMessageId } from "../core/messages/message_id.ts";
import type { Notice } from "../core/people/notice.ts";
import type { Credentials, Device } from "../gen/chatd/v1/auth.ts";
import type {
  Conversation,
  HistoryRequest,
  HistoryResponse,
  ListConversationsResponse,
  ListUsersResponse,
  Message as WireMessage,
  SentResponse,
  WhoAmIResponse,
} from "../gen/chatd/v1/chat.ts";
import type { SearchResponse } from "../gen/chatd/v1/search.ts";
import type { DeliveryChanged, Hello, HelloResponse } from "../gen/chatd/v1/session.ts";
import { fromWireMessage } from "../wire/convert.ts";
import { protocolVersions } from "../wire/limits.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import { DeliveryCursor, type ResumePoint } from "./delivery_cursor.ts";
import { FileTransfer, type UploadedFile } from "./file_transfer.ts";
import { ReceivedNotices } from "./received_notices.ts";
import { defaultTiming, LiveSession, type ReplyValue, type RequestKind, type SessionTiming } from "./live_session.ts";
import { openLink } from "./open_link.ts";
import { Outbox, type OutboxOptions } from "./outbox.ts";
import { PeopleRequests } from "./people_requests.ts";
import { PinRequests } from "./pin_requests.ts";
import { type AnsweredRequest, RoomRequests } from "./room_requests.ts";
import { isFatal } from "./server_error.ts";
import { SessionWaiters } from "./session_waiters.ts";
import { systemTimers, type Timers, wait } from "./timers.ts";
import type { Link, Transport } from "./transport.ts";
import { UnknownOutcome } from "./unknown_outcome.ts";

export type ClientState =
  | { readonly kind: "connecting" }
  /**
   * `restored` when the server's log was replaced, or put back to an earlier state: {@link restoredNote}. `server` is
   * the server's address for people.
   */
  | { readonly kind: "online"; readonly hello: HelloResponse; readonly restored: boolean; readonly server: string }
  /** `retryAt` is in milliseconds since the Unix epoch. */
  | { readonly kind: "offline"; readonly reason: ChatError; readonly retryAt: number }
  /** `error` is undefined when the owner stopped the client. */
  | { readonly kind: "ended"; readonly error: ChatError | undefined };

/** The text for people after a restored log. */
export const restoredNote =
  "The server's data was put back to an earlier state, from a backup or a copy: newer messages are gone.";

export type ClientEvent =
  | { readonly kind: "state"; readonly state: ClientState }
  /** A message to show, from others or from the user's other sessions. Each comes once, by position. */
  | { readonly kind: "message"; readonly message: Message }
  /** A message of this client is in the log. */
  | { readonly kind: "accepted"; readonly message: Message }
  /** A message was refused for a transient reason, and will be sent again. */
  | { readonly kind: "postponed"; readonly id: string; readonly reason: ChatError }
  /** A notice. Typing ends by itself unless it is repeated, and with the session. */
  | Notice
  /** Notices of changed conversations or settings were lost: read the state again, as at the start of a session. */
  | { readonly kind: "state_missed" }
  | { readonly kind: "delivery_changed"; readonly change: DeliveryChanged };

export interface ChatClientOptions {
  transport: Transport;
  token: string;
  /** Name and version of the program, such as "chatd/0.1.0". */
  client: string;
  /** Delivery cursor of this device to resume from. Default "ui". */
  consumer?: string;
  /** The place of this consumer at the end of its last run. */
  resume?: ResumePoint;
  /** The result for a `message` is awaited before its acknowledgement. Must not throw. */
  onEvent(event: ClientEvent): void | Promise<void>;
  /**
   * Passes messages on without awaiting the results for earlier ones. A message is acknowledged after its result and all
   * before it: at most the server's window of messages is in progress. Off unless given.
   */
  concurrent?: boolean;
  /** In place of the transport's waits. */
  backoff?: BackoffOptions;
  outbox?: OutboxOptions;
  timing?: Partial<SessionTiming>;
  timers?: Timers;
}

/** Properties of a message beside its text. */
export interface SendOptions {
  /** The seq of the message that it answers. */
  replyTo?: number;
  /** The attachment; the text may be empty with it. */
  upload?: UploadedFile;
  /** A program writes the message in answer to another: other programs do not answer it. */
  automatic?: boolean;
  /** The message's id, for senders that may repeat it in another run; a new one unless given. */
  id?: string;
}

/** Deadline for a reply, in milliseconds. */
const requestMs = 15_000;
/** The same for requests that wait for the hash of a password, in milliseconds. */
const passwordMs = 30_000;
/** Time in which a request is repeated after lost connections, in milliseconds. */
const repeatMs = 60_000;
/** Duration of a connection after which the backoff begins again, in milliseconds. */
const stableMs = 10_000;
/** Bytes of a send beside text and address: tags, lengths, ids and the seq that it answers. */
const sendOverhead = 128;

const utf8 = new TextEncoder();
const encoded = new Uint8Array(maxTextBytes);

/**
 * A user's client of the chat: holds one live session after another, like one that never breaks.
 *
 * @example
 * ```ts
 * import { openGrpcTransport } from "../app/client/grpc_transport.ts";
 *
 * const servers = [{ host: "127.0.0.1", port: 50051 }] as const;
 * const client = new ChatClient({
 *   transport: await openGrpcTransport({ servers, insecure: false, delivery: "stream" }),
 *   token: Deno.env.get("TOKEN")!,
 *   client: "example/1.0",
 *   onEvent(event) {
 *     if (event.kind === "message") console.log(`${event.message.sender}: ${event.message.text}`);
 *   },
 * });
 * const stop = new AbortController();
 * const ended = client.run({ signal: stop.signal });
 * await client.send("ben", "hello");
 * stop.abort();
 * await ended;
 * ```
 */
export class ChatClient {
  readonly #options: ChatClientOptions;
  readonly #timers: Timers;
  readonly #timing: SessionTiming;
  readonly #backoff: Backoff;
  readonly #outbox: Outbox;
  readonly #cursor: DeliveryCursor;
  /** Resolves when all messages so far are taken, in a concurrent client. */
  #settled: Promise<unknown> = Promise.resolve();
  #token: string;
  #user = "";
  #state: ClientState = { kind: "connecting" };
  #session: LiveSession | undefined;
  #onlineSince: number | undefined;
  #retryNow: (() => void) | undefined;
  readonly #waiters: SessionWaiters;
  readonly #notices: ReceivedNotices;
  readonly rooms: RoomRequests;
  /** Transfers files, over connections of their own. */
  readonly files: FileTransfer;
  readonly people: PeopleRequests;
  readonly pins: PinRequests;

  constructor(options: ChatClientOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
    this.#waiters = new SessionWaiters(this.#timers);
    this.#timing = { ...defaultTiming, ...options.timing };
    const backoff = { ...options.transport.backoff, ...options.backoff };
    this.#backoff = new Backoff(backoff);
    this.#outbox = new Outbox(options.outbox);
    this.#cursor = new DeliveryCursor(options.resume);
    this.#token = options.token;
    this.files = new FileTransfer({
      transport: options.transport,
      token: () => this.#token,
      timers: this.#timers,
      backoff,
    });
    const ask = {
      repeat: (kind: RequestKind) => this.#repeat(kind as never),
      request: (kind: RequestKind) => this.#request(kind as never),
    };
    const changes = { createId: () => this.#createId(), ...ask };
    this.rooms = new RoomRequests(changes);
    this.pins = new PinRequests(changes);
    this.people = new PeopleRequests(ask);
    this.#notices = new ReceivedNotices({
      timers: this.#timers,
      emit: (notice) => this.#emit(notice),
      onMissed: () => this.#emit({ kind: "state_missed" }),
    });
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Number of messages that are neither accepted nor refused. */
  get unsent(): number {
    return this.#outbox.size;
  }

  /** The `resume` of the next run; undefined before the first session. */
  get resumePoint(): ResumePoint | undefined {
    return this.#cursor.resumePoint;
  }

  /** Stays connected until `signal` aborts, or until a fatal error. Call it once. @returns the fatal error */
  async run(options: { signal?: AbortSignal } = {}): Promise<ChatError | undefined> {
    const signal = options.signal ?? new AbortController().signal;
    let error: ChatError | undefined;
    while (!signal.aborted) {
      const failure = await this.#connect(signal);
      if (signal.aborted) break;
      if (isFatal(failure)) {
        error = failure;
        break;
      }
      await this.#wait(failure, signal);
    }
    this.#outbox.close(error ?? new ChatError("unavailable", "The client was closed before the server answered."));
    this.#setState({ kind: "ended", error });
    return error;
  }

  /** Ends the wait for the next attempt to connect. */
  retryNow(): void {
    this.#retryNow?.();
  }

  /**
   * Sends a message once connected, and repeats it until it is accepted or refused. The log has exactly one copy.
   * @throws {ChatError} a refusal for good; the error of a client that ended first
   */
  async send(to: string, text: string, options: SendOptions = {}): Promise<Message> {
    const { replyTo, upload, automatic, id = this.#createId() } = options;
    if (upload === undefined || text !== "") checkText(text);
    if (this.#state.kind === "ended") throw this.#notConnectedError();
    // Encoding into existing memory is five times as fast.
    const bytes = utf8.encodeInto(text, encoded).written + to.length * 3 + sendOverhead;
    const accepted = this.#outbox.add({ id, to, text, bytes, replyTo, automatic, ...upload });
    this.#session?.flushSoon();
    return await accepted;
  }

  /** Pings the server. @returns the round-trip time in milliseconds */
  async ping(): Promise<number> {
    const start = performance.now();
    await this.#request({ $case: "ping", value: {} });
    return performance.now() - start;
  }

  /**
   * Returns the oldest entries after `afterSeq` or `fromMs`, else the newest before `beforeSeq`. Excludes events by
   * default.
   */
  history(page: Partial<HistoryRequest> & { with: string }): Promise<HistoryResponse> {
    const value = { beforeSeq: 0, limit: 0, afterSeq: 0, fromMs: 0, events: false, ...page };
    return this.#request({ $case: "history", value });
  }

  /** Returns one of the conversations that {@link listConversations} lists. */
  async conversation(address: string): Promise<Conversation> {
    const { conversation } = await this.#request({ $case: "getConversation", value: { with: address } });
    if (conversation !== undefined) return conversation;
    throw new ChatError("internal", "The server answered without the conversation.");
  }

  /** Replaces the text of an own message. The event arrives as from any other user. */
  async edit(to: string, seq: number, text: string): Promise<void> {
    checkText(text);
    await this.#repeat({ $case: "edit", value: { to, seq, text, id: this.#createId() } });
  }

  /** Erases a message. */
  async delete(to: string, seq: number): Promise<void> {
    await this.#repeat({ $case: "delete", value: { to, seq, id: this.#createId() } });
  }

  /** Adds a reaction to a message, or removes it. */
  async react(to: string, seq: number, emoji: string, { remove = false } = {}): Promise<void> {
    await this.#repeat({ $case: "react", value: { to, seq, emoji, remove, id: this.#createId() } });
  }

  /** Returns own messages, the newest page first. */
  sent(page: { beforeId?: string; limit?: number } = {}): Promise<SentResponse> {
    return this.#request({ $case: "sent", value: { beforeId: page.beforeId ?? "", limit: page.limit ?? 0 } });
  }

  /** Searches messages, the newest first. `beforePosition` is the `nextBeforePosition` of the last page. */
  search(query: string, page: { beforePosition?: number; limit?: number } = {}): Promise<SearchResponse> {
    const value = { query: withInstants(query), beforePosition: page.beforePosition ?? 0, limit: page.limit ?? 0 };
    return this.#request({ $case: "search", value });
  }

  listConversations(page: { beforePosition?: number; limit?: number } = {}): Promise<ListConversationsResponse> {
    const value = { beforePosition: page.beforePosition ?? 0, limit: page.limit ?? 0 };
    return this.#request({ $case: "listConversations", value });
  }

  listUsers(page: { after?: string; limit?: number } = {}): Promise<ListUsersResponse> {
    return this.#request({ $case: "listUsers", value: { after: page.after ?? "", limit: page.limit ?? 0 } });
  }

  whoAmI(): Promise<WhoAmIResponse> {
    return this.#request({ $case: "whoAmI", value: {} });
  }

  async listDevices(): Promise<Device[]> {
    return (await this.#request({ $case: "listDevices", value: {} })).devices;
  }

  async revokeDevice(id: string): Promise<void> {
    await this.#request({ $case: "revokeDevice", value: { id } });
  }

  /**
   * Changes the password.
   * @throws {UnknownOutcome} if the reply was lost
   * @returns the new token of this device, which the client uses from now on and the caller stores
   */
  async changePassword(currentPassword: string, newPassword: string): Promise<Credentials> {
    const value = { currentPassword, newPassword };
    const { credentials } = await this.#requestOnce(
      { $case: "changePassword", value },
      UnknownOutcome.ofPasswordChange,
    );
    if (!credentials) {
      throw new ChatError("internal", "The server changed the password but sent no token: log in again.");
    }
    this.#token = credentials.token;
    return credentials;
  }

  /**
   * Deletes the account for ever, which ends the session.
   * @throws {ChatError} `permission_denied` for a wrong password
   * @throws {UnknownOutcome} if the reply was lost
   */
  async deleteAccount(password: string): Promise<void> {
    const value = { password };
    await this.#requestOnce({ $case: "deleteAccount", value }, UnknownOutcome.ofAccountDeletion);
  }

  /** Revokes the token, which ends the session. */
  async logOut(): Promise<void> {
    await this.#request({ $case: "logOut", value: {} });
  }

  async #connect(signal: AbortSignal): Promise<ChatError> {
    this.#setState({ kind: "connecting" });
    let link: Link;
    try {
      const { transport } = this.#options;
      link = await openLink({ transport, timers: this.#timers, deadlineMs: this.#timing.helloMs, signal });
    } catch (error) {
      if (error instanceof ChatError) return error;
      return new ChatError("unavailable", `Cannot reach ${this.#options.transport.address}.`, { cause: error });
    }
    const session = new LiveSession({
      link,
      outbox: this.#outbox,
      timers: this.#timers,
      timing: this.#timing,
      owner: {
        onOpened: (hello) => this.#onOpened(hello, session),
        onMessage: (message) => this.#takeMessage(message),
        onTakenThrough: (position) => this.#cursor.markTaken(position),
        whenSettled: () => this.#options.concurrent ? this.#settled.then(() => {}) : undefined,
        onAccepted: (id, { position, conversation, seq, acceptedAtMs }) =>
          this.#accept(id, { position, conversation, seq, acceptedAt: acceptedAtMs }),
        onPostponed: (id, reason) => this.#emit({ kind: "postponed", id, reason }),
        onNotice: (notice) => this.#notices.receive(notice),
        onDeliveryChanged: (change) => this.#emit({ kind: "delivery_changed", change }),
      },
    });
    const stop = () => session.end(new ChatError("unavailable", "The client was closed."));
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    const failure = await session.run(this.#hello(link));
    signal.removeEventListener("abort", stop);
    this.#session = undefined;
    this.#notices.sessionClosed();
    if (this.#onlineSince !== undefined && this.#timers.now() - this.#onlineSince >= stableMs) this.#backoff.reset();
    this.#onlineSince = undefined;
    return failure;
  }

  #hello(link: Link): Hello {
    const resume = this.#cursor.resumePoint;
    return {
      protocolVersion: protocolVersions.max,
      token: this.#token,
      consumer: this.#options.consumer ?? "",
      resumeAfter: resume?.after ?? 0,
      epoch: resume?.epoch ?? "",
      callback: link.callback,
      client: this.#options.client,
      incarnation: resume?.incarnation ?? "",
    };
  }

  #onOpened(hello: HelloResponse, session: LiveSession): void {
    this.#session = session;
    this.#user = hello.user;
    this.#onlineSince = this.#timers.now();
    const restored = this.#cursor.open(hello);
    this.#notices.sessionOpened(hello.stateRevision);
    this.#setState({ kind: "online", hello, restored, server: this.#options.transport.address });
    this.people.sessionOpened();
  }

  #takeMessage(entry: WireMessage): void | Promise<void> {
    if (!this.#cursor.isNew(entry.position)) return;
    const message = fromWireMessage(entry);
    // An event of a newer server is skipped.
    if (message === undefined) return this.#markTaken(entry.position, undefined);
    this.#notices.messageReceived(message);
    // The reply was lost: the delivery tells as much.
    if (message.sender === this.#user && this.#outbox.find(message.id)) this.#accept(message.id, message);
    else return this.#markTaken(message.position, this.#options.onEvent({ kind: "message", message }));
    return this.#markTaken(message.position, undefined);
  }

  #markTaken(position: number, result: void | Promise<void>): void | Promise<void> {
    if (!this.#options.concurrent) {
      if (result === undefined) return this.#cursor.markTaken(position);
      return result.then(() => this.#cursor.markTaken(position));
    }
    const { log } = this.#cursor;
    this.#cursor.markGiven(position);
    this.#settled = Promise.all([this.#settled, result]).then(() => this.#cursor.markTaken(position, log));
  }

  #accept(id: string, { position, conversation, seq, acceptedAt }: Accepted): void {
    const message = this.#outbox.accept(id, this.#user, { position, conversation, seq, acceptedAt });
    if (!message) return;
    this.#cursor.addOwn(message.position);
    this.#emit({ kind: "accepted", message });
  }

  async #wait(reason: ChatError, signal: AbortSignal): Promise<void> {
    const ms = Math.max(this.#backoff.next(), reason.retryAfterMs ?? 0);
    const retry = new AbortController();
    this.#retryNow = () => retry.abort();
    this.#setState({ kind: "offline", reason, retryAt: this.#timers.now() + ms });
    await wait(this.#timers, ms, signal, retry.signal);
    this.#retryNow = undefined;
  }

  #request<C extends AnsweredRequest>(
    kind: RequestKind & { $case: C },
    deadlineMs = requestMs,
  ): Promise<ReplyValue<C>> {
    if (!this.#session) return Promise.reject(this.#notConnectedError());
    return this.#session.request<C>(kind, deadlineMs);
  }

  /** Sends a request that waits for the hash of a password. @param ifLost makes the error for a lost reply */
  async #requestOnce<C extends AnsweredRequest>(
    kind: RequestKind & { $case: C },
    ifLost: (error: unknown) => unknown,
  ): Promise<ReplyValue<C>> {
    const isSent = this.#session !== undefined;
    try {
      return await this.#request<C>(kind, passwordMs) as ReplyValue<C>;
    } catch (error) {
      throw isSent ? ifLost(error) : error;
    }
  }

  /** Sends an idempotent request, and repeats it over the next connections when one is lost before the reply. */
  async #repeat<C extends AnsweredRequest>(
    kind: RequestKind & { $case: C },
  ): Promise<ReplyValue<C>> {
    for (const deadline = this.#timers.now() + repeatMs;;) {
      const session = this.#session;
      try {
        return await this.#request<C>(kind) as ReplyValue<C>;
      } catch (error) {
        const isLost = session !== undefined && session !== this.#session;
        if (!isLost || this.#timers.now() >= deadline) throw error;
        if (this.#session === undefined && !await this.#waiters.wait(deadline)) throw error;
      }
    }
  }

  #createId(): string {
    return createMessageId(this.#timers.now());
  }

  #notConnectedError(): ChatError {
    const why = this.#state.kind === "offline" ? this.#state.reason.message : undefined;
    if (this.#state.kind === "ended") return this.#state.error ?? new ChatError("unavailable", "The client is closed.");
    return new ChatError("unavailable", why ? `Not connected: ${why}` : "Not connected yet: try again in a moment.");
  }

  #setState(state: ClientState): void {
    this.#state = state;
    if (state.kind === "online" || state.kind === "ended") {
      this.#waiters.settle(state.kind === "online");
    }
    this.#emit({ kind: "state", state });
  }

  #emit(event: ClientEvent): void {
    void this.#options.onEvent(event);
  }
}
