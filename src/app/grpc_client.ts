import { runChatClient } from "./chat_client_command.ts";
import type { GrpcClientOptions } from "./client_options.ts";
import { openGrpcTransport } from "./grpc_transport.ts";

/** Chats over gRPC. @returns the exit code. @throws {ChatError} why it cannot, or had to end. */
export async function runGrpcClient(options: GrpcClientOptions): Promise<number> {
  return await runChatClient(await openGrpcTransport(options), options);
}
