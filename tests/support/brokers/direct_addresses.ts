import { directReplies } from "../../../src/amqp/topology.ts";
import { connectAs } from "./amqp_user.ts";

/**
 * An address for direct replies that a broker gave out, with its key. Its channel is closed when this returns.
 * @param brokerUrl of a user of the broker that may declare queues
 */
export async function genuineAddress(brokerUrl: string): Promise<string> {
  await using own = await connectAs(brokerUrl);
  const channel = await own.model.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  const found = Promise.withResolvers<string>();
  await channel.consume(queue, (message) => found.resolve(message!.properties.replyTo), { noAck: true });
  await channel.consume(directReplies, () => {}, { noAck: true });
  channel.publish("", queue, Buffer.alloc(0), { replyTo: directReplies });
  return await found.promise;
}

/** The same address with the name of a process that no broker has. @param number from 1 on, for another one each */
export function impossibleAddress(genuine: string, number = 1): string {
  const [name, key] = genuine.slice(directReplies.length + 1).split(".");
  const process = Buffer.from(name, "base64");
  process.writeUInt32BE(2 ** 32 - number, process.length - 12);
  return `${directReplies}.${process.toString("base64")}.${key}`;
}
