import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import {
  createThrowawayCertificate,
  type ThrowawayCertificate,
} from "../../../src/grpc/callback/throwaway_certificate.ts";

export const host = "127.0.0.1";

/** A port on which a test does to the one who dials as it likes. */
export interface HostileListener extends AsyncDisposable {
  readonly port: number;
  /** The certificate that a client would name. */
  readonly der: Uint8Array;
  /** Connections that came. */
  readonly connections: number;
  /** Connections that the dialler has closed. */
  readonly closed: number;
  /** Octets of the application that came, after the handshake. */
  readonly applicationBytes: number;
}

export interface HostileOptions {
  /** Used in the handshake; the one that is named unless given. */
  readonly shown?: (named: ThrowawayCertificate) => Promise<{ pem: string; keyPem: string }>;
  readonly ALPNProtocols?: string[];
  /** In place of a handshake. */
  readonly plain?: (socket: Socket) => void;
  /** After the handshake, when the dialler has begun to speak; unless it says nothing at all. */
  readonly serve?: (socket: TLSSocket) => void;
}

export async function listenHostile(options: HostileOptions): Promise<HostileListener> {
  const named = await createThrowawayCertificate();
  const shown = await options.shown?.(named) ?? named;
  const sockets = new Set<Socket>();
  const counts = { connections: 0, closed: 0, applicationBytes: 0 };
  const tls = createTlsServer(
    { cert: shown.pem, key: shown.keyPem, ALPNProtocols: options.ALPNProtocols ?? ["h2"], handshakeTimeout: 60_000 },
    (socket) => {
      socket.on("error", () => socket.destroy());
      socket.on("data", (bytes) => void (counts.applicationBytes += bytes.length));
      socket.once("data", () => options.serve?.(socket));
    },
  );
  tls.on("tlsClientError", () => {});
  const listener = createServer({ noDelay: true, allowHalfOpen: false }, (socket) => {
    counts.connections++;
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      sockets.delete(socket);
      counts.closed++;
    });
    if (options.plain === undefined) tls.emit("connection", socket);
    else {
      socket.resume();
      options.plain(socket);
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, host, () => resolve()));
  return {
    port: (listener.address() as AddressInfo).port,
    der: named.der,
    get connections() {
      return counts.connections;
    },
    get closed() {
      return counts.closed;
    },
    get applicationBytes() {
      return counts.applicationBytes;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
