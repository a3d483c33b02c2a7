import type { Channel, ConsumeMessage } from "amqplib";
import type { Chat } from "../core/chat.ts";
import { ChatError, toChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import { ClientFrame, Error as ErrorMessage } from "../gen/chatd/v1/session.ts";
import type { SessionDependencies } from "../session/session_dependencies.ts";
import { toWireError } from "../wire/convert.ts";
import { logIn, register } from "./account_requests.ts";
import type { BrokerConnection } from "./broker_connection.ts";
import { consumedByAnother, toChannelError } from "./broker_errors.ts";
import { BrokerEvents } from "./broker_events.ts";
import { BrokerSession } from "./broker_session.ts";
import { BrokerSessions } from "./broker_sessions.ts";
import { DirectReplies } from "./direct_replies.ts";
import { FileRequests } from "./file_requests.ts";
import { FloodGuard } from "./flood_guard.ts";
import { hearBlocked } from "./hear_blocked.ts";
import { type Incoming, parseIncoming, type ReplyAddress, replyAddress, sessionHeader } from "./incoming.ts";
import { KnownChannels } from "./known_channels.ts";
import { messageTypes } from "./message_types.ts";
import { decodePayload, encodePayload, endingFrame } from "./payload.ts";
import { type Outgoing, Publisher } from "./publisher.ts";
import { RegistrationConnection } from "./registration_connection.ts";
import { Registrations } from "./registrations.ts";
import { removeDirectExchanges } from "./remove_direct_exchanges.ts";
import { SenderChecks } from "./sender_checks.ts";
import { SenderTrace, type SenderTraceOptions } from "./sender_trace.ts";
import type { SessionQueues } from "./session_queues.ts";
import { declareSessionQueue, declareTopology, fileQueue, registrationQueue, requestQueue } from "./topology.ts";

/** Messages that are being dealt with at once; further ones wait in the broker. */
const requestsAtOnce = 500;
/** Of 48 KiB each, until the broker has their answers. */
const chunksAtOnce = 16;
/** Of each user: more than the chunks that the core takes. */
const standardFileFlood = { perSecond: 512, burst: 2_048 };

export interface ServingOptions {
  readonly chat: Chat;
  readonly log: Log;
  /** Name and version of the program, said to clients. */
  readonly server: string;
  defer(callback: () => void): void;
  /** Which queues are whose; the sessions of this server are kept in it. */
  readonly queues: SessionQueues;
  /** The broker's users are not chatd's: only the tokens inside of frames tell who somebody is. */
  readonly sharedLogin: boolean;
  /** Messages of each user, or with a shared login of each session: more than this are not even looked at. */
  readonly flood: { readonly perSecond: number; readonly burst: number };
  /** Requests for files of each user, in place of what is more than the chunks that the core takes. */
  readonly fileFlood?: { readonly perSecond: number; readonly burst: number };
  /** Throws somebody off the broker: all of a user's connections, or those which their client calls so. */
  kick?(target: { user: string; connection?: string }): void;
  /** Closes the connection that the broker calls so, when its client could read what was said to it last. */
  closeConnection?(name: string): void;
  /** Has the broker copy what is published while `look` runs. @returns whether it did */
  whileTracing?(look: () => Promise<void>): Promise<boolean>;
}

interface OpenServingOptions extends ServingOptions {
  /** Queues of sessions that are over. */
  readonly stale: readonly string[];
  /** Opens another connection, for what is published to addresses that clients chose. @throws {ChatError} */
  connectForReplies(signal: AbortSignal): Promise<BrokerConnection>;
  /** Opens the connection for registrations; absent where the server takes none over the broker. @throws {ChatError} */
  connectForRegistrations?(signal: AbortSignal): Promise<BrokerConnection>;
}

type Serve = (incoming: Incoming, address: ReplyAddress, session: BrokerSession | undefined) => Promise<void>;

/** The server's side of one connection to the broker, from the declaring of queues to its end. Its sessions end with it. */
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
  readonly #channels = new KnownChannels();
  /** The broker tells of its channels. */
  #hasEvents = false;
  readonly #checks: SenderChecks;
  /** Give up queues that are being declared. */
  readonly #undeclared = new Set<() => void>();
  #isServing = false;
  #stopping = false;
  #left: string[] = [];

  private constructor(connection: BrokerConnection, options: OpenServingOptions) {
    this.#connection = connection;
    this.#options = options;
    const { chat, log, server, defer } = options;
    this.#shared = { chat, log, server, transport: "amqp", defer };
    this.#sessions = new BrokerSessions({ removeQueue: (queue) => this.#removeQueue(queue) });
    const trace = openTrace(connection, { ...options, channels: this.#channels });
    const findSender = (sender: string) => trace?.find(sender);
    this.#guard = new FloodGuard({ ...options, findSender });
    this.#fileGuard = new FloodGuard({ ...options, flood: options.fileFlood ?? standardFileFlood, findSender });
    this.#checks = new SenderChecks({ ...options, channels: this.#channels, guard: this.#guard });
    this.#registrations = new Registrations({
      // With a shared login, nobody is a stranger.
      connectionAt: (replyTo) => options.sharedLogin ? undefined : this.#channels.at(replyTo)?.connection,
    });
    void connection.lost.then(() => this.#ended());
  }

  /**
   * Declares everything, removes the queues of sessions that are over (`stale`), and begins to serve. The connection is closed with it, also when this fails.
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
      // amqplib says in many words of its own that the connection has ended meanwhile.
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

  /** Of sessions that lived when the connection was lost: their clients may still read them, in vain. */
  get queues(): readonly string[] {
    return this.#left;
  }

  /** Takes no more requests. What sessions say until {@link close} still goes out. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#registering?.close();
    if (!this.#connection.isOpen) return;
    await Promise.all(this.#consumerTags.map(({ channel, tag }) => channel.cancel(tag))).catch(() => {});
  }

  /** Waits for what was published, for `deadlineMs` at most, and closes the connection. */
  async close({ deadlineMs }: { deadlineMs: number }): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadlineMs);
    if (this.#connection.isOpen) await Promise.race([this.#stopAndFlush(), promise, this.lost]);
    clearTimeout(timer);
    await Promise.all([this.#connection.close(), this.#replies?.close(), this.#registering?.close()]);
    this.#ended();
  }

  async #stopAndFlush(): Promise<void> {
    await this.stop();
    await Promise.all([this.#publisher.flush(), this.#replies?.flush()]);
  }

  async #open(): Promise<void> {
    const failed = (error: ChatError) => void this.#fail(error);
    await removeDirectExchanges(this.#connection, this.#options.log);
    this.#declaring = await this.#connection.channel(failed);
    await this.#asking(() => declareTopology(this.#declaring));
    await Promise.all(this.#options.stale.map((queue) => this.#declaring.deleteQueue(queue)));
    this.#publisher = new Publisher(await this.#connection.confirmChannel(failed), {
      user: this.#connection.user,
      undeliverable: (queue) => this.#sessions.queueGone(queue),
    });
    // Before the addresses for replies: channels that are younger than those are told of.
    this.#hasEvents = await BrokerEvents.watch({
      connection: this.#connection,
      channels: this.#channels,
      queueDeleted: (queue) => this.#sessions.queueGone(queue),
      failed,
    });
    const { connectForReplies: connect, log } = this.#options;
    const replies = await DirectReplies.open({
      connect,
      log,
      learn: (address) => this.#channels.learn(address),
      admits: (reply) => this.#checks.admits(reply),
      poisoned: (sender) => this.#guard.throwOff(sender, "forged reply_to"),
    });
    this.#replies = replies;
    const requests = await this.#connection.channel(failed);
    await requests.prefetch(requestsAtOnce);
    await this.#consumeOwn(requests, requestQueue, (...asked) => this.#request(...asked));
    const files = await this.#connection.channel(failed);
    await files.prefetch(chunksAtOnce);
    const fileRequests = new FileRequests({ ...this.#options, replies });
    await this.#consumeOwn(
      files,
      fileQueue,
      (incoming, address) => fileRequests.answer(incoming, address),
      this.#fileGuard,
    );
    const { connectForRegistrations } = this.#options;
    if (connectForRegistrations !== undefined) {
      this.#registering = RegistrationConnection.open({
        connect: connectForRegistrations,
        log,
        consume: async (channel, failed) => {
          const serve: Serve = (incoming, address) => this.#register(incoming, address);
          await this.#consume(channel, registrationQueue, { serve, guard: this.#guard, failed });
        },
      });
    }
    // A serving connection that ended meanwhile has to close the connection for registrations itself.
    if (!this.#connection.isOpen) throw await this.lost;
    hearBlocked(this.#connection, this.#declaring);
    this.#isServing = true;
  }

  async #asking<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw toChannelError(error, this.#connection.broker);
    }
  }

  async #consumeOwn(channel: Channel, queue: string, serve: Serve, guard = this.#guard): Promise<void> {
    const failed = (error: ChatError) => void this.#fail(error);
    this.#consumerTags.push({ channel, tag: await this.#consume(channel, queue, { serve, guard, failed }) });
  }

  /** @returns the tag of the consumer */
  async #consume(
    channel: Channel,
    queue: string,
    { serve, guard, failed }: { serve: Serve; guard: FloodGuard; failed(error: ChatError): void },
  ): Promise<string> {
    try {
      const { consumerTag } = await channel.consume(queue, (message) => {
        if (message === null) return failed(new ChatError("unavailable", `The queue "${queue}" was deleted.`));
        const acknowledge = () => this.#acknowledge(channel, message);
        const isGenuine = this.#judge(message, queue);
        if (isGenuine === true) return void this.#serve(message, serve, guard).finally(acknowledge);
        // It must not hold up others while the broker may still tell of its channel.
        acknowledge();
        if (isGenuine === false) return;
        void isGenuine.then((genuine) => genuine ? this.#serve(message, serve, guard) : undefined);
      }, { exclusive: true });
      return consumerTag;
    } catch (error) {
      const known = toChannelError(error, this.#connection.broker);
      if (known.code !== "permission_denied" || !/exclusive/.test(known.message)) throw known;
      throw consumedByAnother(queue, error);
    }
  }

  /** The broker has fewer than `requestsAtOnce` messages with us when what they caused has left for the broker. */
  #acknowledge(channel: Channel, message: ConsumeMessage): void {
    try {
      channel.ack(message);
    } catch {
      // The channel closed meanwhile, which its owner hears of.
    }
  }

  async #serve(
    message: ConsumeMessage,
    serve: Serve,
    guard: FloodGuard,
  ): Promise<void> {
    const sender = String(message.properties.userId ?? "");
    const session = this.#sessions.of(message);
    const secret: unknown = message.properties.headers?.[sessionHeader];
    if (!guard.admits(sender, { session, secret })) return session?.end(tooMuch());
    const address = this.#addressOf(message);
    try {
      await serve(parseIncoming(message), address, session);
    } catch (thrown) {
      const error = toChatError(thrown);
      this.#options.chat.metrics.refused("amqp", error.code);
      if (error.code === "internal") this.#options.log.error("request failed", { user: sender, error: thrown });
      this.#reply(sender, address, this.#errorReply(message, error, address));
    }
  }

  #judge(message: ConsumeMessage, queue: string): boolean | Promise<boolean> {
    const replyTo: unknown = message.properties.replyTo;
    const isOurs = typeof replyTo === "string" && this.#replies?.isGenuine(replyTo) === true;
    return this.#checks.judge(message, { queue, checksAddress: isOurs && this.#hasEvents });
  }

  #addressOf(message: ConsumeMessage): ReplyAddress {
    const address = replyAddress(message);
    const { replyTo } = address;
    return replyTo === undefined || this.#replies?.isGenuine(replyTo) ? address : { ...address, replyTo: undefined };
  }

  /** The request is done with when this returns: what an address does to the connection must not come back with the request. */
  #reply(sender: string, address: ReplyAddress, message: Outgoing): void {
    this.#replies?.send({ sender, address, message });
  }

  #errorReply(message: ConsumeMessage, error: ChatError, { format }: ReplyAddress): Outgoing {
    const isFrame = [undefined, messageTypes.clientFrame].includes(message.properties.type);
    const type = isFrame ? messageTypes.serverFrame : messageTypes.error;
    const bytes = isFrame ? endingFrame(error) : ErrorMessage.encode(toWireError(error)).finish();
    return { type, format, content: encodePayload(bytes, { name: type, format }) };
  }

  async #register(incoming: Incoming, address: ReplyAddress): Promise<void> {
    const { replyTo } = address;
    if (replyTo === undefined) {
      throw new ChatError("invalid_argument", "A registration needs a reply_to, which its reply goes to.");
    }
    const connection = this.#registrations.take(replyTo);
    const { chat: { accounts }, sharedLogin } = this.#options;
    try {
      this.#reply(incoming.user, address, await register(incoming, { accounts, sharedLogin }));
    } finally {
      if (connection !== undefined) this.#options.closeConnection?.(connection.name);
    }
  }

  async #request(incoming: Incoming, address: ReplyAddress, session: BrokerSession | undefined): Promise<void> {
    if (incoming.type === messageTypes.logIn) {
      const { chat: { accounts }, sharedLogin } = this.#options;
      return this.#reply(incoming.user, address, await logIn(incoming, { accounts, sharedLogin }));
    }
    if (incoming.type !== messageTypes.clientFrame) {
      throw new ChatError("invalid_argument", "This server does not know this type of message.");
    }
    const { content, format } = incoming;
    if (incoming.session !== undefined) {
      // Another's session is, to who asks, one that does not exist.
      if (session === undefined) throw noSession();
      try {
        session.follow(incoming.sequence);
        const options = { decoder: ClientFrame, name: messageTypes.clientFrame, format };
        session.receive(decodePayload(content, options), content.length);
        if (incoming.leaving) session.leave();
      } catch (error) {
        session.end(toChatError(error));
      }
      return;
    }
    const frame = decodePayload(content, { decoder: ClientFrame, name: messageTypes.clientFrame, format });
    await this.#hello(frame, incoming, address);
  }

  async #hello(frame: ClientFrame, incoming: Incoming, address: ReplyAddress): Promise<void> {
    const { chat, sharedLogin, queues } = this.#options;
    const kind = frame.requests.at(0)?.kind;
    if (kind?.$case !== "hello") {
      throw new ChatError("unauthenticated", `A message without the header "chatd-session" must begin with hello.`);
    }
    if (address.replyTo === undefined) {
      throw new ChatError("invalid_argument", "A hello needs a reply_to, which its reply goes to.");
    }
    const { user } = await chat.accounts.authenticate(kind.value.token);
    if (!sharedLogin && user !== incoming.user) {
      throw new ChatError("unauthenticated", `This token is not one of "${incoming.user}": log in again.`);
    }
    if (this.#stopping) throw new ChatError("unavailable", "The server is shutting down.", { retryAfterMs: 1_000 });
    const queue = queues.open(user);
    const session = new BrokerSession({
      shared: this.#shared,
      publisher: this.#publisher,
      replies: this.#replies!,
      hello: incoming,
      address,
      clientConnection: this.#channels.at(address.replyTo)?.connection,
      queue,
      declare: () => this.#asking(() => this.#declare(queue)),
      ended: (ended, reason) => this.#sessionEnded(ended, reason),
    });
    this.#sessions.add(session);
    session.receive(frame, incoming.content.length);
    await session.welcomed;
  }

  async #declare(queue: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // With a connection that is lost meanwhile, amqplib says nothing.
    const giveUp = () => reject(new ChatError("unavailable", "The broker is lost."));
    this.#undeclared.add(giveUp);
    declareSessionQueue(this.#declaring, queue).then(resolve, reject);
    await promise.finally(() => this.#undeclared.delete(giveUp));
  }

  #sessionEnded(session: BrokerSession, reason: ChatError | undefined): void {
    this.#sessions.ended(session, reason);
    if (reason?.code !== "token_revoked") return;
    const { user, clientConnection, connection } = session;
    if (clientConnection !== undefined) this.#options.closeConnection?.(clientConnection.name);
    else this.#options.kick?.({ user, connection });
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

  #ended(): void {
    this.#channels.close();
    void this.#replies?.close();
    void this.#registering?.close();
    for (const giveUp of this.#undeclared) giveUp();
    this.#left.push(...this.#sessions.disconnected());
  }
}

/** Absent where no connection can be closed, or where the broker's names say nothing of their users. */
function openTrace(
  connection: BrokerConnection,
  { log, channels, kick, closeConnection = () => {}, whileTracing, sharedLogin }:
    & OpenServingOptions
    & Pick<SenderTraceOptions, "channels">,
): SenderTrace | undefined {
  if (kick === undefined || whileTracing === undefined || sharedLogin) return undefined;
  return new SenderTrace({ connection, channels, log, kick, closeConnection, whileTracing });
}

/** What is dropped unseen leaves a hole in its session, which therefore ends. */
function tooMuch(): ChatError {
  return new ChatError("rate_limited", "More was sent at once than this server takes: connect again, and send less.", {
    retryAfterMs: 1_000,
  });
}

function noSession(): ChatError {
  return new ChatError("unavailable", "There is no such session (any more): connect again, beginning with hello.");
}
