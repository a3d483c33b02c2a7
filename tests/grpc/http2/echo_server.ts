import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Http2Connection } from "../../../src/grpc/http2/connection.ts";
import { ServerCall } from "../../../src/grpc/http2/server_call.ts";
import { connectOver } from "../../../src/grpc/http2/socket_transport.ts";

const maxMessageBytes = 65_536;
const messageWindow = 2 * (maxMessageBytes + 5);

export interface EchoServer {
  readonly port: number;
  readonly connections: ReadonlySet<Http2Connection>;
  readonly faults: unknown[];
  close(): Promise<void>;
}

/** Answers each message of each call with itself; `/echo.Echo/Fail` fails, `/echo.Echo/Hang` answers never. */
export function startEchoServer(tls?: { cert: string; key: string }): Promise<EchoServer> {
  const connections = new Set<Http2Connection>();
  const sockets = new Set<Socket>();
  const faults: unknown[] = [];
  const take = (socket: Socket) => {
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
      onRequest: (stream, request) => {
        const call = new ServerCall(stream, request, { maxMessageBytes });
        call.begin({
          onMessage: (message) => {
            if (call.path !== "/echo.Echo/Hang") call.send(message);
          },
          onHalfClose: () => {
            if (call.path === "/echo.Echo/Hang") return;
            if (call.path === "/echo.Echo/Fail") {
              call.end({ code: 5, details: "nicht da: ü%\n", metadata: [["why", "because"]] });
            } else call.end();
          },
          onClose: () => {},
        });
      },
    });
    connections.add(connection);
  };
  const server = tls === undefined
    ? createServer({ allowHalfOpen: true, noDelay: true }, take)
    : createTlsServer({ ...tls, allowHalfOpen: true, noDelay: true, ALPNProtocols: ["h2"] }, take);
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({
        port: (server.address() as AddressInfo).port,
        connections,
        faults,
        close: () => {
          for (const socket of sockets) socket.destroy();
          return new Promise((done) => server.close(() => done()));
        },
      }))
  );
}

if (import.meta.main) {
  const server = await startEchoServer();
  console.log(server.port);
}
