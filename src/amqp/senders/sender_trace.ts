import type { ConsumeMessage } from "amqplib";
import type { Log } from "../../core/log.ts";
import { pause } from "../../core/pause.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";
import { isUndecodable } from "../connection/header_frames.ts";
import { clientExchanges, registrationExchange, registrationUser } from "../topology.ts";
import type { KnownChannels } from "./known_channels.ts";

/** RabbitMQ's exchange for copies of published messages (https://www.rabbitmq.com/docs/firehose). */
const traceExchange = "amq.rabbitmq.trace";
/** Copies of one trace; its duration and the pause after it, in milliseconds. */
export const maxCopies = 50;
export const traceMs = 2_000;
const restMs = 1_000;
/** Messages of one stranger's connection in one trace: it may send one registration, and repeat it. */
export const maxOfStranger = 5;

export interface SenderTraceOptions {
  readonly connection: BrokerConnection;
  readonly channels: Pick<KnownChannels, "at" | "isEmpty">;
  readonly log: Log;
  /** Makes the broker copy published messages while `task` runs. @returns whether it ran */
  whileTracing(task: () => Promise<void>): Promise<boolean>;
  kick(target: { user: string }): void;
  closeConnection(name: string): void;
}

/**
 * Finds the senders of messages that do not identify them: those without a `user_id`, and those of strangers, who share
 * one name. The broker's trace names the connection of each message. It runs only briefly, as it slows the broker down.
 */
export class SenderTrace {
  readonly #options: SenderTraceOptions;
  #isRunning = false;

  constructor(options: SenderTraceOptions) {
    this.#options = options;
  }

  /**
   * Closes the connections of offenders. Traces do not overlap, and a pause follows each. Never throws.
   * @param sender the `user_id` of an offending message, "" without one
   */
  findOffenders(sender: string): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const exchanges = sender === registrationUser ? [registrationExchange] : clientExchanges;
    void this.#findOffenders(exchanges).finally(() => this.#isRunning = false);
  }

  async #findOffenders(exchanges: readonly string[]): Promise<void> {
    const { whileTracing, connection, log } = this.#options;
    try {
      await whileTracing(() => this.#trace(exchanges));
    } catch (error) {
      if (connection.isOpen) log.warn("cannot trace the senders of messages", { error });
    }
    const lost = new AbortController();
    void connection.lost.then(() => lost.abort());
    await pause(restMs, lost.signal);
  }

  /** Collects copies and closes the offenders. @throws amqplib's errors */
  async #trace(exchanges: readonly string[]): Promise<void> {
    const { connection } = this.#options;
    const over = new AbortController();
    void connection.lost.then(() => over.abort());
    const copies: ConsumeMessage[] = [];
    const channel = await connection.channel(() => over.abort());
    // The copies are never acknowledged, which limits how many the broker sends.
    await channel.prefetch(maxCopies);
    const { queue } = await channel.assertQueue("", { exclusive: true, autoDelete: true, maxLength: 1 });
    for (const exchange of exchanges) await channel.bindQueue(queue, traceExchange, `publish.${exchange}`);
    await channel.consume(queue, (copy) => {
      if (copy !== null) copies.push(copy);
      if (copy === null || copies.length >= maxCopies) over.abort();
    });
    await pause(traceMs, over.signal);
    if (!connection.isOpen) return;
    this.#disconnect(copies);
    // The broker takes seconds to write a copy with tables nested thousands deep, and closes the channel only then.
    const closed = new AbortController();
    await Promise.race([channel.close(), connection.lost, pause(traceMs, closed.signal)]);
    closed.abort();
  }

  #disconnect(copies: readonly ConsumeMessage[]): void {
    const { kick, closeConnection, log } = this.#options;
    const { users, strangers } = offenders(copies, this.#options);
    if (users.size + strangers.size > 0) {
      log.warn("closing the connections that a trace found", { users: [...users], strangers: [...strangers] });
    }
    for (const user of users) kick({ user });
    for (const connection of strangers) closeConnection(connection);
  }
}

/**
 * Returns the offenders among the senders of traced messages: users by name, strangers by the name of their connection.
 */
export function offenders(
  copies: readonly ConsumeMessage[],
  { channels }: Pick<SenderTraceOptions, "channels">,
): { users: Set<string>; strangers: Set<string> } {
  const users = new Set<string>();
  const strangers = new Set<string>();
  const counts = new Map<string, number>();
  for (const { properties } of copies) {
    const { user, connection, properties: published = {} } = properties.headers ?? {};
    if (typeof user !== "string" || typeof connection !== "string") continue;
    const isUnreadable = isUndecodable(properties);
    const isNameless = published.user_id === undefined && !isUnreadable;
    if (user !== registrationUser) {
      if (isNameless || isUnreadable) users.add(user);
      continue;
    }
    const count = (counts.get(connection) ?? 0) + 1;
    counts.set(connection, count);
    const replyTo: unknown = published.reply_to;
    const isForged = typeof replyTo === "string" && !channels.isEmpty &&
      channels.at(replyTo)?.connection.name !== connection;
    if (isNameless || isUnreadable || isForged || count > maxOfStranger) strangers.add(connection);
  }
  return { users, strangers };
}
