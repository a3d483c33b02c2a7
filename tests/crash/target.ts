/** How an attack reaches the victim: its port, its transport, and the paths of two methods worth calling. */
import net from "node:net";
import tls from "node:tls";
import type { Duplex } from "node:stream";
import type { Certificates, KeyPair } from "./certificates.ts";

export type Transport = "plain" | "tls" | "mtls";
export const TRANSPORTS: readonly Transport[] = ["plain", "tls", "mtls"];

export interface Target {
  port: number;
  transport: Transport;
  certificates: Certificates;
  /** A unary method. */
  unaryPath: string;
  /** A bidirectional method whose server writes without being asked. */
  streamPath: string;
  /** Messages that make the stream's server write (a login, say), in order; empty when it writes anyway. */
  streamOpening: readonly Uint8Array[];
}

/** What an attack writes to: the stream that speaks HTTP/2, and the TCP socket below it. */
export interface Wire {
  stream: Duplex;
  socket: net.Socket;
  /** True once the other side closed, or the connection broke. */
  readonly closed: boolean;
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves at the first byte from the peer, at its close, or after the given time. */
  firstBytes(milliseconds: number): Promise<void>;
  /** FIN, then nothing. */
  finish(): void;
  /** A TCP RST. */
  reset(): void;
}

const CONNECT_MS = 15_000;

let connections = 0;

/** Another address of this machine each time, where it has more than one: a server bounds what one address may do. */
function ownAddress(): string | undefined {
  connections += 1;
  return Deno.build.os === "linux" ? `127.1.${connections % 200}.${connections % 251 + 1}` : undefined;
}

export function connectTcp(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: "127.0.0.1", localAddress: ownAddress() });
    const timer = setTimeout(() => socket.destroy(new Error("connect timed out")), CONNECT_MS);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed")));
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

export interface TlsOptions {
  identity?: KeyPair;
  alpn?: readonly string[];
  maxVersion?: "TLSv1.2" | "TLSv1.3";
}

export function startTls(socket: net.Socket, options: TlsOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = tls.connect({
      socket,
      servername: "localhost",
      rejectUnauthorized: false,
      ALPNProtocols: [...(options.alpn ?? ["h2"])],
      cert: options.identity?.certificate,
      key: options.identity?.key,
      maxVersion: options.maxVersion,
    });
    const timer = setTimeout(() => socket.destroy(), CONNECT_MS);
    secure.on("error", reject);
    secure.on("close", () => {
      clearTimeout(timer);
      reject(new Error("closed during the handshake"));
    });
    secure.once("secureConnect", () => {
      clearTimeout(timer);
      resolve(secure);
    });
  });
}

export function wireOver(stream: Duplex, socket: net.Socket): Wire {
  let closed = false;
  let received = false;
  const waiting: (() => void)[] = [];
  const wake = () => waiting.splice(0).forEach((resolve) => resolve());
  stream.on("data", () => {
    received = true;
    wake();
  });
  for (const event of ["close", "end", "error"]) {
    stream.on(event, () => {
      closed = true;
      wake();
    });
  }
  socket.on("error", () => {});
  return {
    stream,
    socket,
    get closed() {
      return closed;
    },
    write: (bytes) =>
      new Promise((resolve) => {
        if (closed || stream.destroyed) return resolve();
        const timer = setTimeout(resolve, 250);
        stream.write(bytes, () => {
          clearTimeout(timer);
          resolve();
        });
      }),
    firstBytes: (milliseconds) =>
      new Promise((resolve) => {
        if (received || closed) return resolve();
        const timer = setTimeout(resolve, milliseconds);
        waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
    finish() {
      if (!stream.destroyed) stream.end();
      if (stream !== socket && !socket.destroyed) socket.end();
      if (socket.destroyed) return;
      const timer = setTimeout(() => socket.destroy(), 500);
      socket.once("close", () => clearTimeout(timer));
    },
    reset() {
      if (!socket.destroyed) socket.resetAndDestroy();
      if (!stream.destroyed) stream.destroy();
    },
  };
}

/** A connection on which the victim expects HTTP/2: TLS is done, with a good certificate where one is demanded. */
export async function openWire(target: Target): Promise<Wire> {
  const socket = await connectTcp(target.port);
  if (target.transport === "plain") return wireOver(socket, socket);
  const identity = target.transport === "mtls" ? target.certificates.client : undefined;
  return wireOver(await startTls(socket, { identity }), socket);
}
