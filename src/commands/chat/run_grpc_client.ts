import type { GrpcClientOptions } from "../../app/client/client_options.ts";
import { openGrpcTransport } from "../../app/client/grpc_transport.ts";
import { runChatClient } from "./run_chat_client.ts";

/** Chats over gRPC. @returns the exit code. @throws {ChatError} if it cannot start or continue */
export async function runGrpcClient(options: GrpcClientOptions): Promise<number> {
  return await runChatClient(await openGrpcTransport(options), options);
}
