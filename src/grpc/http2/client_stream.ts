import { decodeStatusMessage } from "./call_metadata.ts";
import type { Http2Connection } from "./connection.ts";
import { ErrorCode } from "./errors.ts";
import { GrpcStatus } from "./grpc_status.ts";
import { encodeHeaders } from "./header_encoder.ts";
import { type HeaderList, valueOf } from "./header_rules.ts";
import { frameMessage, MessageError, MessageReader } from "./messages.ts";
import type { Http2Stream } from "./stream.ts";

const knownCodes = new Set(Object.values(GrpcStatus).map(String));
/** Longest status text that is kept, in characters. */
const maxDetails = 2_000;

/** How a call ended: the status of the server, or UNAVAILABLE without one. */
export interface ReceivedStatus {
  /** `unknown` for a code that gRPC does not define. */
  readonly code: GrpcStatus;
  readonly details: string;
  /** Returns a field that came with the status, `:status` included. */
  metadata(name: string): string | undefined;
}

export interface ClientStreamOptions {
  /** "/package.Service/Method" */
  readonly path: string;
  readonly scheme: "http" | "https";
  readonly authority: string;
  /** Names in lowercase; values are printable ASCII, and never kept in tables of the peer. */
  readonly metadata?: readonly (readonly [name: string, value: string])[];
  /** Largest received message; the windows of the connection have room for it. */
  readonly maxMessageBytes: number;
  /** Called with each whole message, which is valid during the call. */
  onMessage(message: Uint8Array): void;
  /** The last event. */
  onEnd(status: ReceivedStatus): void;
}

/**
 * A client's call with any number of messages both ways
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 */
export class ClientStream {
  readonly #stream: Http2Stream;
  readonly #reader: MessageReader;
  readonly #options: ClientStreamOptions;
  #status: ReceivedStatus | undefined;
  #isPaused = false;
  /** Octets received during a pause. */
  #unreleased = 0;

  /** Begins the call. The connection must accept requests. */
  constructor(connection: Http2Connection, options: ClientStreamOptions) {
    this.#options = options;
    this.#reader = new MessageReader(options.maxMessageBytes);
    this.#stream = connection.request(encodeRequest(options), {
      onResponse: (list) => this.#recordStatus(list),
      onData: (bytes) => this.#onData(bytes),
      onEnd: (trailers) => this.#onEnd(trailers),
      onClose: (code) => options.onEnd(this.#status ?? callDropped(code)),
    });
  }

  send(message: Uint8Array): void {
    this.#stream.write(frameMessage(message));
  }

  /** Tells the server that no message follows. */
  endMessages(): void {
    this.#stream.end();
  }

  /** Cancels the call, which ends with `status`; UNAVAILABLE unless given. */
  cancel(status: ReceivedStatus | undefined = this.#status): void {
    this.#status = status;
    this.#stream.reset(ErrorCode.cancel);
  }

  /** Stops releasing octets, so that the server can send no more than its window. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#release(0);
  }

  #recordStatus(list: HeaderList): void {
    this.#status ??= statusIn(list);
  }

  #onData(bytes: Uint8Array): void {
    try {
      this.#reader.read(bytes, this.#options.onMessage);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      const code = error.kind === "too long" ? GrpcStatus.resourceExhausted : GrpcStatus.unknown;
      return this.cancel({ code, details: error.message, metadata: () => undefined });
    }
    this.#release(bytes.length);
  }

  #release(bytes: number): void {
    this.#unreleased += bytes;
    if (this.#isPaused || this.#unreleased === 0) return;
    const released = this.#unreleased;
    this.#unreleased = 0;
    this.#stream.release(released);
  }

  #onEnd(trailers: HeaderList | undefined): void {
    if (trailers !== undefined) this.#recordStatus(trailers);
    // The server does not want the rest of the request (RFC 9113, section 8.1).
    if (!this.#stream.localEnded) this.cancel();
  }
}

function encodeRequest({ path, scheme, authority, metadata = [] }: ClientStreamOptions): Uint8Array {
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

/** Returns the status in a header list: a call that failed at once has it in its first list. */
function statusIn(list: HeaderList): ReceivedStatus | undefined {
  const metadata = (name: string) => list.pseudo.get(name) ?? valueOf(list, name);
  const sent = metadata("grpc-status");
  if (sent !== undefined) {
    const code = knownCodes.has(sent) ? Number(sent) as GrpcStatus : GrpcStatus.unknown;
    return { code, details: decodeStatusMessage(metadata("grpc-message") ?? "").slice(0, maxDetails), metadata };
  }
  const http = metadata(":status");
  if (http === undefined || http === "200") return undefined;
  return { ...unavailable(`The peer answered with HTTP ${http}.`), metadata };
}

function callDropped(code: ErrorCode | undefined): ReceivedStatus {
  return unavailable(code === ErrorCode.refusedStream ? "The server accepts no calls now." : "Connection dropped");
}

/** Returns the status of a call that did not reach the server, or whose end was lost. */
export function unavailable(details: string): ReceivedStatus {
  return { code: GrpcStatus.unavailable, details, metadata: () => undefined };
}
