import type { Socket } from "node:net";
import { type ConnectionOptions, Http2Connection } from "./connection.ts";

/** How long a closing socket may take to send the octets that were written, in milliseconds. */
const lingerMs = 2_000;

export interface SocketConnectionOptions extends Omit<ConnectionOptions, "transport" | "defer"> {
  /** Runs a callback after the input that is ready now has been read; `setImmediate` unless given. */
  defer?(callback: () => void): void;
  /** Octets came from the peer. */
  onReceived?(): void;
  /** Code of this program threw: the connection is closed, and others go on. */
  onFault(error: unknown): void;
}

/** Speaks HTTP/2 over a socket, which must be made with `allowHalfOpen`. The connection owns the socket. */
export function connectOver(socket: Socket, options: SocketConnectionOptions): Http2Connection {
  const { onFault, onReceived, defer = setImmediate, ...rest } = options;
  const guard = (act: () => void) => {
    try {
      act();
    } catch (error) {
      // Not within an event of the socket: see `closeWith`.
      setImmediate(() => socket.destroy());
      onFault(error);
    }
  };
  const connection = new Http2Connection({
    ...rest,
    defer: (callback) => void defer(() => guard(callback)),
    transport: {
      write: (bytes) => socket.write(bytes),
      end: () => {
        if (socket.destroyed) return;
        socket.end();
        socket.resume();
        const timer = setTimeout(() => socket.destroy(), lingerMs);
        socket.once("close", () => clearTimeout(timer));
      },
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
    },
  });
  socket.on("data", (chunk: Uint8Array) => {
    onReceived?.();
    guard(() => connection.receive(chunk));
  });
  socket.on("drain", () => guard(() => connection.drained()));
  socket.on("end", () => guard(() => connection.peerEnded()));
  socket.on("error", () => socket.destroy());
  socket.on("close", () => guard(() => connection.lost()));
  return connection;
}
