import { openAmqpTransport } from "./amqp_transport.ts";
import { runChatClient } from "./chat_client_command.ts";
import type { AmqpClientOptions } from "./client_options.ts";

/** Chats over a broker. @returns the exit code. @throws {ChatError} why it cannot, or had to end. */
export async function runAmqpClient(options: AmqpClientOptions): Promise<number> {
  return await runChatClient(await openAmqpTransport(options), options);
}
