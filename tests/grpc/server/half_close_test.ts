/** Clients that say that they send nothing more, and are owed answers. */
import assert from "node:assert/strict";
import { HistoryRequest } from "../../../src/gen/chatd/v1/chat.ts";
import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { encodeRequests, Http2Client, sendOf } from "../../support/servers/grpc_call.ts";
import { ChatServiceService } from "../../support/servers/grpc_js_services.ts";
import {
  startTestGrpcServer,
  type TestGrpcServer,
  type TestGrpcServerOptions,
} from "../../support/servers/grpc_server.ts";
import { LinkClient } from "../../support/servers/link_client.ts";
import type { RequestKind } from "../../support/servers/received_frames.ts";
import { helloWith } from "../../support/servers/test_session.ts";
import { historyRequest } from "../../support/servers/wire_values.ts";

const { path: connectPath } = ChatServiceService.connect;
const page = historyRequest({ with: "ana", limit: 2 });
const history: RequestKind = { $case: "history", value: page };
const window = 256 * 1024;

/** A server with a user whose pages are as long as pages become: 24 KiB. */
async function startWithPages(
  options: TestGrpcServerOptions = {},
): Promise<{ test: TestGrpcServer; token: string; transport: GrpcTransport }> {
  const test = await startTestGrpcServer(options);
  const transport = new GrpcTransport({ host: "127.0.0.1", port: test.server.port, callback: false });
  const request = { user: "ana", password: "correct horse", invite: "", deviceName: "" };
  const { token } = (await transport.register(request, {})).credentials!;
  const ana = await LinkClient.open(transport, token);
  for (let count = 0; count < 2; count++) await ana.send("ana", "x".repeat(12_000));
  await ana.close();
  return { test, token, transport };
}

/** A hello, 40 pages of 24 KB each, and 10 messages. */
function orders(token: string): Uint8Array {
  const hello: RequestKind = { $case: "hello", value: helloWith(token, { consumer: "script" }) };
  const sends = Array.from({ length: 10 }, (_, index) => sendOf("ana", `message ${index}`));
  return encodeRequests([hello, ...Array.from({ length: 40 }, () => history), ...sends]);
}

const kindsInOrder = ["hello", ...Array(40).fill("history"), ...Array(10).fill("send")];

for (const pace of ["fast", "slow"] as const) {
  Deno.test(`a ${pace} client that closed its side gets all that it asked for, far beyond a window`, async () => {
    const { test, token } = await startWithPages();
    await using _ = test;
    await using client = new Http2Client(test.server.port, { window: pace === "slow" ? 16_384 : 4 * window });
    const call = client.open(connectPath).send(orders(token)).halfClose();
    let mostUnread = 0;
    const looking = setInterval(() => mostUnread = Math.max(mostUnread, test.server.unreadBytes), 1);
    await (pace === "slow" ? call.readSlowly() : call.read());
    clearInterval(looking);
    assert.equal(call.status, 0);
    assert.deepEqual(call.replies.map(({ result }) => result?.$case), kindsInOrder);
    assert.deepEqual(call.replies.map(({ requestId }) => requestId), kindsInOrder.map((_, index) => index + 1));
    assert.ok(call.messages.reduce((sum, { length }) => sum + length, 0) > 3 * window);
    assert.ok(mostUnread < window + 2 * 65_536, `${mostUnread} octets waited`);
    assert.equal(test.chat.live.count, 0);
  });
}

Deno.test("a session whose client closed its side and reads nothing holds one window, and is broken off in the end", async () => {
  const { test, token } = await startWithPages({ answerDeadlineMs: 500 });
  await using _ = test;
  await using client = new Http2Client(test.server.port, { window: 0 });
  const call = client.open(connectPath).send(orders(token)).halfClose();
  let mostUnread = 0;
  await eventually(() => {
    mostUnread = Math.max(mostUnread, test.server.unreadBytes);
    return mostUnread >= window;
  });
  await eventually(() => {
    mostUnread = Math.max(mostUnread, test.server.unreadBytes);
    return test.server.unreadBytes === 0;
  });
  await call.closed;
  assert.ok(mostUnread < window + 2 * 65_536, `${mostUnread} octets waited`);
  assert.equal(call.status, undefined);
  assert.equal(test.chat.live.count, 0);
});

Deno.test("single calls whose answers are not taken hold a bounded number of octets, and are broken off in the end", async () => {
  const { test, token } = await startWithPages({ answerDeadlineMs: 500 });
  await using _ = test;
  await using client = new Http2Client(test.server.port, { window: 0 });
  const message = HistoryRequest.encode(page).finish();
  const path = ChatServiceService.history.path;
  const calls = Array.from({ length: 8 }, () => client.open(path, { token }).send(message).halfClose());
  await eventually(() => test.server.unreadBytes > 8 * 20_000);
  await Promise.all(calls.map((call) => call.closed));
  assert.deepEqual(calls.map(({ status }) => status), Array(8).fill(undefined));
  assert.equal(test.server.unreadBytes, 0);
});

Deno.test("a live session that reads nothing outlives a call that takes no answers", async () => {
  const { test, token } = await startWithPages({ answerDeadlineMs: 100 });
  await using _ = test;
  await using client = new Http2Client(test.server.port, { window: 0 });
  const hello: RequestKind = { $case: "hello", value: helloWith(token) };
  client.open(connectPath).send(encodeRequests([hello, history]));
  await eventually(() => test.server.unreadBytes > 20_000);
  const { path } = ChatServiceService.whoAmI;
  for (let count = 0; count < 3; count++) await client.open(path, { token }).send(new Uint8Array()).halfClose().closed;
  assert.equal(test.chat.live.count, 1);
});
