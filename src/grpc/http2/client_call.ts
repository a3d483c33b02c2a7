import { decodeStatusMessage } from "./call_metadata.ts";
import type { Http2Connection } from "./connection.ts";
import { ErrorCode } from "./errors.ts";
import { encodeHeaders } from "./header_encoder.ts";
import { type HeaderList, valueOf } from "./header_rules.ts";
import { frameMessage, MessageError, MessageReader } from "./messages.ts";
import type { Http2Stream } from "./stream.ts";

/** Status codes of gRPC that this layer gives by itself (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md). */
const Status = { ok: 0, unknown: 2, unavailable: 14 } as const;
/** The largest code that is known; servers that say another mean "unknown". */
const maxStatus = 16;
/** Longest text of a status that is kept, in characters. */
const maxDetails = 1_000;

/** A call did not succeed. */
export class CallError extends Error {
  override readonly name = "CallError";
  /** @param code a status code of gRPC: as the server said, or 14 (UNAVAILABLE) when it said none */
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
  const { message, maxResponseBytes, signal } = options;
  if (signal?.aborted) return Promise.reject(cancelled());
  if (!connection.takesRequests) return Promise.reject(unavailable("The connection takes no calls."));
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const answer = new Answer(maxResponseBytes);
  const stream: Http2Stream = connection.request(encodeRequest(options), {
    onResponse: (list) => answer.readStatus(list),
    onData: (bytes) => {
      answer.read(bytes);
      if (answer.isUseless) stream.reset(ErrorCode.cancel);
      else stream.release(bytes.length);
    },
    onEnd: (trailers) => {
      if (trailers !== undefined) answer.readStatus(trailers);
      // The server does not want the rest of the request (RFC 9113, section 8.1).
      if (!stream.localEnded) stream.reset(ErrorCode.cancel);
    },
    onClose: () => {
      signal?.removeEventListener("abort", cancel);
      const result = answer.result();
      if (result instanceof CallError) reject(result);
      else resolve(result);
    },
  });
  const cancel = () => {
    answer.fail(cancelled());
    stream.reset(ErrorCode.cancel);
  };
  signal?.addEventListener("abort", cancel, { once: true });
  stream.write(frameMessage(message));
  stream.end();
  return promise;
}

function encodeRequest({ path, scheme, authority, metadata = [] }: UnaryCallOptions): Uint8Array {
  return encodeHeaders([
    [":method", "POST"],
    [":scheme", scheme],
    [":path", path],
    [":authority", authority],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
    ...metadata,
  ], { secret: new Set(metadata.map(([name]) => name)) });
}

/** The answer to a call, as far as it has come: one message and a status. Holds one message at most. */
class Answer {
  readonly #reader: MessageReader;
  #message: Uint8Array | undefined;
  #status: CallError | "ok" | undefined;

  constructor(maxBytes: number) {
    this.#reader = new MessageReader(maxBytes);
  }

  /** The call has failed already, whatever else comes. */
  get isUseless(): boolean {
    return this.#status instanceof CallError;
  }

  fail(error: CallError): void {
    this.#status = error;
  }

  read(bytes: Uint8Array): void {
    try {
      this.#reader.read(bytes, (message) => {
        if (this.#message !== undefined) this.fail(unavailable("The answer has more than one message."));
        else this.#message = message.slice();
      });
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.fail(unavailable(error.message));
    }
  }

  /** A call that failed at once says its status in its first list. */
  readStatus(list: HeaderList): void {
    this.#status ??= statusIn(list);
  }

  /** Returns what the call came to; call it when no more comes. */
  result(): Uint8Array | CallError {
    if (this.#status === undefined) return unavailable("The call was broken off.");
    if (this.#status instanceof CallError) return this.#status;
    return this.#message ?? unavailable("The call succeeded, and has no answer.");
  }
}

function statusIn(list: HeaderList): CallError | "ok" | undefined {
  const said = valueOf(list, "grpc-status");
  if (said === String(Status.ok)) return "ok";
  if (said !== undefined) {
    const isKnown = /^[1-9][0-9]?$/.test(said) && Number(said) <= maxStatus;
    const details = decodeStatusMessage(valueOf(list, "grpc-message") ?? "").slice(0, maxDetails);
    return new CallError(isKnown ? Number(said) : Status.unknown, details);
  }
  const http = list.pseudo.get(":status");
  return http === undefined || http === "200" ? undefined : unavailable(`The peer answered with HTTP ${http}.`);
}

function cancelled(): CallError {
  return unavailable("The call was cancelled.");
}

function unavailable(message: string): CallError {
  return new CallError(Status.unavailable, message);
}
