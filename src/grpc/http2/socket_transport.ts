import type { Socket } from "node:net";
import { type ConnectionOptions, Http2Connection } from "./connection.ts";
import type { Transport } from "./outbox.ts";

/** Time for a closing socket to send the written octets, in milliseconds. */
const lingerMs = 2_000;

export interface SocketConnectionOptions extends ConnectionOptions {
  /** Runs a callback after the input that is ready now was read; `setImmediate` unless given. */
  defer?(callback: () => void): void;
  /** Called when octets arrived from the peer. */
  onReceived?(): void;
  /** Called when code of this program threw; the connection is closed, and others continue. */
  onFault(error: unknown): void;
}

/**
 * Speaks HTTP/2 over a socket, which must have been created with `allowHalfOpen`. The connection owns the socket.
 *
 * @example
 * ```ts
 * import { createServer } from "node:net";
 * import { ServerCall } from "./server_call.ts";
 *
 * const limits = { maxStreams: 100, streamWindow: 65_535, connectionWindow: 65_535, maxHeaderListBytes: 16_384 };
 * // Sends each message of a call back to its client.
 * createServer({ allowHalfOpen: true }, (socket) => {
 *   connectOver(socket, {
 *     role: "server",
 *     limits,
 *     onRequest(stream, request) {
 *       const call = new ServerCall(stream, request, { maxMessageBytes: 65_536 });
 *       call.begin({
 *         onMessage: (message) => call.send(message),
 *         onHalfClose: () => call.end(),
 *         onClose() {},
 *       });
 *     },
 *     onFault: console.error,
 *   });
 * }).listen(50051, "127.0.0.1");
 * ```
 */
export function connectOver(socket: Socket, options: SocketConnectionOptions): Http2Connection {
  const transport = new SocketTransport(socket, options);
  const connection = new Http2Connection(transport, options);
  socket.on("data", (chunk: Uint8Array) => {
    options.onReceived?.();
    // Not as a Buffer: its `slice()` makes no copy, and would keep the whole chunk in memory.
    const octets = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    transport.guard(() => connection.receive(octets));
  });
  socket.on("drain", () => transport.guard(() => connection.drained()));
  socket.on("end", () => transport.guard(() => connection.peerEnded()));
  socket.on("error", () => socket.destroy());
  socket.on("close", () => transport.guard(() => connection.lost()));
  return connection;
}

/** A transport over a socket, which reports errors thrown by the code that serves it. */
class SocketTransport implements Transport {
  readonly #socket: Socket;
  readonly #options: SocketConnectionOptions;
  readonly #isTls: boolean;
  /**
   * Whether the last write was not over at once, as that of a TLS socket, of a new one, or to a peer that reads slowly.
   */
  keepsOctets = true;

  constructor(socket: Socket, options: SocketConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#isTls = "encrypted" in socket;
  }

  /** Runs a callback; an error closes the socket. */
  guard(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      // Not within an event of the socket: see `closeWith`.
      setImmediate(() => this.#socket.destroy());
      this.#options.onFault(error);
    }
  }

  write(octets: Uint8Array): boolean {
    const takesMore = this.#socket.write(octets);
    this.keepsOctets = this.#isTls || this.#socket.writableLength > 0;
    return takesMore;
  }

  end(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    socket.end();
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once("close", () => clearTimeout(timer));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  defer(callback: () => void): void {
    const guarded = () => this.guard(callback);
    if (this.#options.defer === undefined) setImmediate(guarded);
    else this.#options.defer(guarded);
  }
}
