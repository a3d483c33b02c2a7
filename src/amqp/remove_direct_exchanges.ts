import type { Channel } from "amqplib";
import type { BrokerConnection } from "./broker_connection.ts";
import { clientExchanges } from "./topology.ts";

/** RabbitMQ's answer to a declaration of another type. */
const isDirect = /inequivalent arg 'type'.*current is 'direct'/;

/**
 * Deletes the direct exchanges that older servers declared, so that the topology can be declared: the type of an exchange cannot be
 * changed. Messages that are published before the new ones are declared end their channels with 404, and clients connect again.
 */
export async function removeDirectExchanges(connection: BrokerConnection): Promise<void> {
  for (const exchange of clientExchanges) {
    try {
      await onChannel(connection, (channel) => channel.assertExchange(exchange, "fanout", { durable: true }));
    } catch (error) {
      // Anything else is said where the topology is declared.
      if (!isDirect.test(String(error))) return;
      await onChannel(connection, (channel) => channel.deleteExchange(exchange));
    }
  }
}

/** An error of the broker closes the channel. With a connection that is lost meanwhile, amqplib says nothing. */
async function onChannel(connection: BrokerConnection, task: (channel: Channel) => Promise<unknown>): Promise<void> {
  const channel = await connection.channel(() => {});
  const lost = connection.lost.then((error) => Promise.reject(error));
  await Promise.race([task(channel), lost]);
  await Promise.race([channel.close(), lost]);
}
