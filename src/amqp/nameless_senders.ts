import type { ConsumeMessage } from "amqplib";
import type { Log } from "../core/log.ts";
import { pause } from "../core/pause.ts";
import type { BrokerConnection } from "./broker_connection.ts";
import { clientExchanges, registrationUser } from "./topology.ts";

/** RabbitMQ's exchange for copies of what is published (https://www.rabbitmq.com/docs/firehose). */
const traceExchange = "amq.rabbitmq.trace";
/** Copies that are looked at, how long they are waited for, and the rest between two looks, in milliseconds. */
const samples = 50;
const lookMs = 2_000;
const restMs = 1_000;

export interface NamelessSendersOptions {
  readonly connection: BrokerConnection;
  readonly log: Log;
  /** Has the broker copy what is published while `look` runs. @returns whether it did */
  whileTracing(look: () => Promise<void>): Promise<boolean>;
  kick(target: { user: string }): void;
  closeConnection(name: string): void;
}

/**
 * Finds out who sends messages without a `user_id`. A message does not say it, but a trace of the broker does: it is
 * switched on for a moment, as it costs the broker something at each message.
 */
export class NamelessSenders {
  readonly #options: NamelessSendersOptions;
  #isLooking = false;

  constructor(options: NamelessSendersOptions) {
    this.#options = options;
  }

  /** Throws them off the broker. One look at a time, and then a rest. Never throws. */
  find(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#find().finally(() => this.#isLooking = false);
  }

  async #find(): Promise<void> {
    const { whileTracing, connection, log } = this.#options;
    try {
      await whileTracing(() => this.#look());
    } catch (error) {
      if (connection.isOpen) log.warn("who sends messages without a user_id cannot be found out", { error });
    }
    const lost = new AbortController();
    void connection.lost.then(() => lost.abort());
    await pause(restMs, lost.signal);
  }

  /** @throws amqplib's errors */
  async #look(): Promise<void> {
    const { connection } = this.#options;
    const over = new AbortController();
    void connection.lost.then(() => over.abort());
    const users = new Set<string>();
    const strangers = new Set<string>();
    let seen = 0;
    const channel = await connection.channel(() => over.abort());
    // What is not acknowledged bounds how many copies come.
    await channel.prefetch(samples);
    const { queue } = await channel.assertQueue("", { exclusive: true, autoDelete: true, maxLength: 1 });
    for (const exchange of clientExchanges) {
      await channel.bindQueue(queue, traceExchange, `publish.${exchange}`);
    }
    await channel.consume(queue, (copy) => {
      if (copy === null || ++seen >= samples) over.abort();
      const sender = copy === null ? undefined : namelessSender(copy);
      if (sender?.user === registrationUser) strangers.add(sender.connection);
      else if (sender !== undefined) users.add(sender.user);
    });
    await pause(lookMs, over.signal);
    if (!connection.isOpen) return;
    await Promise.race([channel.close(), connection.lost]);
    this.#throwOff(users, strangers);
  }

  #throwOff(users: ReadonlySet<string>, strangers: ReadonlySet<string>): void {
    const { kick, closeConnection, log } = this.#options;
    if (users.size + strangers.size > 0) {
      log.warn("messages without a user_id", { users: [...users], strangers: [...strangers] });
    }
    for (const user of users) kick({ user });
    for (const connection of strangers) closeConnection(connection);
  }
}

function namelessSender({ properties }: ConsumeMessage): { user: string; connection: string } | undefined {
  const { user, connection, properties: traced } = properties.headers ?? {};
  if (typeof user !== "string" || traced?.user_id !== undefined) return undefined;
  return { user, connection: String(connection) };
}
