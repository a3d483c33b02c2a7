import { Buffer } from "node:buffer";
import type { Channel } from "amqplib";
import type { BrokerConnection } from "./broker_connection.ts";

/** Between two messages, in milliseconds. */
const intervalMs = 1_000;
/** No queue has this name, so the broker drops the messages. */
const nowhere = "chatd.canary";

/**
 * Publishes an empty message every second until the connection is lost, and none while it is blocked. RabbitMQ tells a connection
 * of a lack of memory or disk only when it publishes (https://www.rabbitmq.com/docs/connection-blocked), which an idle server
 * does not: during the alarm no request arrives that it could answer.
 */
export function hearBlocked(connection: BrokerConnection, channel: Channel): void {
  const timer = setInterval(() => {
    if (!connection.isOpen || connection.isBlocked) return;
    try {
      channel.publish("", nowhere, Buffer.alloc(0));
    } catch {
      // The channel closed meanwhile, which its owner hears of.
    }
  }, intervalMs);
  void connection.lost.then(() => clearInterval(timer));
}
