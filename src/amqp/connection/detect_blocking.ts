import { Buffer } from "node:buffer";
import type { Channel } from "amqplib";
import type { BrokerConnection } from "./broker_connection.ts";

/** Interval of the messages, in milliseconds. */
const intervalMs = 1_000;
/** No queue has this name, so the broker drops the messages. */
const nowhere = "chatd.canary";

/**
 * Publishes an empty message every second until the connection is lost, except while it is blocked. RabbitMQ reports a
 * lack of memory or disk only to connections that publish (https://www.rabbitmq.com/docs/connection-blocked). An idle
 * server does not: it receives no requests during the alarm.
 */
export function detectBlocking(connection: BrokerConnection, channel: Channel): void {
  const timer = setInterval(() => {
    if (!connection.isOpen || connection.isBlocked) return;
    try {
      channel.publish("", nowhere, Buffer.alloc(0));
    } catch {
      // The channel closed meanwhile, and its owner is notified.
    }
  }, intervalMs);
  void connection.lost.then(() => clearInterval(timer));
}
