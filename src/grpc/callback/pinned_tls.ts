import { X509Certificate } from "node:crypto";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ChatError } from "../../core/chat_error.ts";
import { closeWith } from "../tls_socket.ts";
import { listenerName } from "./callback_protocol.ts";

/** Idle time before TCP checks that the client is still there, in milliseconds. */
const keepAliveInitialDelay = 10_000;

/** Parses a certificate. @throws {ChatError} `invalid_argument` when it is not a single certificate in DER */
export function parseCertificate(der: Uint8Array): X509Certificate {
  try {
    const certificate = new X509Certificate(der);
    if (certificate.raw.equals(der)) return certificate;
  } catch {
    // Reported below.
  }
  throw new ChatError("invalid_argument", "The certificate for callbacks is not an X.509 certificate in DER.");
}

export interface PinnedTlsOptions {
  readonly host: string;
  readonly port: number;
  /** The only certificate that is accepted. */
  readonly certificate: X509Certificate;
  /** Aborts the attempt to connect. */
  readonly signal: AbortSignal;
}

/**
 * Connects with TLS, for HTTP/2. Resolves once the peer has proved that it holds the key of exactly `certificate`;
 * before that, only the handshake is written. Leaves nothing open when it rejects.
 */
export function connectPinned({ host, port, certificate, signal }: PinnedTlsOptions): Promise<TLSSocket> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  // Connect before TLS: on Deno 2.9.3, a socket of `node:tls` that fails to connect is never freed (8 KiB each).
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay });
  let secured: TLSSocket | undefined;
  const fail = (cause: unknown) => {
    // Through the TLS socket, if there is one: see `closeWith`.
    (secured ?? socket).destroy();
    reject(cause);
  };
  const abort = () => fail(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  socket.on("error", fail);
  socket.once("close", () => fail(new Error("The connection was closed.")));
  socket.once("connect", () => {
    const made = secured = secure(socket, certificate);
    made.on("error", fail);
    closeWith(made, socket);
    socket.once("close", () => made.destroy());
    made.once("secureConnect", () => {
      if (!made.authorized) fail(made.authorizationError);
      else if (made.alpnProtocol !== "h2") fail(new Error("The peer does not speak HTTP/2."));
      else resolve(made);
    });
  });
  return promise.finally(() => signal.removeEventListener("abort", abort));
}

function secure(socket: Socket, certificate: X509Certificate): TLSSocket {
  return connectTls({
    socket,
    ALPNProtocols: ["h2"],
    ca: certificate.toString(),
    servername: listenerName,
    checkServerIdentity: (_name, shown) =>
      certificate.raw.equals(shown.raw) ? undefined : new Error("This is not the certificate that the client named."),
  });
}
