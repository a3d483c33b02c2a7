import { decodeStatusMessage } from "./call_metadata.ts";
import type { Http2Connection } from "./connection.ts";
import { ErrorCode } from "./errors.ts";
import { encodeHeaders } from "./header_encoder.ts";
import { type HeaderList, valueOf } from "./header_rules.ts";
import { frameMessage, MessageError, MessageReader } from "./messages.ts";
import type { Http2Stream } from "./stream.ts";

/** Status code of gRPC for what no server said. */
const unavailable = 14;

/** A call did not succeed. */
export class CallError extends Error {
  override readonly name = "CallError";
  /** @param code a status code of gRPC: as the server said, or 14 (unavailable) when it said none */
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

export interface UnaryCallOptions {
  /** "/package.Service/Method" */
  readonly path: string;
  readonly scheme: "http" | "https";
  readonly authority: string;
  /** Names in lowercase; values are printable ASCII, and never kept in tables of the peer. */
  readonly metadata?: readonly (readonly [name: string, value: string])[];
  readonly message: Uint8Array;
  readonly maxResponseBytes: number;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

/** Makes one call with one message and one answer. @throws {CallError} */
export function callUnary(connection: Http2Connection, options: UnaryCallOptions): Promise<Uint8Array> {
  const { path, scheme, authority, metadata = [], message, maxResponseBytes, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  if (signal?.aborted) return Promise.reject(new CallError(unavailable, "The call was cancelled."));
  if (!connection.takesRequests) return Promise.reject(new CallError(unavailable, "The connection is closed."));
  const reader = new MessageReader(maxResponseBytes);
  let answer: Uint8Array | undefined;
  let status: CallError | "ok" | undefined;
  const settle = () => {
    if (status === "ok" && answer !== undefined) resolve(answer);
    else reject(status instanceof CallError ? status : new CallError(unavailable, "The call was broken off."));
  };
  const hear = (list: HeaderList) => status ??= statusIn(list);
  const block = encodeHeaders([
    [":method", "POST"],
    [":scheme", scheme],
    [":path", path],
    [":authority", authority],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
    ...metadata,
  ], { secret: new Set(metadata.map(([name]) => name)) });
  const stream: Http2Stream = connection.request(block, {
    onResponse: hear,
    onData: (bytes) => {
      try {
        reader.read(bytes, (whole) => {
          answer ??= whole.slice();
        });
      } catch (error) {
        if (!(error instanceof MessageError)) throw error;
        status = new CallError(unavailable, error.message);
        return stream.reset(ErrorCode.cancel);
      }
      stream.release(bytes.length);
    },
    onEnd: (trailers) => void (trailers && hear(trailers)),
    onClose: () => {
      signal?.removeEventListener("abort", abort);
      settle();
    },
  });
  const abort = () => {
    status = new CallError(unavailable, "The call was cancelled.");
    stream.reset(ErrorCode.cancel);
  };
  signal?.addEventListener("abort", abort, { once: true });
  stream.write(frameMessage(message));
  stream.end();
  return promise;
}

/** Returns what a header list says of the status: a call that failed at once says it in its first list. */
function statusIn(list: HeaderList): CallError | "ok" | undefined {
  const said = valueOf(list, "grpc-status");
  if (said === "0") return "ok";
  if (said !== undefined) {
    const code = /^[0-9]{1,2}$/.test(said) ? Number(said) : unavailable;
    return new CallError(code, decodeStatusMessage(valueOf(list, "grpc-message") ?? "").slice(0, 1_000));
  }
  const http = list.pseudo.get(":status");
  return http === undefined || http === "200"
    ? undefined
    : new CallError(unavailable, `The peer answered with HTTP ${http}.`);
}
