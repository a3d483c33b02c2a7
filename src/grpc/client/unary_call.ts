import { CallError, callUnary, type UnaryCallOptions } from "../http2/client_call.ts";
import { GrpcStatus } from "../http2/grpc_status.ts";
import {
  type MessageType,
  type MethodName,
  pathOf,
  type RequestOf,
  type ResponseOf,
  type ServiceDefinition,
} from "../service_definition.ts";
import type { ServerConnection } from "./server_connection.ts";

/** A method with one message each way. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly request: Pick<MessageType<Request>, "encode">;
  readonly response: Pick<MessageType<Response>, "decode">;
}

/** Returns a method of a service for {@link callMethod}. */
export function unaryMethod<Service extends ServiceDefinition, Name extends MethodName<Service>>(
  service: Service,
  name: Name,
): UnaryMethod<RequestOf<Service["methods"][Name]>, ResponseOf<Service["methods"][Name]>> {
  const { requestType, responseType } = service.methods[name];
  return { path: pathOf(service, name), request: requestType, response: responseType };
}

export interface UnaryCall<Request, Response> extends Omit<UnaryCallOptions, "path" | "message" | "maxResponseBytes"> {
  readonly method: UnaryMethod<Request, Response>;
  readonly request: Request;
  readonly maxMessageBytes: number;
}

/** The options that all calls of a transport share. */
export type CallDefaults = Pick<UnaryCall<unknown, unknown>, "scheme" | "authority" | "maxMessageBytes">;

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
    if (!(error instanceof CallError) || options.signal?.aborted) throw error;
    throw new CallError(connection.explain(error.status));
  }
}
