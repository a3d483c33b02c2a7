import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Http2Connection } from "../../../src/grpc/http2/connection.ts";
import { ServerCall } from "../../../src/grpc/http2/server_call.ts";
import { connectOver } from "../../../src/grpc/http2/socket_transport.ts";
import { peersClosed } from "../waiting/turns.ts";

const maxMessageBytes = 65_536;
const messageWindow = 2 * (maxMessageBytes + 5);

export interface CallServer extends AsyncDisposable {
  readonly port: number;
  readonly connections: ReadonlySet<Http2Connection>;
  readonly faults: unknown[];
  close(): Promise<void>;
}

/**
 * Serves gRPC calls on a free port over chatd's HTTP/2, without a chat. A server of grpc-js can end the test process:
 * its HTTP/2 aborts natively.
 */
export function startCallServer(
  onCall: (call: ServerCall) => void,
  { tls }: { tls?: { cert: string; key: string } } = {},
): Promise<CallServer> {
  const connections = new Set<Http2Connection>();
  const sockets = new Set<Socket>();
  const faults: unknown[] = [];
  const accept = (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const connection = connectOver(socket, {
      role: "server",
      limits: {
        maxStreams: 32,
        streamWindow: messageWindow,
        connectionWindow: messageWindow * 32,
        maxHeaderListBytes: 16_384,
      },
      onFault: (error) => void faults.push(error),
      onClosed: () => connections.delete(connection),
      onRequest: (stream, request) => onCall(new ServerCall(stream, request, { maxMessageBytes })),
    });
    connections.add(connection);
  };
  const server = tls === undefined
    ? createServer({ allowHalfOpen: true, noDelay: true }, accept)
    : createTlsServer({ ...tls, allowHalfOpen: true, noDelay: true, ALPNProtocols: ["h2"] }, accept);
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((done) => server.close(() => done()));
    await peersClosed();
  };
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        connections,
        faults,
        close,
        [Symbol.asyncDispose]: close,
      }))
  );
}
