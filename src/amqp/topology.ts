import type { Channel, Options } from "amqplib";

/** Exchange for clients with an account; the server is the only consumer of the queue of the same name. */
export const requestExchange = "chatd.requests";
export const requestQueue = "chatd.requests";
/** Exchange for calls of FileService. */
export const fileExchange = "chatd.files";
export const fileQueue = "chatd.files";
/** Exchange for clients without an account. */
export const registrationExchange = "chatd.registration";
export const registrationQueue = "chatd.registration";
/** All exchanges that clients publish to. */
export const clientExchanges = [requestExchange, fileExchange, registrationExchange] as const;
/** Broker user of clients without an account. */
export const registrationUser = "register";
/**
 * Broker user that is admitted at the first question and denied at the next, which shows clients that the server
 * answers the broker.
 */
export const statusUser = "_status";
/**
 * Broker user that is admitted like {@link statusUser} where registration needs an invitation, so that clients can ask
 * for one.
 */
export const invitationUser = "_invitation";
/** RabbitMQ's pseudo-queue for direct replies (https://www.rabbitmq.com/docs/direct-reply-to). */
export const directReplies = "amq.rabbitmq.reply-to";

/** Time that requests (also for files) and registrations may wait for a server, in milliseconds. */
export const requestTtlMs = 30_000;
export const registrationTtlMs = 10_000;

/** Bounds the broker's memory while no server consumes; further messages are refused to their publishers. */
const requestLimits: Options.AssertQueue = {
  durable: true,
  messageTtl: requestTtlMs,
  maxLength: 20_000,
  overflow: "reject-publish",
  arguments: { "x-max-length-bytes": 64 * 1024 * 1024 },
};

/** Clients have a few chunks in flight each, and retry refused ones. */
const fileLimits: Options.AssertQueue = {
  durable: true,
  messageTtl: requestTtlMs,
  maxLength: 2_000,
  overflow: "reject-publish",
  arguments: { "x-max-length-bytes": 32 * 1024 * 1024 },
};

const registrationLimits: Options.AssertQueue = {
  durable: true,
  messageTtl: registrationTtlMs,
  maxLength: 100,
  overflow: "reject-publish",
  arguments: { "x-max-length-bytes": 1024 * 1024 },
};

/**
 * The windows of unacknowledged deliveries and replies keep a session's queue below these limits. The queue is deleted
 * with its consumer, or a minute after its declaration if it never had one.
 */
const sessionLimits: Options.AssertQueue = {
  durable: true,
  autoDelete: true,
  expires: 60_000,
  maxLength: 50_000,
  overflow: "reject-publish",
  arguments: { "x-max-length-bytes": 4 * 1024 * 1024 },
};

const sharedQueues: readonly { exchange: string; queue: string; limits: Options.AssertQueue }[] = [
  { exchange: requestExchange, queue: requestQueue, limits: requestLimits },
  { exchange: fileExchange, queue: fileQueue, limits: fileLimits },
  { exchange: registrationExchange, queue: registrationQueue, limits: registrationLimits },
];

/**
 * Declares the exchanges and queues that all sessions share. An existing one with other properties causes the channel
 * error `PRECONDITION_FAILED`. The exchanges ignore routing keys: the broker would return unroutable `mandatory`
 * messages, and keep them in memory without a limit for a publisher that does not read.
 */
export async function declareTopology(channel: Channel): Promise<void> {
  for (const { exchange, queue, limits } of sharedQueues) {
    await channel.assertExchange(exchange, "fanout", { durable: true });
    await channel.assertQueue(queue, limits);
    await channel.bindQueue(queue, exchange, queue);
  }
}

/** Declares the queue of one session. */
export async function declareSessionQueue(channel: Channel, name: string): Promise<void> {
  await channel.assertQueue(name, sessionLimits);
}
