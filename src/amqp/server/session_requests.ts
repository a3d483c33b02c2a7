import type { Channel } from "amqplib";
import type { Chat } from "../../core/chat.ts";
import { ChatError, toChatError } from "../../core/chat_error.ts";
import { ClientFrame } from "../../gen/chatd/v1/session.ts";
import type { SessionDependencies } from "../../session/session_dependencies.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";
import { mapChannelErrors } from "../connection/broker_errors.ts";
import type { Incoming, ReplyAddress } from "../incoming.ts";
import { messageTypes } from "../message_types.ts";
import { binaryPayload, decodePayload } from "../payload.ts";
import type { KnownChannels } from "../senders/known_channels.ts";
import { declareSessionQueue } from "../topology.ts";
import { logIn } from "./account_requests.ts";
import { BrokerSession } from "./broker_session.ts";
import type { BrokerSessions } from "./broker_sessions.ts";
import type { DirectReplies } from "./direct_replies.ts";
import type { Publisher } from "./publisher.ts";
import type { SessionQueues } from "./session_queues.ts";

export interface SessionRequestsOptions {
  readonly chat: Chat;
  readonly shared: SessionDependencies;
  readonly connection: BrokerConnection;
  /** Declares the queues of sessions. */
  readonly declaring: Channel;
  readonly publisher: Publisher;
  readonly replies: DirectReplies;
  readonly channels: Pick<KnownChannels, "at">;
  readonly queues: SessionQueues;
  readonly sessions: BrokerSessions;
  /** Broker users are not chatd accounts: only the tokens in frames identify users. */
  readonly sharedLogin: boolean;
  /** Whether new sessions are refused. */
  isStopping(): boolean;
  /** Closes all connections of a user, or those with this client-provided name. */
  kick?(target: { user: string; connection?: string }): void;
  /** Closes a connection by its name in the broker's lists, after its client had time to read the last message. */
  closeConnection?(name: string): void;
}

/** Handles logins, the start of sessions, and the frames of sessions. */
export class SessionRequests {
  readonly #options: SessionRequestsOptions;
  /** Abandon declarations of queues in progress. */
  readonly #abandonDeclarations = new Set<() => void>();

  constructor(options: SessionRequestsOptions) {
    this.#options = options;
  }

  /** Handles a request. @param session the live session of the message @throws {ChatError} */
  async handle(incoming: Incoming, address: ReplyAddress, session: BrokerSession | undefined): Promise<void> {
    if (incoming.type === messageTypes.logIn) {
      const { chat: { accounts }, sharedLogin, replies } = this.#options;
      const message = await logIn(incoming, { accounts, sharedLogin });
      return replies.send({ sender: incoming.user, address, message });
    }
    if (incoming.type !== messageTypes.clientFrame) {
      throw new ChatError("invalid_argument", "This server does not know this message type.");
    }
    if (incoming.session === undefined) return await this.#start(decodeFrame(incoming), incoming, address);
    // Another user's session is reported as missing.
    if (session === undefined) throw unknownSession();
    try {
      session.checkSequence(incoming.sequence);
      session.receiveEncoded(
        binaryPayload(incoming.content, { name: messageTypes.clientFrame, format: incoming.format }),
      );
      if (incoming.leaving) session.leave();
    } catch (error) {
      session.end(toChatError(error));
    }
  }

  /** Fails declarations in progress, because the connection was lost. */
  abandonDeclarations(): void {
    for (const abandon of this.#abandonDeclarations) abandon();
  }

  async #start(frame: ClientFrame, hello: Incoming, address: ReplyAddress): Promise<void> {
    const { chat, connection, shared, publisher, replies, channels, queues, sessions, sharedLogin } = this.#options;
    const kind = frame.requests.at(0)?.kind;
    if (kind?.$case !== "hello") {
      throw new ChatError("unauthenticated", `A message without the header "chatd-session" must start with hello.`);
    }
    if (address.replyTo === undefined) {
      throw new ChatError("invalid_argument", "A hello needs a reply_to for its reply.");
    }
    const { user } = await chat.accounts.authenticate(kind.value.token);
    if (!sharedLogin && user !== hello.user) {
      throw new ChatError("unauthenticated", `This token does not belong to "${hello.user}". Log in again.`);
    }
    if (this.#options.isStopping()) {
      throw new ChatError("unavailable", "The server is shutting down.", { retryAfterMs: 1_000 });
    }
    const queue = queues.open(user);
    const session = new BrokerSession({
      shared,
      publisher,
      replies,
      hello,
      address,
      clientConnection: channels.at(address.replyTo)?.connection,
      queue,
      declare: () => mapChannelErrors(connection.broker, () => this.#declare(queue)),
      onEnded: (ended, reason) => this.#remove(ended, reason),
    });
    sessions.add(session);
    session.receive(frame, hello.content.length);
    await session.welcomed;
  }

  async #declare(queue: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // amqplib settles nothing when the connection is lost meanwhile.
    const abandon = () => reject(new ChatError("unavailable", "The connection to the broker was lost."));
    this.#abandonDeclarations.add(abandon);
    declareSessionQueue(this.#options.declaring, queue).then(resolve, reject);
    await promise.finally(() => this.#abandonDeclarations.delete(abandon));
  }

  #remove(session: BrokerSession, reason: ChatError | undefined): void {
    const { sessions, closeConnection, kick } = this.#options;
    sessions.remove(session, reason);
    if (reason?.code !== "token_revoked") return;
    const { user, clientConnection, connection } = session;
    if (clientConnection !== undefined) closeConnection?.(clientConnection.name);
    else kick?.({ user, connection });
  }
}

function decodeFrame({ content, format }: Incoming): ClientFrame {
  return decodePayload(content, { decoder: ClientFrame, name: messageTypes.clientFrame, format });
}

function unknownSession(): ChatError {
  return new ChatError("unavailable", "This session does not exist or has ended. Reconnect, starting with hello.");
}
