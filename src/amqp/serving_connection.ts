import type { Channel, ConsumeMessage } from "amqplib";
import type { Chat } from "../core/chat.ts";
import { ChatError, toChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import { TokenBuckets } from "../core/token_bucket.ts";
import { ClientFrame, Error as ErrorMessage } from "../gen/chatd/v1/session.ts";
import { toWireError } from "../wire/convert.ts";
import { logIn, register } from "./account_requests.ts";
import type { BrokerConnection } from "./broker_connection.ts";
import { toChannelError } from "./broker_errors.ts";
import { BrokerSession } from "./broker_session.ts";
import { DirectReplies } from "./direct_replies.ts";
import { type Incoming, parseIncoming, type ReplyAddress, replyAddress } from "./incoming.ts";
import { decodePayload, encodePayload, endingFrame, messageTypes } from "./payload.ts";
import { type Outgoing, Publisher } from "./publisher.ts";
import type { SessionQueues } from "./session_queues.ts";
import { declareSessionQueue, declareTopology, registrationQueue, registrationUser, requestQueue } from "./topology.ts";

/** Messages that are being dealt with at once; further ones wait in the broker. */
const requestsAtOnce = 500;
const registrationsAtOnce = 4;
/** Reply addresses of registrations that are remembered: more than can be open at once. */
const maxRegistered = 10_000;
/** A session that nothing was heard of for this long has lost its client, in milliseconds. Clients write every 10 s. */
const idleMs = 35_000;
const idleCheckMs = 5_000;
/** How long a client may take to read why its session ended, in milliseconds. */
const lingerMs = 5_000;
const eventExchange = "amq.rabbitmq.event";

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
  /** Messages of each user: more than this are not even looked at. */
  readonly flood: { readonly perSecond: number; readonly burst: number };
  /** Throws somebody off the broker: all of a user's connections, or those which their client calls so. */
  kick?(target: { user: string; connection?: string }): void;
}

interface OpenServingOptions extends ServingOptions {
  /** Queues of sessions that are over. */
  readonly stale: readonly string[];
  /** Opens another connection, for what is published to addresses that clients chose. @throws {ChatError} */
  connectForReplies(signal: AbortSignal): Promise<BrokerConnection>;
}

/** The server's side of one connection to the broker, from the declaring of queues to its end. Its sessions end with it. */
export class ServingConnection {
  readonly #options: OpenServingOptions;
  readonly #connection: BrokerConnection;
  readonly #sessions = new Map<string, BrokerSession>();
  readonly #byQueue = new Map<string, BrokerSession>();
  readonly #registered = new Set<string>();
  readonly #lingering = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #floods: TokenBuckets;
  /** Each costs the broker a queue. */
  readonly #hellos = new TokenBuckets({ burst: 128, perSecond: 2 });
  readonly #kicks = new TokenBuckets({ burst: 1, perSecond: 1 });
  readonly #consumerTags: { channel: Channel; tag: string }[] = [];
  #declaring!: Channel;
  #publisher!: Publisher;
  #replies: DirectReplies | undefined;
  #idleTimer: ReturnType<typeof setInterval> | undefined;
  #isServing = false;
  #stopping = false;
  #left: string[] = [];

  private constructor(connection: BrokerConnection, options: OpenServingOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#floods = new TokenBuckets(options.flood);
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
      await Promise.all([connection.close(), serving.#replies?.close()]);
      // amqplib says in many words of its own that the connection has ended meanwhile.
      throw error instanceof ChatError ? error : toChannelError(error, connection.broker);
    }
  }

  /** Resolves when the connection has ended. */
  get lost(): Promise<ChatError> {
    return this.#connection.lost;
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
    if (!this.#connection.isOpen) return;
    await Promise.all(this.#consumerTags.map(({ channel, tag }) => channel.cancel(tag))).catch(() => {});
  }

  /** Waits for what was published, for `deadlineMs` at most, and closes the connection. */
  async close({ deadlineMs }: { deadlineMs: number }): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, deadlineMs);
    if (this.#connection.isOpen) await Promise.race([this.#stopAndFlush(), promise, this.lost]);
    clearTimeout(timer);
    await Promise.all([this.#connection.close(), this.#replies?.close()]);
    this.#ended();
  }

  async #stopAndFlush(): Promise<void> {
    await this.stop();
    await Promise.all([this.#publisher.flush(), this.#replies?.flush()]);
  }

  async #open(): Promise<void> {
    const failed = (error: ChatError) => void this.#fail(error);
    this.#declaring = await this.#connection.channel(failed);
    await this.#asking(() => declareTopology(this.#declaring));
    await Promise.all(this.#options.stale.map((queue) => this.#declaring.deleteQueue(queue)));
    this.#publisher = new Publisher(await this.#connection.confirmChannel(failed), {
      user: this.#connection.user,
      undeliverable: (queue) => this.#byQueue.get(queue)?.disconnected(),
    });
    const { connectForReplies: connect, log } = this.#options;
    const poisoned = (sender: string) => this.#throwOff(sender, "forged reply_to");
    this.#replies = await DirectReplies.open({ connect, log, poisoned });
    await this.#watchQueues();
    const requests = await this.#connection.channel(failed);
    await requests.prefetch(requestsAtOnce);
    await this.#consume(requests, requestQueue, (incoming, address) => this.#request(incoming, address));
    const registrations = await this.#connection.channel(failed);
    await registrations.prefetch(registrationsAtOnce);
    await this.#consume(registrations, registrationQueue, (incoming, address) => this.#register(incoming, address));
    this.#isServing = true;
    this.#idleTimer = setInterval(() => this.#endIdle(), idleCheckMs);
  }

  async #asking<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw toChannelError(error, this.#connection.broker);
    }
  }

  async #consume(
    channel: Channel,
    queue: string,
    serve: (incoming: Incoming, address: ReplyAddress) => Promise<void>,
  ): Promise<void> {
    try {
      const { consumerTag: tag } = await channel.consume(queue, (message) => {
        if (message === null) return this.#fail(new ChatError("unavailable", `The queue "${queue}" was deleted.`));
        void this.#serve(message, serve).finally(() => this.#acknowledge(channel, message));
      }, { exclusive: true });
      this.#consumerTags.push({ channel, tag });
    } catch (error) {
      const known = toChannelError(error, this.#connection.broker);
      if (known.code !== "permission_denied" || !/exclusive/.test(known.message)) throw known;
      throw new ChatError(
        "already_exists",
        `Another chatd server consumes "${queue}" on this broker already: stop it, or give this one a virtual host of its own.`,
        { cause: error },
      );
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
    serve: (incoming: Incoming, address: ReplyAddress) => Promise<void>,
  ): Promise<void> {
    const sender = String(message.properties.userId ?? "");
    if (this.#floods.take(sender, performance.now()) > 0) return this.#dropFlood(sender);
    const address = this.#addressOf(message);
    try {
      await serve(parseIncoming(message), address);
    } catch (thrown) {
      const error = toChatError(thrown);
      if (error.code === "internal") this.#options.log.error("request failed", { user: sender, error: thrown });
      this.#reply(sender, address, this.#errorReply(message, error, address));
    }
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

  /** Strangers get one answer for each channel, which is what the broker tells of where a message comes from. */
  async #register(incoming: Incoming, address: ReplyAddress): Promise<void> {
    const { replyTo } = address;
    if (replyTo === undefined) {
      throw new ChatError("invalid_argument", "A registration needs a reply_to, which its reply goes to.");
    }
    if (this.#registered.has(replyTo)) {
      throw new ChatError("limit_reached", "There is one registration for each connection: connect again.");
    }
    this.#registered.add(replyTo);
    const [oldest] = this.#registered;
    if (this.#registered.size > maxRegistered) this.#registered.delete(oldest);
    const { chat: { accounts }, sharedLogin } = this.#options;
    this.#reply(incoming.user, address, await register(incoming, { accounts, sharedLogin }));
  }

  async #request(incoming: Incoming, address: ReplyAddress): Promise<void> {
    if (incoming.type === messageTypes.logIn) {
      const { chat: { accounts }, sharedLogin } = this.#options;
      return this.#reply(incoming.user, address, await logIn(incoming, { accounts, sharedLogin }));
    }
    if (incoming.type !== messageTypes.clientFrame) {
      throw new ChatError("invalid_argument", "This server does not know this type of message.");
    }
    const { content, format } = incoming;
    if (incoming.session !== undefined) {
      const session = this.#sessions.get(incoming.session);
      // Another's session is, to who asks, one that does not exist.
      if (session === undefined || session.user !== incoming.user) throw noSession();
      try {
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
    const retryAfterMs = this.#hellos.take(user, performance.now());
    if (retryAfterMs > 0) {
      throw new ChatError("rate_limited", "Too many sessions were begun: wait, and connect less often.", {
        retryAfterMs,
      });
    }
    if (this.#stopping) throw new ChatError("unavailable", "The server is shutting down.", { retryAfterMs: 1_000 });
    const queue = queues.open(user);
    try {
      await this.#asking(() => declareSessionQueue(this.#declaring, queue));
    } catch (error) {
      queues.close(queue);
      throw error;
    }
    const { log, server, defer } = this.#options;
    const session = new BrokerSession({
      chat,
      log,
      server,
      defer,
      publisher: this.#publisher,
      replies: this.#replies!,
      hello: incoming,
      address,
      queue,
      ended: (ended, reason) => this.#sessionEnded(ended, reason),
    });
    this.#sessions.set(session.secret, session);
    this.#byQueue.set(queue, session);
    session.receive(frame, incoming.content.length);
    await session.welcomed;
  }

  #sessionEnded({ secret, queue, user, connection }: BrokerSession, reason: ChatError | undefined): void {
    this.#sessions.delete(secret);
    this.#byQueue.delete(queue);
    if (reason === undefined) this.#deleteQueue(queue);
    else this.#lingering.set(queue, setTimeout(() => this.#deleteQueue(queue), lingerMs));
    if (reason?.code === "token_revoked" && connection !== undefined) this.#options.kick?.({ user, connection });
  }

  #deleteQueue(queue: string): void {
    clearTimeout(this.#lingering.get(queue));
    this.#lingering.delete(queue);
    this.#options.queues.close(queue);
    if (this.#connection.isOpen) this.#declaring.deleteQueue(queue).catch(() => {});
  }

  /** The broker's event exchange, where it has one, tells at once when a client's connection took its queue along. */
  async #watchQueues(): Promise<void> {
    const trying = await this.#connection.channel(() => {});
    try {
      await trying.checkExchange(eventExchange);
      // With a connection that is lost meanwhile, amqplib says nothing.
      await Promise.race([trying.close(), this.lost]);
    } catch {
      return;
    }
    const { queue } = await this.#declaring.assertQueue("", { exclusive: true, maxLength: 100_000 });
    await this.#declaring.bindQueue(queue, eventExchange, "queue.deleted");
    await this.#declaring.consume(queue, (event) => {
      const name = event?.properties.headers?.name;
      if (typeof name === "string") this.#byQueue.get(name)?.disconnected();
    }, { noAck: true });
  }

  #endIdle(): void {
    const silentSince = performance.now() - idleMs;
    for (const session of [...this.#sessions.values()]) {
      if (session.heardAt < silentSince) {
        session.end(new ChatError("unavailable", "Nothing was heard of this client for 35 s: connect again."));
      }
    }
  }

  #dropFlood(user: string): void {
    this.#throwOff(user, "flood dropped");
  }

  #throwOff(user: string, why: string): void {
    if (this.#kicks.take(user, performance.now()) > 0) return;
    this.#options.log.warn(why, { user });
    // Strangers share a name.
    if (user !== registrationUser && user !== "") this.#options.kick?.({ user });
  }

  #fail(error: ChatError): void {
    if (this.#isServing && !this.#stopping) {
      this.#options.log.error("a channel to the broker failed", { reason: error.message });
    }
    void this.#connection.close();
  }

  #ended(): void {
    clearInterval(this.#idleTimer);
    void this.#replies?.close();
    for (const timer of this.#lingering.values()) clearTimeout(timer);
    for (const queue of this.#lingering.keys()) this.#options.queues.close(queue);
    this.#lingering.clear();
    this.#left.push(...this.#byQueue.keys());
    for (const session of [...this.#sessions.values()]) session.disconnected();
  }
}

function noSession(): ChatError {
  return new ChatError("unavailable", "There is no such session (any more): connect again, beginning with hello.");
}
