/** A server that stops waits for calls until its deadline, and for nothing else. */
import assert from "node:assert/strict";
import { ListUsersRequest } from "../../../src/gen/chatd/v1/chat.ts";
import { createCertificates } from "../../crash/certificates.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { FrozenClient } from "../../support/processes/frozen_client.ts";
import { encodeRequests, Http2Client } from "../../support/servers/grpc_call.ts";
import { ChatServiceService } from "../../support/servers/grpc_js_services.ts";
import { startTestGrpcServer, type TestGrpcServer } from "../../support/servers/grpc_server.ts";
import { helloWith } from "../../support/servers/test_session.ts";

const certificates = await createCertificates();
const pem = (text: string) => new TextEncoder().encode(text);
const serverTls = { certificate: pem(certificates.server.certificate), key: pem(certificates.server.key) };

/** Later than each test. */
const never = { deadlineMs: 24 * 60 * 60_000 };
const password = "correct horse battery";
const empty = new Uint8Array();
const { connect, listUsers, whoAmI } = ChatServiceService;
const listing = ListUsersRequest.encode({ after: "", limit: 1 }).finish();

async function logIn({ chat }: TestGrpcServer, user: string): Promise<string> {
  await chat.accounts.addUser({ name: user, password });
  return (await chat.accounts.logIn({ user, password, deviceName: "", deviceId: "", address: "127.0.0.1" })).token;
}

function helloOf(token: string): Uint8Array {
  return encodeRequests([{ $case: "hello", value: helloWith(token) }]);
}

for (const [name, tls] of [["TLS", serverTls], ["none", undefined]] as const) {
  Deno.test(`a server that stops does not wait for idle connections, even of frozen clients, with TLS: ${name}`, async () => {
    await using test = await startTestGrpcServer({ tls });
    const token = await logIn(test, "ana");
    const ca = tls && certificates.authority;
    await using stranger = await FrozenClient.open(test.server.port, { ca });
    await using user = await FrozenClient.open(test.server.port, { ca });
    const before = user.received.length;
    user.call(whoAmI.path, { token, message: empty });
    await eventually(() => user.received.length > before);
    await test.server.close(never);
    await Promise.all([stranger.closed, user.closed]);
  });
}

Deno.test("live sessions are told first, and their clients' connections are not waited for", async () => {
  await using test = await startTestGrpcServer();
  const [ana, ben] = [await logIn(test, "ana"), await logIn(test, "ben")];
  await using honest = new Http2Client(test.server.port);
  const session = honest.open(connect.path).send(helloOf(ana));
  void session.read();
  await using frozen = await FrozenClient.open(test.server.port);
  frozen.call(connect.path, { message: helloOf(ben), isLast: false });
  await eventually(() => test.chat.live.count === 2);
  const closed = test.server.close(never);
  test.chat.endSessions();
  await session.closed;
  assert.equal(session.fields["chatd-error-code"], "unavailable");
  assert.equal(session.status, 14);
  await honest.closed;
  assert.ok(honest.isToldToGo);
  await Promise.all([closed, frozen.closed]);
});

Deno.test("a call is answered while the server stops, and its connection is not waited for afterwards", async () => {
  await using test = await startTestGrpcServer();
  const token = await logIn(test, "ana");
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<[]>();
  test.chat.accounts.listUsers = () => {
    asked.resolve();
    return answer.promise;
  };
  await using idle = await FrozenClient.open(test.server.port);
  await using frozen = await FrozenClient.open(test.server.port);
  frozen.call(listUsers.path, { token, message: listing });
  await asked.promise;
  const closed = test.server.close(never);
  await idle.closed;
  assert.ok(!frozen.isClosed);
  const before = frozen.received.length;
  answer.resolve([]);
  await Promise.all([closed, frozen.closed]);
  assert.ok(frozen.received.length > before, "no answer came");
});

Deno.test("what is open at the deadline is broken off", async () => {
  await using test = await startTestGrpcServer();
  const token = await logIn(test, "ana");
  await using unread = new Http2Client(test.server.port, { window: 0 });
  const call = unread.open(whoAmI.path, { token }).send(empty).halfClose();
  await using frozen = await FrozenClient.open(test.server.port);
  frozen.call(connect.path, { message: helloOf(token), isLast: false });
  await eventually(() => test.chat.live.count === 1);
  await test.server.close({ deadlineMs: 100 });
  await Promise.all([call.closed, unread.closed, frozen.closed]);
  assert.equal(call.status, undefined);
  assert.equal(test.chat.live.count, 0);
});

Deno.test("a server may be closed twice at once", async () => {
  await using test = await startTestGrpcServer();
  await using frozen = await FrozenClient.open(test.server.port);
  await Promise.all([test.server.close(never), test.server.close(never), frozen.closed]);
});
