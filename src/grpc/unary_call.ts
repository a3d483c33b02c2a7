import { CallError, callUnary, type UnaryCallOptions } from "./http2/client_call.ts";
import { unavailable } from "./http2/client_stream.ts";
import { GrpcStatus } from "./http2/grpc_status.ts";
import type { ServerConnection } from "./server_connection.ts";

/** A method with one message each way. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly request: { encode(request: Request): { finish(): Uint8Array } };
  readonly response: { decode(bytes: Uint8Array): Response };
}

export interface UnaryCall<Request, Response> extends Omit<UnaryCallOptions, "path" | "message" | "maxResponseBytes"> {
  readonly method: UnaryMethod<Request, Response>;
  readonly request: Request;
  readonly maxMessageBytes: number;
}

/** Makes a call. @throws {CallError} */
export async function callMethod<Request, Response>(
  connection: ServerConnection,
  { method, request, maxMessageBytes, ...options }: UnaryCall<Request, Response>,
): Promise<Response> {
  const answer = await call(connection, {
    ...options,
    path: method.path,
    message: method.request.encode(request).finish(),
    maxResponseBytes: maxMessageBytes,
  });
  try {
    return method.response.decode(answer);
  } catch {
    const details = "The answer is malformed.";
    throw new CallError({ code: GrpcStatus.internal, details, metadata: () => undefined });
  }
}

async function call(connection: ServerConnection, options: UnaryCallOptions): Promise<Uint8Array> {
  try {
    return await callUnary(connection.http2, options);
  } catch (error) {
    const isBrokenOff = error instanceof CallError && error.status.code === GrpcStatus.unavailable;
    if (!isBrokenOff || !connection.brokeRules) throw error;
    const how = options.scheme === "http" ? "without TLS" : "over TLS";
    throw new CallError(unavailable(`HTTP/2 is not spoken there ${how}`));
  }
}
