import assert from "node:assert/strict";
import { connect } from "node:net";
import type { Http2Connection } from "../../../src/grpc/http2/connection.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import { frameMessage } from "../../../src/grpc/http2/messages.ts";
import { connectOver } from "../../../src/grpc/http2/socket_transport.ts";
import type { Http2Stream } from "../../../src/grpc/http2/stream.ts";
import { strangersConnectionLimits } from "../../../src/grpc/server/server_limits.ts";
import { maxFrameBytes } from "../../../src/wire/limits.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { AuthServiceService } from "../../support/servers/grpc_js_services.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";

const { connectionWindow } = strangersConnectionLimits;

const logIn = encodeHeaders([
  [":method", "POST"],
  [":scheme", "http"],
  [":path", AuthServiceService.logIn.path],
  [":authority", "localhost"],
  ["te", "trailers"],
  ["content-type", "application/grpc"],
]);

/** Sends the longest message, and leaves the call open. */
function beginCall(connection: Http2Connection, onClose: () => void): Http2Stream {
  const stream = connection.request(logIn, {
    onData: (bytes) => stream.release(bytes.length),
    onEnd: () => {},
    onClose,
  });
  stream.write(frameMessage(new Uint8Array(maxFrameBytes)));
  return stream;
}

Deno.test("whole requests of calls that are not half-closed stay in the windows of a connection", async () => {
  await using test = await startTestGrpcServer();
  const faults: unknown[] = [];
  const connection = connectOver(connect({ port: test.server.port, host: "127.0.0.1", allowHalfOpen: true }), {
    role: "client",
    limits: { maxStreams: 1, streamWindow: 65_535, connectionWindow: 65_535, maxHeaderListBytes: 16_384 },
    defer: (callback) => void setImmediate(callback),
    onFault: (error) => faults.push(error),
  });
  // An answer tells that the server has read everything before.
  const answered = () => new Promise<void>((resolve) => connection.ping(resolve));
  await answered();
  let closed = 0;
  const streams: Http2Stream[] = [];
  for (let count = 0; count < 20; count++) {
    // One after the other: no message waits for the rest of another.
    streams.push(beginCall(connection, () => closed++));
    await answered();
    await answered();
  }
  assert.equal(streams.reduce((sum, stream) => sum + stream.sentBytes, 0), connectionWindow);
  const whole = streams.filter((stream) => stream.queuedBytes === 0);
  assert.ok(whole.length > 0);
  for (const stream of whole) stream.end();
  await eventually(() => closed === whole.length);
  assert.deepEqual(faults, []);
  connection.close();
});
