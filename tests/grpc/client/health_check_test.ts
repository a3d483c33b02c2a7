import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { ChatError } from "../../../src/core/chat_error.ts";
import {
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../src/gen/grpc/health/v1/health.ts";
import { createThrowawayCertificate } from "../../../src/grpc/callback/throwaway_certificate.ts";
import { checkHealth } from "../../../src/grpc/client/health_check.ts";
import { GrpcStatus } from "../../../src/grpc/http2/grpc_status.ts";
import type { HeaderList } from "../../../src/grpc/http2/header_rules.ts";
import { ServerCall } from "../../../src/grpc/http2/server_call.ts";
import { connectOver } from "../../../src/grpc/http2/socket_transport.ts";
import { createCertificates } from "../../crash/certificates.ts";
import { data, grpcMessage, headers, hpack, settings } from "../../crash/http2_frames.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";
import { until } from "../../support/waiting/turns.ts";

const host = "127.0.0.1";
const certificates = await createCertificates();
const pem = (text: string) => new TextEncoder().encode(text);
const serverTls = { certificate: pem(certificates.server.certificate), key: pem(certificates.server.key) };

interface TestPort extends AsyncDisposable {
  readonly port: number;
  readonly sockets: readonly Socket[];
}

interface Certified {
  readonly pem: string;
  readonly keyPem: string;
}

async function listen(serve: (socket: Socket) => void, certified?: Certified): Promise<TestPort> {
  const sockets: Socket[] = [];
  const take = (socket: Socket) => {
    sockets.push(socket);
    socket.on("error", () => socket.destroy());
    serve(socket);
  };
  const server = certified === undefined
    ? createTcpServer({ allowHalfOpen: true }, take)
    : createTlsServer({ cert: certified.pem, key: certified.keyPem, ALPNProtocols: ["h2"], allowHalfOpen: true }, take);
  await once(server.listen(0, host), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Serves gRPC with `answer` as the end of each call. */
function serveGrpc(answer: (call: ServerCall, request: HeaderList) => void): (socket: Socket) => void {
  return (socket) => {
    connectOver(socket, {
      role: "server",
      limits: { maxStreams: 1, streamWindow: 65_535, connectionWindow: 65_535, maxHeaderListBytes: 4_096 },
      onFault: assert.fail,
      onRequest: (stream, request) => {
        const call = new ServerCall(stream, request, { maxMessageBytes: 1_024 });
        call.begin({ onMessage() {}, onHalfClose: () => answer(call, request), onClose() {} });
      },
    });
  };
}

function says(status: ServingStatus): (call: ServerCall) => void {
  return (call) => {
    call.send(HealthCheckResponse.encode({ status }).finish());
    call.end();
  };
}

async function assertUnavailable(checking: Promise<boolean>, message: RegExp): Promise<void> {
  await assert.rejects(checking, (error: ChatError) => {
    assert.equal(error.code, "unavailable", error.message);
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("a server is healthy without TLS and with it, with a certificate of any authority", async () => {
  await using plain = await startTestGrpcServer();
  assert.equal(await checkHealth({ host, port: plain.server.port, tls: false }), true);
  await using secure = await startTestGrpcServer({ tls: serverTls });
  assert.equal(await checkHealth({ host, port: secure.server.port, tls: true }), true);
  const selfSigned = await createThrowawayCertificate();
  await using foreign = await listen(serveGrpc(says(ServingStatus.SERVING)), selfSigned);
  assert.equal(await checkHealth({ host, port: foreign.port, tls: true }), true);
});

Deno.test("a server that requires client certificates is unavailable", async () => {
  await using test = await startTestGrpcServer({ tls: { ...serverTls, clientCa: pem(certificates.authority) } });
  const { port } = test.server;
  await assertUnavailable(checkHealth({ host, port, tls: true }), /^it requires a client certificate: give /);
  await assertUnavailable(checkHealth({ host, port, tls: false }), /^it closed the connection without an answer: /);
});

Deno.test("neither side speaks plain text where the other speaks TLS", async () => {
  await using secure = await startTestGrpcServer({ tls: serverTls });
  const plainly = checkHealth({ host, port: secure.server.port, tls: false });
  await assertUnavailable(plainly, /^it closed the connection without an answer: /);
  await using plain = await startTestGrpcServer();
  await assertUnavailable(checkHealth({ host, port: plain.server.port, tls: true }), /^it does not speak TLS/);
});

Deno.test("an address is requested over TLS as localhost, and a name as itself", async () => {
  const asked: unknown[] = [];
  const certificate = await createThrowawayCertificate();
  await using server = await listen((socket) => {
    const { servername } = socket as TLSSocket & { servername: string };
    serveGrpc((call, request) => {
      asked.push([servername, request.pseudo.get(":authority")]);
      says(ServingStatus.SERVING)(call);
    })(socket);
  }, certificate);
  for (const place of [host, "LOCALHOST"]) await checkHealth({ host: place, port: server.port, tls: true });
  assert.deepEqual(asked, [["localhost", "localhost"], ["localhost", "LOCALHOST"]]);
});

Deno.test("a server that answers NOT_SERVING is not healthy", async () => {
  await using server = await listen(serveGrpc(says(ServingStatus.NOT_SERVING)));
  assert.equal(await checkHealth({ host, port: server.port, tls: false }), false);
});

for (
  const { what, answer, message } of [
    {
      what: "has no health service",
      answer: { code: GrpcStatus.unimplemented, details: "There is no such method." },
      message: /^There is no such method\.$/,
    },
    {
      what: "refuses the call without a reason",
      answer: { code: GrpcStatus.permissionDenied, details: "" },
      message: /^The server answered with status 7\.$/,
    },
  ]
) {
  Deno.test(`a server that ${what} is unavailable`, async () => {
    await using server = await listen(serveGrpc((call) => call.end(answer)));
    await assertUnavailable(checkHealth({ host, port: server.port, tls: false }), message);
  });
}

Deno.test("a server with a malformed answer is unavailable", async () => {
  await using server = await listen(serveGrpc((call) => {
    call.send(Uint8Array.of(0xff));
    call.end();
  }));
  await assertUnavailable(checkHealth({ host, port: server.port, tls: false }), /^The answer is malformed\.$/);
});

Deno.test("a server may send a standard window of data before it applies a setting", async () => {
  const response = hpack([[":status", "200"], ["content-type", "application/grpc"]]);
  const answer = Buffer.concat([settings(), headers(1, response), data(1, grpcMessage(Buffer.alloc(10_000)))]);
  await using server = await listen((socket) => void socket.once("data", () => socket.write(answer)));
  const message = /^Received message larger than max \(10000 vs 1024\)$/;
  await assertUnavailable(checkHealth({ host, port: server.port, tls: false }), message);
});

Deno.test("a closed port is unavailable", async () => {
  const { port, ...listener } = await listen(() => {});
  await listener[Symbol.asyncDispose]();
  for (const tls of [false, true]) {
    await assertUnavailable(checkHealth({ host, port, tls }), /^connection refused$/);
  }
});

for (const tls of [false, true]) {
  const how = tls ? "with TLS" : "without TLS";
  Deno.test(`a port that accepts and stays silent is unavailable after 5 s, ${how}`, async () => {
    using time = new FakeTime();
    await using silent = await listen((socket) => void socket.resume());
    const rejected = assertUnavailable(
      checkHealth({ host, port: silent.port, tls }),
      /^There was no answer within 5 s\.$/,
    );
    await until(() => silent.sockets.length === 1 && silent.sockets[0].bytesRead > 0);
    await time.tick(5_000);
    await rejected;
    for (const socket of silent.sockets) socket.destroy();
    await until(() => time.pending === 0);
  });

  Deno.test(`a port that speaks HTTP/1.1 is unavailable, ${how}`, async () => {
    await using web = await listen((socket) =>
      void socket.once("data", () => socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"))
    );
    const message = tls ? /^it does not speak TLS/ : /^it does not speak HTTP\/2 without TLS: check the port, /;
    await assertUnavailable(checkHealth({ host, port: web.port, tls }), message);
  });
}
