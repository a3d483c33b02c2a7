import { amqpTransport } from "./amqp_server.ts";
import { grpcTransport } from "./grpc_server.ts";
import { runServer, type ServerEnd } from "./run_server.ts";
import type { ServeOptions } from "./server_options.ts";

/**
 * Serves one chat over gRPC and, with a broker, over AMQP until a signal arrives.
 * @throws {ChatError} if it cannot start or continue
 */
export async function runServe({ grpc, amqp, ...shared }: ServeOptions): Promise<ServerEnd> {
  const overGrpc = grpcTransport({ ...shared, ...grpc });
  if (amqp === undefined) return await runServer(shared, [overGrpc]);
  return await runServer(shared, [overGrpc, amqpTransport({ ...shared, ...amqp }, { beside: true })]);
}
