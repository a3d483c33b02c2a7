import type { Channel, Options } from "amqplib";

/** Where clients with an account publish; the one consumer of the queue of the same name is the server. */
export const requestExchange = "chatd.requests";
export const requestQueue = "chatd.requests";
/** Where clients publish what FileService is asked for. */
export const fileExchange = "chatd.files";
export const fileQueue = "chatd.files";
/** Where those publish who have no account yet. */
export const registrationExchange = "chatd.registration";
export const registrationQueue = "chatd.registration";
/** All that clients publish to. */
export const clientExchanges = [requestExchange, fileExchange, registrationExchange] as const;
/** The broker's name of those who have no account yet. */
export const registrationUser = "register";
/** Whoever asks for this name is let in to the broker, and no further: so clients see that the server answers the broker. */
export const statusUser = "_status";
/** Is let in like {@link statusUser} where people register by invitation: so those without one are told to ask for it. */
export const invitationUser = "_invitation";
/** RabbitMQ's pseudo-queue for direct replies (https://www.rabbitmq.com/docs/direct-reply-to). */
export const directReplies = "amq.rabbitmq.reply-to";

/** How long requests (those for files, too) and registrations may wait for a server, in milliseconds. */
export const requestTtlMs = 30_000;
export const registrationTtlMs = 10_000;

/** Limits keep a broker's memory whole when no server consumes; what goes beyond them is refused to its publisher. */
const requestLimits: Options.AssertQueue = {
  durable: true,
  messageTtl: requestTtlMs,
  maxLength: 20_000,
  overflow: "reject-publish",
  arguments: { "x-max-length-bytes": 64 * 1024 * 1024 },
};

/** Clients have a few chunks on their way each, and offer again what is refused. */
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
 * The window of what a session sends without acknowledgement, of deliveries and of replies, keeps its queue below this. It goes
 * with its consumer, or when it never had one, a minute after it was made.
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
 * Declares the exchanges and queues that all sessions share. One that exists with other properties is a channel error, `PRECONDITION_FAILED`. The
 * exchanges ignore routing keys: the broker returns what it cannot route to a publisher who asks for that (`mandatory`), and
 * keeps it in memory without a limit for one who does not read.
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
