import type { ConfirmChannel, ConsumeMessage, Options } from "amqplib";
import { sessionHeader, sessionQueueHeader } from "../../../src/amqp/incoming.ts";
import { messageTypes } from "../../../src/amqp/message_types.ts";
import { directReplies, requestExchange } from "../../../src/amqp/topology.ts";
import { ClientFrame, ServerFrame } from "../../../src/gen/chatd/v1/session.ts";
import { binaryFromJson } from "../../../src/wire/json_messages.ts";
import { type AmqpUser, connectAs } from "./amqp_user.ts";
import { eventually } from "../waiting/eventually.ts";
import type { RequestKind } from "../servers/received_frames.ts";
import { helloWith } from "../servers/test_session.ts";

/** A session that a raw client has. */
export interface RawSession {
  readonly secret: string;
  readonly queue: string;
  /** What came through its queue. */
  readonly received: ConsumeMessage[];
}

/** Somebody with an account who writes to the broker whatever they like. */
export class RawAmqpClient implements AsyncDisposable {
  readonly user: string;
  readonly connection: AmqpUser;
  /** What came as direct replies. */
  readonly replies: ConsumeMessage[] = [];
  readonly #channel: ConfirmChannel;
  #channelError = "";
  #lastId = 0;

  private constructor(user: string, connection: AmqpUser, channel: ConfirmChannel) {
    this.user = user;
    this.connection = connection;
    this.#channel = channel;
    channel.on("error", (error: Error) => this.#channelError = error.message);
  }

  /** Logs in to the broker. Rejects with amqplib's error. */
  static async connect(url: string, name?: string): Promise<RawAmqpClient> {
    const connection = await connectAs(url, { name });
    const channel = await connection.model.createConfirmChannel();
    const client = new RawAmqpClient(decodeURIComponent(new URL(url).username), connection, channel);
    await channel.consume(directReplies, (message) => void (message && client.replies.push(message)), { noAck: true });
    return client;
  }

  /** Does something on a channel of its own. @returns the broker's refusal, or "" when it did it. */
  async attempt(action: (channel: ConfirmChannel) => unknown): Promise<string> {
    const channel = await this.connection.model.createConfirmChannel();
    const refused = new Promise<string>((resolve) => channel.on("error", (error: Error) => resolve(error.message)));
    const done = (async () => {
      try {
        await action(channel);
        await channel.waitForConfirms();
        await channel.close();
        return "";
      } catch {
        return await refused;
      }
    })();
    return await Promise.race([refused, done]);
  }

  /**
   * Publishes a request to the queue of the exchange's name, as an honest client does but for `more`; resolves when the broker took
   * or dropped it.
   */
  publish(content: Uint8Array, more: Options.Publish = {}, exchange: string = requestExchange): Promise<void> {
    const options = {
      userId: this.user,
      replyTo: directReplies,
      type: messageTypes.clientFrame,
      contentType: "application/x-protobuf",
      ...more,
    };
    return new Promise((resolve, reject) => {
      if (this.#channelError !== "") return reject(new Error(this.#channelError));
      this.#channel.publish(exchange, exchange, Buffer.from(content), options, () => resolve());
    });
  }

  /**
   * The address of its direct replies with its key, which the broker writes into requests: it is read from a copy of one.
   * @param brokerUrl of a user of the broker that may bind queues
   */
  async ownAddress(brokerUrl: string): Promise<string> {
    await using reader = await connectAs(brokerUrl);
    const channel = await reader.model.createChannel();
    const { queue } = await channel.assertQueue("", { exclusive: true });
    await channel.bindQueue(queue, requestExchange, "");
    const correlationId = crypto.randomUUID();
    const { promise, resolve } = Promise.withResolvers<string>();
    await channel.consume(queue, (message) => {
      if (message?.properties.correlationId === correlationId) resolve(message.properties.replyTo);
    }, { noAck: true });
    await this.publish(Buffer.alloc(0), { correlationId });
    return await promise;
  }

  /** Publishes, and resolves with the reply to it. */
  async ask(content: Uint8Array, more: Options.Publish = {}, exchange?: string): Promise<ConsumeMessage> {
    const correlationId = more.correlationId ?? crypto.randomUUID();
    await this.publish(content, { ...more, correlationId }, exchange);
    const found = () => this.replies.find(({ properties }) => properties.correlationId === correlationId);
    await eventually(() => found() !== undefined, () => "the reply of the server");
    return found()!;
  }

  /** The code of the error that a request is answered with, in a reply or as the end of the session; "" for none. */
  async refusal(content: Uint8Array, more: Options.Publish = {}): Promise<string> {
    return refusalOf(await this.ask(content, more));
  }

  frame(...kinds: RequestKind[]): Uint8Array {
    return ClientFrame.encode({ requests: kinds.map((kind) => ({ id: ++this.#lastId, kind })) }).finish();
  }

  /** Says hello. @returns undefined when it was refused */
  async hello(token: string): Promise<RawSession | undefined> {
    const { properties } = await this.ask(this.frame({ $case: "hello", value: helloWith(token) }));
    const { [sessionHeader]: secret, [sessionQueueHeader]: queue } = properties.headers ?? {};
    if (typeof secret !== "string" || typeof queue !== "string") return undefined;
    const received: ConsumeMessage[] = [];
    await this.#channel.consume(queue, (message) => void (message && received.push(message)), { noAck: true });
    return { secret, queue, received };
  }

  /** Asks for the list of conversations, as honest clients do. Resolves with what kind of reply comes. */
  async listConversations(session: RawSession): Promise<string> {
    const content = this.frame({ $case: "listConversations", value: { limit: 0, beforePosition: 0 } });
    const id = this.#lastId;
    await this.publish(content, this.inSession(session));
    const items = () => session.received.flatMap(({ content }) => ServerFrame.decode(content).items);
    const found = () => items().find(({ kind }) => kind?.$case === "reply" && kind.value.requestId === id);
    await eventually(() => found() !== undefined, () => "the reply to a request");
    const { kind } = found()!;
    return kind?.$case === "reply" ? kind.value.result?.$case ?? "" : "";
  }

  /** What a request within a session is published with. */
  inSession({ secret }: { secret: string }): Options.Publish {
    return { headers: { [sessionHeader]: secret } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]();
  }
}

function refusalOf({ properties, content }: ConsumeMessage): string {
  if (properties.type !== messageTypes.serverFrame) return `not a frame: ${properties.type}`;
  const json = properties.contentType === "application/json";
  const { items } = json
    ? ServerFrame.decode(binaryFromJson(messageTypes.serverFrame, content))
    : ServerFrame.decode(content);
  for (const { kind } of items) {
    if (kind?.$case === "sessionEnded") return kind.value.error?.code ?? "ended";
    if (kind?.$case === "reply" && kind.value.result?.$case === "error") return kind.value.result.value.code;
  }
  return "";
}
