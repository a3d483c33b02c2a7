import { ClientStream, type ClientStreamOptions, type ReceivedStatus, unavailable } from "./client_stream.ts";
import type { Http2Connection } from "./connection.ts";
import { GrpcStatus } from "./grpc_status.ts";

/** A call that did not succeed. */
export class CallError extends Error {
  override readonly name = "CallError";
  constructor(readonly status: ReceivedStatus) {
    super(status.details);
  }
}

export interface UnaryCallOptions extends Pick<ClientStreamOptions, "path" | "scheme" | "authority" | "metadata"> {
  readonly message: Uint8Array;
  readonly maxResponseBytes: number;
  /** Time for the server, in milliseconds; without it, until the signal aborts. */
  readonly deadlineMs?: number;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

/**
 * Makes a call with one request message and one response message.
 * @throws {CallError}
 *
 * @example
 * ```ts
 * import { ServerConnection } from "../client/server_connection.ts";
 *
 * const server = await ServerConnection.open({ host: "127.0.0.1", port: 50051, maxMessageBytes: 65_536 });
 * const answer = await callUnary(server.http2, {
 *   path: "/chatd.v1.ChatService/WhoAmI",
 *   scheme: "http",
 *   authority: "127.0.0.1:50051",
 *   metadata: [["authorization", `Bearer ${Deno.env.get("TOKEN")}`]],
 *   message: new Uint8Array(),
 *   maxResponseBytes: 65_536,
 *   deadlineMs: 5_000,
 * });
 * console.log(answer.length);
 * server.close();
 * ```
 */
export function callUnary(connection: Http2Connection, options: UnaryCallOptions): Promise<Uint8Array> {
  const { message, maxResponseBytes, deadlineMs, signal, metadata = [], ...rest } = options;
  const cancelled = unavailable("The call was cancelled.");
  if (signal?.aborted) return Promise.reject(new CallError(cancelled));
  if (!connection.takesRequests) return Promise.reject(new CallError(unavailable("The server accepts no calls now.")));
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  let answer: Uint8Array | undefined;
  const call = new ClientStream(connection, {
    ...rest,
    metadata: deadlineMs === undefined ? metadata : [...metadata, ["grpc-timeout", `${deadlineMs}m`]],
    maxMessageBytes: maxResponseBytes,
    onMessage(bytes) {
      if (answer === undefined) answer = bytes.slice();
      else call.cancel(unavailable("The answer has more than one message."));
    },
    onEnd(status) {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
      if (status.code !== GrpcStatus.ok) reject(new CallError(status));
      else if (answer === undefined) reject(new CallError(unavailable("The call succeeded without an answer.")));
      else resolve(answer);
    },
  });
  const cancel = () => call.cancel(cancelled);
  const timer = deadlineMs === undefined ? undefined : setTimeout(() => call.cancel(overdue(deadlineMs)), deadlineMs);
  signal?.addEventListener("abort", cancel, { once: true });
  call.send(message);
  call.endMessages();
  return promise;
}

function overdue(deadlineMs: number): ReceivedStatus {
  const details = `There was no answer within ${deadlineMs / 1_000} s.`;
  return { code: GrpcStatus.deadlineExceeded, details, metadata: () => undefined };
}
