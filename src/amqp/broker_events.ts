import { ChatError } from "../core/chat_error.ts";
import type { BrokerConnection } from "./broker_connection.ts";
import { processOf } from "./incoming.ts";
import { registrationUser } from "./topology.ts";

const eventExchange = "amq.rabbitmq.event";
const eventKeys = ["queue.deleted", "channel.created", "channel.closed"] as const;
const maxWaitingEvents = 100_000;
/** Channels of strangers that are remembered: more than can be open at once. */
const maxChannels = 10_000;
/** How long the broker may take to tell of a channel that a message came from, in milliseconds. */
const eventDeadlineMs = 5_000;

/** A connection to the broker. */
export interface StrangersConnection {
  /** Of one connection only, for as long as the broker runs. */
  readonly id: string;
  /** As its lists have it; another connection may have it later. */
  readonly name: string;
}

export interface BrokerEventsOptions {
  readonly connection: BrokerConnection;
  /** Somebody's connection took their queue along. */
  queueDeleted(name: string): void;
  /** No more events come. */
  failed(error: ChatError): void;
}

/** What the broker tells of itself, where it has the plugin rabbitmq_event_exchange. */
export class BrokerEvents {
  readonly #options: BrokerEventsOptions;
  /** By the process of a channel. */
  readonly #strangers = new Map<string, StrangersConnection>();
  readonly #waiting = new Map<string, ((connection: StrangersConnection) => void)[]>();
  readonly #handlers: Readonly<Record<string, (headers: Record<string, unknown>) => void>> = {
    "queue.deleted": ({ name }) => {
      if (typeof name === "string") this.#options.queueDeleted(name);
    },
    "channel.created": ({ user, pid, connection, name }) => {
      if (user !== registrationUser) return;
      this.#remember(numbersOf(pid), { id: String(connection), name: String(name).replace(/ \(\d+\)$/, "") });
    },
    "channel.closed": ({ pid }) => void this.#strangers.delete(numbersOf(pid)),
  };

  private constructor(options: BrokerEventsOptions) {
    this.#options = options;
  }

  /** @returns undefined when the broker does not have the plugin. @throws amqplib's errors */
  static async watch(options: BrokerEventsOptions): Promise<BrokerEvents | undefined> {
    const { connection } = options;
    const trying = await connection.channel(() => {});
    try {
      await trying.checkExchange(eventExchange);
      // With a connection that is lost meanwhile, amqplib says nothing.
      await Promise.race([trying.close(), connection.lost]);
    } catch {
      return undefined;
    }
    const events = new BrokerEvents(options);
    const channel = await connection.channel(options.failed);
    const { queue } = await channel.assertQueue("", { exclusive: true, maxLength: maxWaitingEvents });
    await Promise.all(eventKeys.map((key) => channel.bindQueue(queue, eventExchange, key)));
    await channel.consume(queue, (event) => {
      if (event === null) return options.failed(new ChatError("unavailable", "The queue of events was deleted."));
      events.#handlers[event.fields.routingKey]?.(event.properties.headers ?? {});
    }, { noAck: true });
    return events;
  }

  /** The stranger's connection that an address for direct replies belongs to; undefined when the broker does not tell. */
  async strangerAt(replyTo: string): Promise<StrangersConnection | undefined> {
    const process = processOf(replyTo);
    const known = this.#strangers.get(process);
    if (known !== undefined) return known;
    const { promise, resolve } = Promise.withResolvers<StrangersConnection | undefined>();
    const told = this.#waiting.get(process);
    if (told === undefined) this.#waiting.set(process, [resolve]);
    else told.push(resolve);
    const timer = setTimeout(() => resolve(undefined), eventDeadlineMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(process);
    }
  }

  #remember(process: string, connection: StrangersConnection): void {
    this.#strangers.set(process, connection);
    const [oldest] = this.#strangers.keys();
    if (this.#strangers.size > maxChannels) this.#strangers.delete(oldest);
    this.#waiting.get(process)?.forEach((told) => told(connection));
  }
}

/** "<node@host.1795448032.912.0>", as events name a process, without the node. */
function numbersOf(pid: unknown): string {
  return String(pid).replace(/>$/, "").split(".").slice(-3).join(".");
}
