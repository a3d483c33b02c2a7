import { Buffer } from "node:buffer";
import type { ServerConnection } from "./server_connection.ts";
import { ClientStream, type ReceivedStatus } from "./http2/client_stream.ts";

/** A method with one message each way. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly request: { encode(request: Request): { finish(): Uint8Array } };
  readonly response: { decode(bytes: Uint8Array): Response };
}

export interface UnaryCall<Request, Response> {
  readonly method: UnaryMethod<Request, Response>;
  readonly request: Request;
  readonly scheme: "http" | "https";
  readonly authority: string;
  readonly metadata?: readonly (readonly [name: string, value: string])[];
  readonly maxMessageBytes: number;
  /** How long the server has, in milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** A call did not succeed. */
export class UnaryCallError extends Error {
  override readonly name = "UnaryCallError";
  constructor(readonly status: ReceivedStatus) {
    super(status.details);
  }
}

/** Makes a call. @throws {UnaryCallError} */
export async function callMethod<Request, Response>(
  connection: ServerConnection,
  { method, request, deadlineMs, signal, ...options }: UnaryCall<Request, Response>,
): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  let answer: Uint8Array | undefined;
  if (!connection.http2.takesRequests) throw new UnaryCallError(unavailable("Connection dropped"));
  const call = new ClientStream(connection.http2, {
    ...options,
    path: method.path,
    metadata: [...options.metadata ?? [], ["grpc-timeout", `${deadlineMs}m`]],
    onMessage: (message) => answer ??= Buffer.from(message),
    onEnd(status) {
      if (status.code === 0 && answer !== undefined) resolve(answer);
      else reject(new UnaryCallError(status.code === 0 ? unavailable("The answer has no message.") : status));
    },
  });
  const cancel = () => call.cancel();
  const timer = setTimeout(cancel, deadlineMs);
  signal?.addEventListener("abort", cancel, { once: true });
  call.send(method.request.encode(request).finish());
  call.endMessages();
  if (signal?.aborted) cancel();
  try {
    return decode<Response>(method, await promise);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  }
}

function decode<Response>({ response }: UnaryMethod<never, Response>, bytes: Uint8Array): Response {
  try {
    return response.decode(bytes);
  } catch {
    throw new UnaryCallError({ code: 13, details: "The answer is malformed.", metadata: () => undefined });
  }
}

/** Returns the status of a call that reached no server. */
export function unavailable(details: string): ReceivedStatus {
  return { code: 14, details, metadata: () => undefined };
}
