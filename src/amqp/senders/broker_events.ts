import { ChatError } from "../../core/chat_error.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";
import type { KnownChannels } from "./known_channels.ts";

const eventExchange = "amq.rabbitmq.event";
const eventKeys = ["queue.deleted", "channel.created", "channel.closed"] as const;
const maxWaitingEvents = 100_000;

export interface BrokerEventsOptions {
  readonly connection: BrokerConnection;
  /** Receives each channel that opens or closes. */
  readonly channels: KnownChannels;
  /** Called when a queue was deleted, for example with its connection. */
  onQueueDeleted(name: string): void;
  /** Called when no more events will arrive. */
  onFailed(error: ChatError): void;
}

/** Subscribes to the broker's events, if it has the plugin rabbitmq_event_exchange. */
export class BrokerEvents {
  readonly #options: BrokerEventsOptions;
  readonly #handlers: Readonly<Record<string, (headers: Record<string, unknown>) => void>> = {
    "queue.deleted": ({ name }) => {
      if (typeof name === "string") this.#options.onQueueDeleted(name);
    },
    "channel.created": ({ user, pid, connection, name }) => {
      const named = { id: String(connection), name: String(name).replace(/ \(\d+\)$/, "") };
      this.#options.channels.opened(numbersOf(pid), { user: String(user), connection: named });
    },
    "channel.closed": ({ pid }) => this.#options.channels.closed(numbersOf(pid)),
  };

  private constructor(options: BrokerEventsOptions) {
    this.#options = options;
  }

  /** Subscribes until the connection ends. @returns whether the broker has the plugin @throws amqplib's errors */
  static async watch(options: BrokerEventsOptions): Promise<boolean> {
    const { connection } = options;
    const trying = await connection.channel(() => {});
    try {
      await trying.checkExchange(eventExchange);
      // amqplib settles nothing when the connection is lost meanwhile.
      await Promise.race([trying.close(), connection.lost]);
    } catch {
      return false;
    }
    const events = new BrokerEvents(options);
    const channel = await connection.channel(options.onFailed);
    const { queue } = await channel.assertQueue("", { exclusive: true, maxLength: maxWaitingEvents });
    await Promise.all(eventKeys.map((key) => channel.bindQueue(queue, eventExchange, key)));
    await channel.consume(queue, (event) => {
      if (event === null) return options.onFailed(new ChatError("unavailable", "The queue of events was deleted."));
      events.#handlers[event.fields.routingKey]?.(event.properties.headers ?? {});
    }, { noAck: true });
    return true;
  }
}

/** Returns the numbers of a process id in an event, such as "<node@host.1795448032.912.0>", without the node. */
function numbersOf(pid: unknown): string {
  return String(pid).replace(/>$/, "").split(".").slice(-3).join(".");
}
