import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { HistoryRequest } from "../../../src/gen/chatd/v1/chat.ts";
import { ClientFrame } from "../../../src/gen/chatd/v1/session.ts";
import { HealthCheckRequest } from "../../../src/gen/grpc/health/v1/health.ts";
import { ServerReflectionRequest } from "../../../src/gen/grpc/reflection/v1/reflection.ts";
import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import type { GrpcTransportOptions } from "../../../src/grpc/client/transport_options.ts";
import { createCertificates } from "../../crash/certificates.ts";
import {
  data,
  grpcMessage,
  headers,
  PREFACE,
  requestHeaders,
  settings,
  SETTINGS_ACK,
  windowUpdate,
} from "../../crash/http2_frames.ts";
import { slowed } from "../../support/waiting/deadlines.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import {
  ChatServiceClient,
  ChatServiceService,
  HealthClient,
  HealthService,
  ServerReflectionService,
} from "../../support/servers/grpc_js_services.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";
import { LinkClient } from "../../support/servers/link_client.ts";
import { helloWith } from "../../support/servers/test_session.ts";
import { turns } from "../../support/waiting/turns.ts";
import { UnreadClient } from "../../support/servers/unread_client.ts";
import { historyRequest } from "../../support/servers/wire_values.ts";

const callLimits = { maxPerUser: 5, maxPerAddress: 4 };
const certificates = await createCertificates();
const pem = (text: string) => new TextEncoder().encode(text);
const serverTls = { certificate: pem(certificates.server.certificate), key: pem(certificates.server.key) };
const nothing = new Uint8Array();
const whoAmI = ChatServiceService.whoAmI.path;
const check = HealthCheckRequest.encode({ service: "" }).finish();

type TestServer = Awaited<ReturnType<typeof startTestGrpcServer>>;

async function register({ server }: TestServer, user: string, tls?: GrpcTransportOptions["tls"]) {
  const transport = new GrpcTransport({ host: "127.0.0.1", port: server.port, tls, callback: false });
  const request = { user, password: "correct horse", invite: "", deviceName: "" };
  return { transport, token: (await transport.register(request, {})).credentials!.token };
}

/** What a client that takes its answers hears: the user's name, or the code of the error. */
async function ask({ server }: TestServer, token: string): Promise<string> {
  const client = new ChatServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  const answer = await new Promise<string>((resolve) => {
    client.whoAmI({}, metadata, (error: ServiceError | null, response) => {
      resolve(error === null ? response.user : String(error.metadata.get("chatd-error-code")[0] ?? error.message));
    });
  });
  client.close();
  return answer;
}

Deno.test("a user whose answers are not taken is refused more, until they are or the connection is gone", async () => {
  await using test = await startTestGrpcServer({ callLimits });
  const [ana, ben] = [await register(test, "ana"), await register(test, "ben")];
  await using first = new UnreadClient(test.server.port);
  {
    await using second = new UnreadClient(test.server.port);
    for (const client of [first, first, first, second, second]) {
      assert.equal(await client.call(whoAmI, nothing, ana.token), "open");
    }
    for (const client of [first, second]) {
      assert.equal(await client.call(whoAmI, nothing, ana.token), "limit_reached");
    }
    assert.equal(await ask(test, ana.token), "limit_reached");
    assert.equal(await ask(test, ben.token), "ben");
  }
  await eventually(async () => await ask(test, ana.token) === "ana");
});

Deno.test("a user with too many calls does not keep others from calling over the same connection of a proxy", async () => {
  await using test = await startTestGrpcServer({ callLimits });
  const [ana, ben] = [await register(test, "ana"), await register(test, "ben")];
  await using proxy = new UnreadClient(test.server.port);
  for (let count = 0; count < callLimits.maxPerUser; count++) {
    assert.equal(await proxy.call(whoAmI, nothing, ana.token), "open");
  }
  assert.equal(await proxy.call(whoAmI, nothing, ana.token), "limit_reached");
  assert.equal(await proxy.call(whoAmI, nothing, ben.token), "open");
});

Deno.test("a call that was answered and taken counts no more", async () => {
  await using test = await startTestGrpcServer({ callLimits });
  const { token } = await register(test, "ana");
  for (let count = 0; count < 20; count++) assert.equal(await ask(test, token), "ana");
});

Deno.test("a session that has ended counts as a call of its user until its frames are taken", async () => {
  await using test = await startTestGrpcServer({ callLimits });
  const { token } = await register(test, "ana");
  {
    await using unread = new UnreadClient(test.server.port);
    const hello = { id: 1, kind: { $case: "hello" as const, value: helloWith(token) } };
    const frame = ClientFrame.encode({ requests: [hello] }).finish();
    for (let count = 0; count < callLimits.maxPerUser; count++) {
      assert.equal(await unread.call(ChatServiceService.connect.path, frame), "open");
    }
    await eventually(() => test.chat.live.count === 0);
    assert.equal(await ask(test, token), "limit_reached");
  }
  await eventually(async () => await ask(test, token) === "ana");
});

Deno.test("a session too many is refused in its hello", async () => {
  await using test = await startTestGrpcServer({ callLimits });
  const { token, transport } = await register(test, "ana");
  const sessions: LinkClient[] = [];
  for (const consumer of ["a", "b", "c", "d", "e"]) {
    sessions.push(await LinkClient.open(transport, token, { consumer }));
  }
  const refused = await LinkClient.connect(transport);
  assert.equal(await refused.refusal({ $case: "hello", value: helloWith(token, { consumer: "f" }) }), "limit_reached");
  assert.equal(await refused.end(), "limit_reached");
  for (const session of [...sessions, refused]) await session.close();
});

for (const [name, tls] of [["TLS", serverTls], ["none", undefined]] as const) {
  /** A user with a page of 16 KB, and a connection whose windows are open, and which nothing is read from. */
  const begin = async (test: TestServer) => {
    const trusted = tls && { roots: pem(certificates.authority), serverName: "localhost" };
    const { token, transport } = await register(test, "ana", trusted);
    const ana = await LinkClient.open(transport, token);
    await ana.send("ana", "x".repeat(16_000));
    await ana.close();
    const address = { port: test.server.port, hostname: "127.0.0.1" };
    // Of Deno's own connections nothing is read before `read()`.
    const connection = tls === undefined ? await Deno.connect(address) : await Deno.connectTls({
      port: test.server.port,
      hostname: "localhost",
      alpnProtocols: ["h2"],
      caCerts: [certificates.authority],
    });
    const write = async (bytes: Uint8Array) => {
      for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    };
    const bigWindow = settings([[4, 0x7fff_ffff]]);
    await write(Buffer.concat([PREFACE, bigWindow, SETTINGS_ACK, windowUpdate(0, 0x7fff_0000 - 65_535)]));
    const block = requestHeaders(ChatServiceService.history.path, [["authorization", `Bearer ${token}`]]);
    const history = grpcMessage(HistoryRequest.encode(historyRequest({ with: "ana", limit: 1 })).finish());
    let stream = -1;
    const call = async () => {
      stream += 2;
      await write(Buffer.concat([headers(stream, block), data(stream, history, true)]));
    };
    const othersGoOn = async () => await (await LinkClient.open(transport, token)).close();
    return { connection, call, othersGoOn };
  };

  Deno.test(`answers that a socket does not take are bounded, and the connection is closed in the end, with TLS: ${name}`, async () => {
    await using test = await startTestGrpcServer({ tls });
    const { connection, call, othersGoOn } = await begin(test);
    using _ = connection;
    const history = test.chat.history.bind(test.chat);
    let asked = 0;
    test.chat.history = (...page) => {
      asked++;
      return history(...page);
    };
    // As many as may be open, again and again, until the buffers of the socket are full.
    for (let calls = 32; test.server.unreadBytes === 0; calls += 32) {
      assert.ok(calls < 10_000, "the server sends without end");
      for (let count = 0; count < 32; count++) await call();
      await eventually(() => asked === calls);
      await turns(20);
    }
    const held = test.server.unreadBytes;
    assert.ok(held <= 32 * 16_200, `${held} octets wait`);
    await othersGoOn();
    // By the keepalive, which takes 20 s: no PING is answered.
    await eventually(() => test.server.unreadBytes === 0, undefined, slowed(40_000));
  });

  Deno.test(`a connection with calls beyond the limit is closed, and others go on, with TLS: ${name}`, async () => {
    await using test = await startTestGrpcServer({ tls });
    const { connection, call, othersGoOn } = await begin(test);
    using _ = connection;
    let most = 0;
    const calling = (async () => {
      for (let calls = 0; calls < 2_000; calls++) {
        await call();
        most = Math.max(most, test.server.unreadBytes);
      }
    })().catch(() => {});
    await eventually(() => test.server.connections === 0);
    await calling;
    assert.ok(most <= 32 * 16_200, `${most} octets waited`);
    await othersGoOn();
  });
}

Deno.test("calls of an address without a log-in are bounded: health streams and reflection too", async () => {
  await using test = await startTestGrpcServer({ callLimits });
  const { token } = await register(test, "ana");
  await using stranger = new UnreadClient(test.server.port);
  const question = ServerReflectionRequest.encode({
    host: "",
    messageRequest: { $case: "fileContainingSymbol", value: "chatd.v1.ChatService" },
  }).finish();
  const { path: reflect } = ServerReflectionService.serverReflectionInfo;
  assert.equal(await stranger.call(HealthService.watch.path, check), "open");
  assert.equal(await stranger.call(HealthService.check.path, check), "open");
  for (let count = 0; count < 2; count++) assert.equal(await stranger.call(reflect, question), "open");
  for (const path of [HealthService.watch.path, HealthService.check.path, whoAmI]) {
    assert.equal(await stranger.call(path, check, token), "limit_reached");
  }
  await stranger[Symbol.asyncDispose]();
  await eventually(async () => await ask(test, token) === "ana");
  const health = new HealthClient(`127.0.0.1:${test.server.port}`, credentials.createInsecure());
  const metadata = new Metadata();
  const status = await new Promise((resolve, reject) => {
    health.check({ service: "" }, metadata, (error, response) => error ? reject(error) : resolve(response.status));
  });
  assert.equal(status, 1);
  health.close();
});
