import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { type ReceivedStatus, unavailable } from "../http2/client_stream.ts";
import type { Http2Connection } from "../http2/connection.ts";
import { initialWindow } from "../http2/flow_window.ts";
import { GrpcStatus } from "../http2/grpc_status.ts";
import { connectOver } from "../http2/socket_transport.ts";
import { noAnswerReason } from "./connect_reason.ts";
import type { GrpcTransportOptions } from "./transport_options.ts";
import { UnverifiedTls } from "./unverified_tls.ts";

export interface ServerConnectionOptions extends Pick<GrpcTransportOptions, "host" | "port"> {
  /** Without it, the connection is not encrypted. */
  tls?: GrpcTransportOptions["tls"] | UnverifiedTls;
  /** Largest received message, in octets. */
  maxMessageBytes: number;
  /** Aborts the attempt to connect. */
  signal?: AbortSignal;
}

/** Time to connect, including the TLS handshake, in milliseconds: the same as in grpc-js. */
const connectDeadlineMs = 20_000;
/** Interval of pings, and time for an answer, in milliseconds. */
const keepaliveMs = 10_000;
/** Concurrent calls. */
const maxCalls = 8;

/** An HTTP/2 connection to a server, kept alive by pings. Closed by its opener. */
export class ServerConnection {
  readonly http2: Http2Connection;
  readonly #socket: Socket;
  readonly #keepalive: ReturnType<typeof setInterval>;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #failure: string | undefined;
  #isClosing = false;

  private constructor(socket: Socket, { maxMessageBytes, tls }: ServerConnectionOptions) {
    // An incomplete message stays unreleased.
    const window = Math.max(initialWindow, 2 * (maxMessageBytes + 5));
    this.#socket = socket;
    this.http2 = connectOver(socket, {
      role: "client",
      limits: {
        maxStreams: maxCalls,
        streamWindow: window,
        connectionWindow: window * 2,
        maxHeaderListBytes: 16_384,
      },
      onFault(error) {
        throw error;
      },
      onClosed: (error) => {
        if (error !== undefined) {
          this.#failure ??= this.http2.hasPeerSettings
            ? `HTTP/2 failed: ${error.message}`
            : `it does not speak HTTP/2${tls === undefined ? " without TLS" : ""}`;
        }
        this.#stop();
      },
    });
    socket.on("error", (error) => this.#failure ??= error.message);
    this.#keepalive = setInterval(() => this.#ping(), keepaliveMs);
  }

  /** Connects. @throws {Error} the reason; nothing is left open */
  static async open(options: ServerConnectionOptions): Promise<ServerConnection> {
    return new ServerConnection(await dial(options), options);
  }

  /** Returns the status of a call, with the reason why the connection ended if that ended the call. */
  explain(status: ReceivedStatus): ReceivedStatus {
    if (this.#isClosing || !isDropped(status)) return status;
    const reason = this.#failure ?? (this.http2.hasPeerSettings ? undefined : noAnswerReason);
    return reason === undefined ? status : unavailable(reason);
  }

  close(): void {
    this.#isClosing = true;
    this.http2.close();
    this.#stop();
  }

  #ping(): void {
    this.#deadline ??= setTimeout(() => this.#socket.destroy(), keepaliveMs);
    this.http2.ping(() => {
      clearTimeout(this.#deadline);
      this.#deadline = undefined;
    });
  }

  #stop(): void {
    clearInterval(this.#keepalive);
    clearTimeout(this.#deadline);
  }
}

function dial({ host, port, tls, signal }: ServerConnectionOptions): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  if (signal?.aborted) return Promise.reject(signal.reason);
  const target = { host, port, allowHalfOpen: true };
  const socket = tls === undefined
    ? connectTcp(target)
    : connectTls({ ...target, ALPNProtocols: ["h2"], servername: tls.serverName ?? host, ...trustOf(tls) });
  const fail = (cause: unknown) => {
    socket.destroy();
    reject(cause);
  };
  const abort = () => fail(signal!.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const deadline = setTimeout(() => fail(new Error("it did not answer in time")), connectDeadlineMs);
  socket.on("error", (error) => fail(error));
  socket.on("close", () => fail(new Error("Connection dropped")));
  socket.once(tls === undefined ? "connect" : "secureConnect", () => {
    if ("alpnProtocol" in socket && socket.alpnProtocol !== "h2") return fail(new Error("it does not speak HTTP/2"));
    socket.setNoDelay(true);
    resolve(socket);
  });
  return promise.finally(() => {
    clearTimeout(deadline);
    signal?.removeEventListener("abort", abort);
  });
}

function trustOf(tls: NonNullable<ServerConnectionOptions["tls"]>): ConnectionOptions {
  if (tls instanceof UnverifiedTls) return { rejectUnauthorized: false, checkServerIdentity: () => undefined };
  return {
    // Otherwise NODE_TLS_REJECT_UNAUTHORIZED could disable verification.
    rejectUnauthorized: true,
    ca: Buffer.from(tls.roots),
    cert: tls.certificate && Buffer.from(tls.certificate.chain),
    key: tls.certificate && Buffer.from(tls.certificate.key),
  };
}

/** Returns whether a call ended without a status from the server, in gRPC or HTTP. */
function isDropped({ code, metadata }: ReceivedStatus): boolean {
  return code === GrpcStatus.unavailable && (metadata("grpc-status") ?? metadata(":status")) === undefined;
}
