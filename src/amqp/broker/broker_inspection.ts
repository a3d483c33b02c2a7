import { Buffer } from "node:buffer";
import type { ConfirmChannel } from "amqplib";
import type { ChatError } from "../../core/chat_error.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";
import { registrationExchange, requestExchange, requestQueue } from "../topology.ts";
import { maxAmqpFrameBytes, maxMessageBytes } from "./broker_config.ts";

/** A restriction of clients that the broker must enforce. */
export interface Lock {
  /** The forbidden action, such as "declare queues". */
  readonly what: string;
  /** Whether the broker enforces it. */
  readonly holds: boolean;
}

type Attempt = readonly [what: string, attempt: (channel: ConfirmChannel) => unknown];

const forbidden: readonly Attempt[] = [
  ["declare queues", (channel) => channel.assertQueue("chatd.inspection", { autoDelete: true, expires: 1_000 })],
  [
    "declare exchanges",
    async (channel) => {
      await channel.assertExchange("chatd.inspection", "fanout", { durable: false });
      await channel.deleteExchange("chatd.inspection");
    },
  ],
  ["bind queues", (channel) => channel.bindQueue(requestQueue, "amq.topic", "chatd.inspection")],
  ["read the server's queue", (channel) => channel.get(requestQueue)],
  ["publish past the server", (channel) => channel.publish("", "chatd.inspection", Buffer.alloc(0))],
  ["publish to other exchanges", (channel) => channel.publish("amq.topic", "chatd.inspection", Buffer.alloc(0))],
  ["register while logged in", (channel) => channel.publish(registrationExchange, "inspection", Buffer.alloc(0))],
  [
    "send messages longer than 64 KiB",
    (channel) => channel.publish(requestExchange, "inspection", Buffer.alloc(maxMessageBytes + 1)),
  ],
];

/** Attempts each forbidden action as a client with few permissions. Yields each result as it is known. */
export async function* inspectLocks(connection: BrokerConnection): AsyncGenerator<Lock, void> {
  for (const [what, attempt] of forbidden) yield { what, holds: !await isAllowed(connection, attempt) };
  const { frameMax } = connection;
  yield { what: "send AMQP frames longer than 8 KiB", holds: frameMax > 0 && frameMax <= maxAmqpFrameBytes };
}

/**
 * Returns whether a client can publish an empty message, which a server refuses, to an exchange. False too when the
 * exchange does not exist yet.
 */
export async function canPublish(connection: BrokerConnection, exchange: string): Promise<boolean> {
  return await isAllowed(connection, (channel) => channel.publish(exchange, "inspection", Buffer.alloc(0)));
}

/**
 * Returns the number of servers that consume requests.
 * @throws {ChatError} `unavailable` when no server has declared the queue yet
 */
export async function countServers(connection: BrokerConnection): Promise<number> {
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  const channel = await connection.channel((error) => closed.reject(error));
  const { consumerCount } = await Promise.race([channel.checkQueue(requestQueue), closed.promise]);
  await channel.close();
  return consumerCount;
}

async function isAllowed(connection: BrokerConnection, attempt: Attempt[1]): Promise<boolean> {
  const refused = Promise.withResolvers<ChatError>();
  const channel = await connection.confirmChannel((error) => refused.resolve(error));
  const done = (async () => {
    await attempt(channel);
    await channel.waitForConfirms();
    await channel.close();
    return undefined;
  })();
  // The channel's error says more than the errors of its calls.
  const error = await Promise.race([refused.promise, done.catch(() => refused.promise)]);
  return error === undefined;
}
