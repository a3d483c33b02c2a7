import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { createServer, type Server, type TlsOptions, type TLSSocket } from "node:tls";
import { VerifiedClients } from "./verified_clients.ts";

/** Certificates of a server, in PEM. */
export interface ServerCertificates {
  /** The server's certificate, and the intermediate ones. */
  readonly certificate: Uint8Array;
  readonly key: Uint8Array;
  /** Authorities of client certificates; if given, client certificates are required. */
  readonly clientCa?: Uint8Array;
}

/** Makes TLS connections from accepted sockets. */
export class TlsAcceptor {
  readonly #server: Server;
  /** Clients verified with the current authorities; undefined when no client certificates are required. */
  #clients: VerifiedClients | undefined;
  #clientCa: Uint8Array | undefined;
  readonly #waiting = new Map<Socket, (secure: TLSSocket) => void>();

  constructor(certificates: ServerCertificates) {
    const isRequired = certificates.clientCa !== undefined;
    this.#clients = isRequired ? new VerifiedClients() : undefined;
    this.#clientCa = certificates.clientCa;
    const options: TlsOptions & { allowHalfOpen: boolean } = {
      ...secureContext(certificates),
      requestCert: isRequired,
      rejectUnauthorized: isRequired,
      ALPNProtocols: ["h2"],
      // The caller has a deadline for connections; the timer of `node:tls` would hold 6 KB beyond the end of each.
      handshakeTimeout: -1,
      allowHalfOpen: true,
    };
    this.#server = createServer(options, (secure) => this.#onSecure(secure));
    this.#server.on("tlsClientError", (_error, secure) => secure.destroy());
  }

  /**
   * Calls `onSecure` when the handshake over the socket is done. Closes a socket whose handshake fails; the caller must
   * close one whose handshake takes too long.
   */
  accept(socket: Socket, onSecure: (secure: TLSSocket) => void): void {
    const clients = this.#clients;
    this.#waiting.set(socket, (secure) => {
      if (clients?.admit(secure) === false) secure.destroy();
      else onSecure(secure);
    });
    socket.once("close", () => this.#waiting.delete(socket));
    // A client that closes its side during the handshake is gone.
    socket.allowHalfOpen = false;
    this.#server.emit("connection", socket);
  }

  /**
   * Uses other certificates from the next handshake on. Whether client certificates are required does not change.
   * @param certificates must have been checked: handshakes fail with unusable ones
   */
  renew(certificates: ServerCertificates): void {
    this.#server.setSecureContext(secureContext(certificates));
    const isSame = Buffer.from(this.#clientCa ?? []).equals(certificates.clientCa ?? new Uint8Array());
    this.#clientCa = certificates.clientCa;
    // A handshake that has begun continues with the previous authorities.
    if (!isSame) this.#clients = new VerifiedClients();
  }

  #onSecure(secure: TLSSocket): void {
    // `node:tls` keeps the underlying socket in this field; there is no public name for it.
    const { _parent: socket } = secure as TLSSocket & { _parent?: Socket };
    const onSecure = socket && this.#waiting.get(socket);
    if (onSecure === undefined) return void secure.destroy();
    this.#waiting.delete(socket!);
    secure.allowHalfOpen = true;
    onSecure(secure);
  }
}

/**
 * Returns the options of a TLS context. Includes the authorities each time: a context without them trusts no client
 * certificate.
 */
function secureContext({ certificate, key, clientCa }: ServerCertificates) {
  return { cert: Buffer.from(certificate), key: Buffer.from(key), ca: clientCa && Buffer.from(clientCa) };
}
