import assert from "node:assert/strict";
import { credentials } from "@grpc/grpc-js";
import { silentLog } from "../../../src/core/log.ts";
import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../src/gen/grpc/health/v1/health.ts";
import { checkHealth } from "../../../src/grpc/client/health_check.ts";
import { Http2Transport } from "../../../src/grpc/client/http2_transport.ts";
import type { GrpcServer } from "../../../src/grpc/server/serve_calls.ts";
import { startStandbyServer } from "../../../src/grpc/server/standby_server.ts";
import { defer } from "../../../src/host/defer.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { HealthClient } from "../../support/servers/grpc_js_services.ts";
import { peersClosed } from "../../support/waiting/turns.ts";

const host = "127.0.0.1";

async function start(reason: () => string): Promise<GrpcServer & AsyncDisposable> {
  const server = await startStandbyServer({ reason, log: silentLog, listen: { host, port: 0 }, defer });
  const close = async () => {
    await server.close({ deadlineMs: 0 });
    await peersClosed();
  };
  return { ...server, [Symbol.asyncDispose]: close };
}

Deno.test("a server that stands by refuses every call of a chat, with the reason of now and a time to wait", async () => {
  let node = "one";
  await using server = await start(() => `This server stands by: the node "${node}" serves.`);
  const transport = new Http2Transport({ host, port: server.port, callback: false });
  const logIn = () => transport.logIn({ user: "ana", password: "correct horse", deviceName: "", deviceId: "" }, {});
  const refused = await rejectsWith("unavailable", logIn());
  assert.equal(refused.message, 'This server stands by: the node "one" serves.');
  assert.equal(refused.retryAfterMs, 1_000);
  node = "two";
  assert.match((await rejectsWith("unavailable", logIn())).message, /the node "two" serves/);
  const notServing = await rejectsWith("unavailable", transport.requireServing({}));
  assert.equal(notServing.message, `The server at ${transport.address} does not serve now: it stands by, or stops.`);
  const link = await transport.connect({});
  await rejectsWith(
    "unavailable",
    (async () => {
      for await (const frame of link.frames) assert.fail(`received ${frame}`);
    })(),
  );
  await link.close();
  const files = await transport.openFiles({ token: "none" });
  await rejectsWith("unavailable", files.readChunk({ with: "ben", seq: 1, offset: 0 }));
  await files.close();
});

Deno.test("the health of a server that stands by is NOT_SERVING, for those who ask and those who watch", async () => {
  await using server = await start(() => "This server stands by.");
  assert.equal(await checkHealth({ host, port: server.port, tls: false }), false);
  const client = new HealthClient(`${host}:${server.port}`, credentials.createInsecure());
  const call = client.watch({ service: "chatd.v1.ChatService" });
  const seen = await new Promise<HealthCheckResponse>((resolve) => call.once("data", resolve));
  assert.equal(seen.status, ServingStatus.NOT_SERVING);
  const ended = new Promise<void>((resolve) => call.once("end", () => resolve()));
  await server.close({ deadlineMs: 0 });
  await ended;
  client.close();
});
