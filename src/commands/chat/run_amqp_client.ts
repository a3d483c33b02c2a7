import { openAmqpTransport } from "../../app/client/amqp_transport.ts";
import type { AmqpClientOptions } from "../../app/client/client_options.ts";
import { runChatClient } from "./run_chat_client.ts";

/** Chats over a broker. @returns the exit code. @throws {ChatError} if it cannot start or continue */
export async function runAmqpClient(options: AmqpClientOptions): Promise<number> {
  return await runChatClient(await openAmqpTransport(options), options);
}
