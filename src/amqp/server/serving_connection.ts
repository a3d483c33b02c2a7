import type { Channel } from "amqplib";
import type { Chat } from "../../core/chat.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import type { SessionDependencies } from "../../session/session_dependencies.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";
import { mapChannelErrors, toChannelError } from "../connection/broker_errors.ts";
import { detectBlocking } from "../connection/detect_blocking.ts";
import type { Incoming, ReplyAddress } from "../incoming.ts";
import { BrokerEvents } from "../senders/broker_events.ts";
import { FloodGuard } from "../senders/flood_guard.ts";
import { KnownChannels } from "../senders/known_channels.ts";
import { SenderTrace, type SenderTraceOptions } from "../senders/sender_trace.ts";
import { declareTopology, fileQueue, registrationQueue, requestQueue } from "../topology.ts";
import { register } from "./account_requests.ts";
import { BrokerSessions } from "./broker_sessions.ts";
import { DirectReplies } from "./direct_replies.ts";
import { FileRequests } from "./file_requests.ts";
import { Publisher } from "./publisher.ts";
import { RegistrationConnection } from "./registration_connection.ts";
import { Registrations } from "./registrations.ts";
import { removeDirectExchanges } from "./remove_direct_exchanges.ts";
import { type ConsumedQueue, RequestConsumer, type RequestHandler } from "./request_consumer.ts";
import { SenderChecks } from "./sender_checks.ts";
import type { SessionQueues } from "./session_queues.ts";
import { SessionRequests } from "./session_requests.ts";

/** Requests handled concurrently; further ones wait in the broker. */
const requestsAtOnce = 500;
/** File requests of 48 KiB each that are handled concurrently, until the broker has their replies. */
const chunksAtOnce = 16;
/** File requests of each user: more than the chunks that the core accepts. */
const standardFileFlood = { perSecond: 512, burst: 2_048 };

export interface ServingOptions {
  readonly chat: Chat;
  readonly log: Log;
  /** Name and version of the program, shown to clients. */
  readonly server: string;
  defer(callback: () => void): void;
  /** Owners of the queues of live sessions, which this server updates. */
  readonly queues: SessionQueues;
  /** Broker users are not chatd accounts: only the tokens in frames identify users. */
  readonly sharedLogin: boolean;
  /** Messages of each user, or with a shared login of each session, before further ones are dropped unread. */
  readonly flood: { readonly perSecond: number; readonly burst: number };
  /** File requests of each user, in place of the default. */
  readonly fileFlood?: { readonly perSecond: number; readonly burst: number };
  /** Closes all connections of a user, or those with this client-provided name. */
  kick?(target: { user: string; connection?: string }): void;
  /** Closes a connection by its name in the broker's lists, after its client had time to read the last message. */
  closeConnection?(name: string): void;
  /** Makes the broker copy published messages while `task` runs. @returns whether it ran */
  whileTracing?(task: () => Promise<void>): Promise<boolean>;
}

interface OpenServingOptions extends ServingOptions {
  /** Queues of sessions that have ended. */
  readonly stale: readonly string[];
  /** Opens another connection, for messages to addresses that clients chose. @throws {ChatError} */
  connectForReplies(signal: AbortSignal): Promise<BrokerConnection>;
  /**
   * Opens the connection for registrations; absent when the server accepts none over the broker.
   * @throws {ChatError}
   */
  connectForRegistrations?(signal: AbortSignal): Promise<BrokerConnection>;
}

/**
 * The server's side of one connection to the broker, from the declaration of queues to its end. Its sessions end with
 * it.
 */
export class ServingConnection {
  readonly #options: OpenServingOptions;
  readonly #shared: SessionDependencies;
  readonly #connection: BrokerConnection;
  readonly #sessions: BrokerSessions;
  readonly #guard: FloodGuard;
  readonly #fileGuard: FloodGuard;
  readonly #registrations: Registrations;
  readonly #consumerTags: { channel: Channel; tag: string }[] = [];
  #declaring!: Channel;
  #publisher!: Publisher;
  #replies: DirectReplies | undefined;
  #registering: RegistrationConnection | undefined;
  #sessionRequests: SessionRequests | undefined;
  readonly #channels = new KnownChannels();
  readonly #checks: SenderChecks;
  #isServing = false;
  #stopping = false;
  #leftQueues: string[] = [];

  private constructor(connection: BrokerConnection, options: OpenServingOptions) {
    this.#connection = connection;
    this.#options = options;
    const { chat, log, server, defer } = options;
    this.#shared = { chat, log, server, transport: "amqp", defer };
    this.#sessions = new BrokerSessions({ removeQueue: (queue) => this.#removeQueue(queue) });
    const trace = openTrace(connection, { ...options, channels: this.#channels });
    const findSender = (sender: string) => trace?.findOffenders(sender);
    this.#guard = new FloodGuard({ ...options, findSender });
    this.#fileGuard = new FloodGuard({ ...options, flood: options.fileFlood ?? standardFileFlood, findSender });
    this.#checks = new SenderChecks({ ...options, channels: this.#channels, guard: this.#guard });
    this.#registrations = new Registrations({
      // With a shared login, there are no strangers.
      connectionAt: (replyTo) => options.sharedLogin ? undefined : this.#channels.at(replyTo)?.connection,
    });
    void connection.lost.then(() => this.#cleanUp());
  }

  /**
   * Declares the topology, removes `stale` queues and starts serving. The connection is closed with it, also on
   * failure.
   * @throws {ChatError} `already_exists` when another server consumes the requests
   */
  static async open(
    connection: BrokerConnection,
    options: OpenServingOptions,
  ): Promise<ServingConnection> {
    const serving = new ServingConnection(connection, options);
    try {
      await serving.#open();
      return serving;
    } catch (error) {
      await Promise.all([connection.close(), serving.#replies?.close(), serving.#registering?.close()]);
      // amqplib's error for a connection that ended meanwhile is obscure.
      throw error instanceof ChatError ? error : toChannelError(error, connection.broker);
    }
  }

  /** Resolves when the connection has ended. */
  get lost(): Promise<ChatError> {
    return this.#connection.lost;
  }

  get isServing(): boolean {
    return this.#isServing && !this.#stopping && this.#connection.isOpen;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Queues of sessions that were live when the connection was lost; their clients may still consume them. */
  get queues(): readonly string[] {
    return this.#leftQueues;
  }

  /** Accepts no more requests. Sessions may still send until {@link close}. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#registering?.close();
    if (!this.#connection.isOpen) return;
    await Promise.all(this.#consumerTags.map(({ channel, tag }) => channel.cancel(tag))).catch(() => {});
  }

  /** Waits until the broker has all published messages, for at most `deadlineMs`, and closes the connection. */
  async close({ deadlineMs }: { deadlineMs: number }): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadlineMs);
    if (this.#connection.isOpen) await Promise.race([this.#stopAndFlush(), promise, this.lost]);
    clearTimeout(timer);
    await Promise.all([this.#connection.close(), this.#replies?.close(), this.#registering?.close()]);
    this.#cleanUp();
  }

  async #stopAndFlush(): Promise<void> {
    await this.stop();
    await Promise.all([this.#publisher.flush(), this.#replies?.flush()]);
  }

  async #open(): Promise<void> {
    const onFailed = (error: ChatError) => void this.#fail(error);
    await removeDirectExchanges(this.#connection, this.#options.log);
    this.#declaring = await this.#connection.channel(onFailed);
    await mapChannelErrors(this.#connection.broker, () => declareTopology(this.#declaring));
    await Promise.all(this.#options.stale.map((queue) => this.#declaring.deleteQueue(queue)));
    this.#publisher = new Publisher(await this.#connection.confirmChannel(onFailed), {
      user: this.#connection.user,
      onUndeliverable: (queue) => this.#sessions.endByQueue(queue),
    });
    // Before the addresses for replies, to hear of all younger channels.
    const hasEvents = await BrokerEvents.watch({
      connection: this.#connection,
      channels: this.#channels,
      onQueueDeleted: (queue) => this.#sessions.endByQueue(queue),
      onFailed,
    });
    const { connectForReplies: connect, chat: { metrics }, log } = this.#options;
    const replies = this.#replies = await DirectReplies.open({
      connect,
      log,
      onOwnAddress: (address) => this.#channels.learn(address),
      admits: (reply) => this.#checks.admits(reply),
      onPoisoned: (sender) => this.#guard.disconnect(sender, "forged reply_to"),
    });
    const consumer = new RequestConsumer({
      broker: this.#connection.broker,
      sessions: this.#sessions,
      checks: this.#checks,
      replies,
      hasEvents,
      metrics,
      log,
    });
    await this.#consumeRequests(consumer, replies);
    await this.#consumeFileRequests(consumer, replies);
    this.#consumeRegistrations(consumer, replies);
    // If the connection ended meanwhile, the connection for registrations must be closed here.
    if (!this.#connection.isOpen) throw await this.lost;
    detectBlocking(this.#connection, this.#declaring);
    this.#isServing = true;
  }

  async #consumeRequests(consumer: RequestConsumer, replies: DirectReplies): Promise<void> {
    const requests = this.#sessionRequests = new SessionRequests({
      ...this.#options,
      shared: this.#shared,
      connection: this.#connection,
      declaring: this.#declaring,
      publisher: this.#publisher,
      replies,
      channels: this.#channels,
      sessions: this.#sessions,
      isStopping: () => this.#stopping,
    });
    const handle: RequestHandler = (...request) => requests.handle(...request);
    await this.#consume(consumer, { queue: requestQueue, guard: this.#guard, handle }, requestsAtOnce);
  }

  async #consumeFileRequests(consumer: RequestConsumer, replies: DirectReplies): Promise<void> {
    const requests = new FileRequests({ ...this.#options, replies });
    const handle: RequestHandler = (incoming, address) => requests.answer(incoming, address);
    await this.#consume(consumer, { queue: fileQueue, guard: this.#fileGuard, handle }, chunksAtOnce);
  }

  async #consume(
    consumer: RequestConsumer,
    consumed: Omit<ConsumedQueue, "onFailed">,
    prefetch: number,
  ): Promise<void> {
    const onFailed = (error: ChatError) => this.#fail(error);
    const channel = await this.#connection.channel(onFailed);
    await channel.prefetch(prefetch);
    this.#consumerTags.push({ channel, tag: await consumer.consume(channel, { ...consumed, onFailed }) });
  }

  #consumeRegistrations(consumer: RequestConsumer, replies: DirectReplies): void {
    const { connectForRegistrations: connect, log } = this.#options;
    if (connect === undefined) return;
    const handle: RequestHandler = (incoming, address) => this.#register(incoming, address, replies);
    this.#registering = RegistrationConnection.open({
      connect,
      log,
      consume: async (channel, onFailed) => {
        await consumer.consume(channel, { queue: registrationQueue, guard: this.#guard, handle, onFailed });
      },
    });
  }

  async #register(incoming: Incoming, address: ReplyAddress, replies: DirectReplies): Promise<void> {
    const { replyTo } = address;
    if (replyTo === undefined) {
      throw new ChatError("invalid_argument", "A registration needs a reply_to for its reply.");
    }
    const connection = this.#registrations.take(replyTo);
    const { chat: { accounts }, sharedLogin } = this.#options;
    try {
      const message = await register(incoming, { accounts, sharedLogin });
      replies.send({ sender: incoming.user, address, message });
    } finally {
      if (connection !== undefined) this.#options.closeConnection?.(connection.name);
    }
  }

  #removeQueue(queue: string): void {
    this.#options.queues.close(queue);
    if (this.#connection.isOpen) this.#declaring.deleteQueue(queue).catch(() => {});
  }

  #fail(error: ChatError): void {
    if (this.#isServing && !this.#stopping) {
      this.#options.log.error("a channel to the broker failed", { reason: error.message });
    }
    void this.#connection.close();
  }

  #cleanUp(): void {
    this.#channels.close();
    void this.#replies?.close();
    void this.#registering?.close();
    this.#sessionRequests?.abandonDeclarations();
    this.#leftQueues.push(...this.#sessions.endAll());
  }
}

/** Returns undefined where connections cannot be closed, or where broker users are not chatd accounts. */
function openTrace(
  connection: BrokerConnection,
  { log, channels, kick, closeConnection = () => {}, whileTracing, sharedLogin }:
    & OpenServingOptions
    & Pick<SenderTraceOptions, "channels">,
): SenderTrace | undefined {
  if (kick === undefined || whileTracing === undefined || sharedLogin) return undefined;
  return new SenderTrace({ connection, channels, log, kick, closeConnection, whileTracing });
}
