import type { Socket } from "node:net";
import type { Log } from "../../core/log.ts";
import type { ConnectionLimits } from "../http2/connection_limits.ts";
import type { HeaderList } from "../http2/header_rules.ts";
import { connectOver, type SocketConnectionOptions } from "../http2/socket_transport.ts";
import type { Http2Stream } from "../http2/stream.ts";
import type { ClientConnection } from "./client_connection.ts";
import type { ConnectionGuard } from "./connection_guard.ts";
import { strangersConnectionLimits } from "./server_limits.ts";
import type { StrangerCalls } from "./stranger_calls.ts";
import { type ServerCertificates, TlsAcceptor } from "./tls_acceptor.ts";

export interface AcceptorOptions {
  readonly guard: ConnectionGuard;
  readonly strangers: StrangerCalls;
  readonly tls: ServerCertificates | undefined;
  readonly log: Log;
  defer(callback: () => void): void;
  /** Called when a request began on a stream of a connection. */
  onRequest(connection: ClientConnection, begun: { stream: Http2Stream; request: HeaderList }): void;
}

/** Takes accepted sockets through admission and TLS to HTTP/2. */
export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #tls: TlsAcceptor | undefined;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#tls = options.tls && new TlsAcceptor(options.tls);
  }

  /** Takes charge of a socket. */
  accept(socket: Socket): void {
    const { guard, strangers } = this.#options;
    const connection = guard.admit(socket);
    if (connection === undefined) return;
    const holdMs = strangers.holdMs(connection);
    if (holdMs === 0) return this.#begin(connection, socket);
    const timer = setTimeout(() => this.#begin(connection, socket), holdMs);
    socket.once("close", () => clearTimeout(timer));
  }

  /** Uses other certificates, which must have been checked, from the next handshake on. */
  renew(certificates: ServerCertificates): void {
    this.#tls?.renew(certificates);
  }

  #begin(connection: ClientConnection, socket: Socket): void {
    if (this.#tls === undefined) return this.#serve(connection, socket);
    this.#tls.accept(socket, (secure) => {
      connection.secured(secure);
      this.#serve(connection, secure);
    });
  }

  #serve(connection: ClientConnection, socket: Socket): void {
    connection.http2 = connectOver(socket, new AcceptedConnection(connection, this.#options));
  }
}

/** The options of a connection to a client: a class, because its instances take less memory than closures. */
class AcceptedConnection implements SocketConnectionOptions {
  readonly #connection: ClientConnection;
  readonly #options: AcceptorOptions;

  constructor(connection: ClientConnection, options: AcceptorOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  get role(): "server" {
    return "server";
  }

  get limits(): ConnectionLimits {
    return strangersConnectionLimits;
  }

  defer(callback: () => void): void {
    this.#options.defer(callback);
  }

  onRequest(stream: Http2Stream, request: HeaderList): void {
    this.#options.onRequest(this.#connection, { stream, request });
  }

  onReceived(): void {
    this.#connection.silentTicks = 0;
  }

  onFault(error: unknown): void {
    this.#options.log.error("connection failed", { error });
  }
}
