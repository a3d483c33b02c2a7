import { type AddressInfo, createServer, type Socket } from "node:net";
import assert from "node:assert/strict";
import { Http2Pipe } from "../../../src/bench/driver/http2_pipe.ts";
import { connectPath } from "../../../src/bench/systems/all_systems.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { listenerName } from "../../../src/grpc/callback/callback_protocol.ts";
import { createThrowawayCertificate } from "../../../src/grpc/callback/throwaway_certificate.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";

Deno.test("a pipe does not open to a server whose certificate is not trusted, and says so", async () => {
  const [{ pem, keyPem }, other] = [await createThrowawayCertificate(), await createThrowawayCertificate()];
  const utf8 = new TextEncoder();
  await using started = await startTestGrpcServer({
    tls: { certificate: utf8.encode(pem), key: utf8.encode(keyPem) },
  });
  const { port } = started.server;
  const options = { host: "127.0.0.1", port, path: connectPath, onMessage: () => {}, onLost: () => {} };
  const pipe = await Http2Pipe.open({ ...options, tls: { ca: pem, serverName: listenerName } });
  await pipe.close();
  await assert.rejects(
    Http2Pipe.open({ ...options, tls: { ca: other.pem, serverName: listenerName } }),
    (error) =>
      error instanceof ChatError && error.code === "unavailable" &&
      error.message.startsWith(`Cannot connect to 127.0.0.1:${port}: invalid peer certificate`),
  );
});

Deno.test("a connection that breaks is an error of the server, without a stack", async () => {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer(accepted.resolve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const lost = Promise.withResolvers<Error>();
  const { port } = server.address() as AddressInfo;
  const pipe = await Http2Pipe.open({
    host: "127.0.0.1",
    port,
    path: connectPath,
    onMessage: () => {},
    onLost: lost.resolve,
  });
  (await accepted.promise).resetAndDestroy();
  const error = await lost.promise;
  assert.ok(error instanceof ChatError, String(error));
  assert.match(error.message, /^The connection to the server broke: Connection reset/);
  await pipe.close();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
