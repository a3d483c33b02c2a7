import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "node:net";
import { WhoAmIResponse } from "../../../src/gen/chatd/v1/chat.ts";
import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import { callUnary } from "../../../src/grpc/http2/client_call.ts";
import { connectOver } from "../../../src/grpc/http2/socket_transport.ts";
import { ChatServiceService } from "../../support/servers/grpc_js_services.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";
import { join } from "../../support/servers/person.ts";

const limits = { maxStreams: 1, streamWindow: 65_535, connectionWindow: 65_535, maxHeaderListBytes: 16_384 };

/** Encodes a field that no message has, of so many octets. */
function unknownField(bytes: number): Buffer {
  // Field 1,000 with a length: both in variable-length integers.
  const prefix = Buffer.from([0xc2, 0x3e, (bytes & 0x7f) | 0x80, ((bytes >> 7) & 0x7f) | 0x80, bytes >> 14]);
  return Buffer.concat([prefix, Buffer.alloc(bytes)]);
}

Deno.test("large messages of a new connection are taken when they come in turn, a part of each at a time", async () => {
  await using test = await startTestGrpcServer();
  const { port } = test.server;
  const ana = await join("ana", new GrpcTransport({ host: "127.0.0.1", port, callback: false }));
  const faults: unknown[] = [];
  const connection = connectOver(connect({ port, host: "127.0.0.1", allowHalfOpen: true }), {
    role: "client",
    limits,
    onFault: (error) => faults.push(error),
  });
  // Streams of this client take turns, 16 KiB each.
  const calls = Array.from({ length: 60 }, () =>
    callUnary(connection, {
      path: ChatServiceService.whoAmI.path,
      scheme: "http",
      authority: "localhost",
      metadata: [["authorization", `Bearer ${ana.token}`]],
      message: unknownField(48_000),
      maxResponseBytes: 1_024,
      signal: AbortSignal.timeout(5_000),
    }));
  const users = (await Promise.all(calls)).map((answer) => WhoAmIResponse.decode(answer).user);
  assert.deepEqual(new Set(users), new Set(["ana"]));
  assert.deepEqual(faults, []);
  connection.close();
  await ana.stop();
});
