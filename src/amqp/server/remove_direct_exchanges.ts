import type { Channel } from "amqplib";
import type { Log } from "../../core/log.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";
import { consumedByAnother } from "../connection/broker_errors.ts";
import { clientExchanges, requestQueue } from "../topology.ts";

/** RabbitMQ's error for declaring an exchange with another type. */
const isDirect = /inequivalent arg 'type'.*current is 'direct'/;

/**
 * Deletes the direct exchanges that older servers declared, because the type of an exchange cannot be changed. A
 * message published before the new ones exist closes its channel with 404, and its client reconnects.
 * @throws {ChatError} `already_exists` when a server uses them
 */
export async function removeDirectExchanges(connection: BrokerConnection, log: Log): Promise<void> {
  for (const exchange of clientExchanges) {
    try {
      await onChannel(connection, (channel) => channel.assertExchange(exchange, "fanout", { durable: true }));
    } catch (error) {
      // The declaration of the topology reports any other error.
      if (!isDirect.test(String(error))) return;
      if (await hasConsumer(connection)) throw consumedByAnother(requestQueue);
      log.warn("replacing a direct exchange of an older server; other bindings to it are lost", { exchange });
      await onChannel(connection, (channel) => channel.deleteExchange(exchange));
    }
  }
}

async function hasConsumer(connection: BrokerConnection): Promise<boolean> {
  try {
    const { consumerCount } = await onChannel(connection, (channel) => channel.checkQueue(requestQueue));
    return consumerCount > 0;
  } catch (error) {
    if (/\b404\b/.test(String(error))) return false;
    throw error;
  }
}

/**
 * Runs a task on its own channel, which an error of the broker closes. amqplib settles nothing when the connection is
 * lost meanwhile.
 */
async function onChannel<T>(connection: BrokerConnection, task: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await connection.channel(() => {});
  const lost = connection.lost.then((error) => Promise.reject(error));
  const result = await Promise.race([task(channel), lost]);
  await Promise.race([channel.close(), lost]);
  return result;
}
