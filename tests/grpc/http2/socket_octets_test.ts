import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { callUnary } from "../../../src/grpc/http2/client_call.ts";
import { ServerCall } from "../../../src/grpc/http2/server_call.ts";
import { connectOver } from "../../../src/grpc/http2/socket_transport.ts";
import { limits } from "./wire.ts";

Deno.test("slice() copies octets that came from a socket", async () => {
  const errors: unknown[] = [];
  const onFault = (error: unknown) => void errors.push(error);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connectOver(socket, {
      role: "server",
      limits,
      onFault,
      onClosed() {},
      onRequest(stream, request) {
        const call = new ServerCall(stream, request, { maxMessageBytes: 1_000 });
        let kept: Uint8Array | undefined;
        call.begin({
          onMessage: (message) => void (kept = message.slice()),
          onHalfClose: () =>
            setImmediate(() => {
              call.send(kept!);
              call.end();
            }),
          onClose() {},
        });
      },
    });
    // The chunk is no longer that of the connection.
    socket.on("data", (chunk: Uint8Array) => chunk.fill(0));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  const connection = connectOver(socket, { role: "client", limits, onFault, onClosed() {} });
  const message = new TextEncoder().encode("please");
  const call = { path: "/a.B/C", scheme: "http", authority: "localhost", message, maxResponseBytes: 100 } as const;
  assert.deepEqual(new Uint8Array(await callUnary(connection, call)), message);
  assert.deepEqual(errors, []);
  socket.destroy();
  await once(server.close(), "close");
});
