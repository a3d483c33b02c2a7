/** Connections end with the last device that logged in over them. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { Buffer } from "node:buffer";
import { DeleteAccountRequest } from "../../../src/gen/chatd/v1/auth.ts";
import {
  data,
  grpcMessage,
  headers,
  PREFACE,
  requestHeaders,
  settings,
  SETTINGS_ACK,
} from "../../crash/http2_frames.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { encodeRequests, type GrpcCall, Http2Client } from "../../support/servers/grpc_call.ts";
import { AuthServiceService, ChatServiceService } from "../../support/servers/grpc_js_services.ts";
import { startTestGrpcServer, type TestGrpcServer } from "../../support/servers/grpc_server.ts";
import type { RequestKind } from "../../support/servers/received_frames.ts";
import { helloWith } from "../../support/servers/test_session.ts";

const password = "correct horse battery";
const empty = new Uint8Array();
const whoAmIPath = ChatServiceService.whoAmI.path;

/** Logs in as a device of its own; the account is made when there is none. */
async function logIn({ chat }: TestGrpcServer, user: string) {
  if (await chat.accounts.findUser(user) === undefined) await chat.accounts.addUser({ name: user, password });
  return await chat.accounts.logIn({ user, password, deviceName: "", deviceId: "", address: "127.0.0.1" });
}

/** The status of a call over a connection. */
async function ask(client: Http2Client, token: string): Promise<number | undefined> {
  return (await client.open(whoAmIPath, { token }).send(empty).halfClose().read()).status;
}

/** A connection over which these devices have called. */
async function openFor({ server }: TestGrpcServer, ...tokens: string[]): Promise<Http2Client> {
  const client = new Http2Client(server.port);
  for (const token of tokens) assert.equal(await ask(client, token), 0);
  return client;
}

/** A live session that has had its hello. */
async function openSession(client: Http2Client, token: string): Promise<GrpcCall> {
  const hello: RequestKind = { $case: "hello", value: helloWith(token) };
  const call = client.open(ChatServiceService.connect.path).send(encodeRequests([hello]));
  void call.read();
  await eventually(() => call.replies.length === 1);
  return call;
}

/** Closed by the server, after it said so. */
async function endsInOrder(client: Http2Client): Promise<void> {
  await client.closed;
  assert.ok(client.isToldToGo, "no GOAWAY came");
}

Deno.test("a device that logs out by a single call has its answer, and then the end of its connection", async () => {
  await using test = await startTestGrpcServer();
  const { token } = await logIn(test, "ana");
  await using client = await openFor(test, token);
  const call = await client.open(AuthServiceService.logOut.path, { token }).send(empty).halfClose().read();
  assert.equal(call.status, 0);
  assert.equal(call.messages.length, 1);
  await endsInOrder(client);
});

Deno.test("who deletes their account has the answer, and then the end of each of their connections", async () => {
  await using test = await startTestGrpcServer();
  const [one, other] = [await logIn(test, "ana"), await logIn(test, "ana")];
  await using client = await openFor(test, one.token);
  await using second = await openFor(test, other.token);
  const request = DeleteAccountRequest.encode({ password }).finish();
  const { path } = AuthServiceService.deleteAccount;
  const call = await client.open(path, { token: one.token }).send(request).halfClose().read();
  assert.equal(call.status, 0);
  await Promise.all([client, second].map(endsInOrder));
});

Deno.test("a session that logs out has its reply, its reason, and then the end of its connection", async () => {
  await using test = await startTestGrpcServer();
  const { token } = await logIn(test, "ana");
  await using client = await openFor(test, token);
  const session = await openSession(client, token);
  session.send(encodeRequests([{ $case: "logOut", value: {} }], 2));
  await session.closed;
  assert.deepEqual(session.replies.map(({ result }) => result?.$case), ["hello", "logOut"]);
  assert.equal(session.fields["chatd-error-code"], "token_revoked");
  await endsInOrder(client);
});

Deno.test("logging another device out ends that device's connection, and no other", async () => {
  await using test = await startTestGrpcServer();
  const [phone, laptop] = [await logIn(test, "ana"), await logIn(test, "ana")];
  await using ofPhone = await openFor(test, phone.token);
  await using ofLaptop = await openFor(test, laptop.token);
  const session = await openSession(ofPhone, phone.token);
  session.send(encodeRequests([{ $case: "revokeDevice", value: { id: laptop.deviceId } }], 2));
  await endsInOrder(ofLaptop);
  await eventually(() => session.replies.length === 2);
  assert.equal(await ask(ofPhone, phone.token), 0);
});

Deno.test("another password ends the connections of the other devices", async () => {
  await using test = await startTestGrpcServer();
  const [phone, laptop] = [await logIn(test, "ana"), await logIn(test, "ana")];
  await using ofPhone = await openFor(test, phone.token);
  await using ofLaptop = await openFor(test, laptop.token);
  const session = await openSession(ofPhone, phone.token);
  const value = { currentPassword: password, newPassword: "another password" };
  session.send(encodeRequests([{ $case: "changePassword", value }], 2));
  await endsInOrder(ofLaptop);
  await eventually(() => session.replies.length === 2);
  const { result } = session.replies[1];
  assert.equal(result?.$case, "changePassword");
  assert.equal(await ask(ofPhone, result.value.credentials!.token), 0);
});

for (
  const [name, end] of [
    ["disabled", ({ chat }: TestGrpcServer) => chat.accounts.disable("ana")],
    ["deleted", ({ chat }: TestGrpcServer) => chat.accounts.deleteUser("ana", { actor: "operator", erase: false })],
  ] as const
) {
  Deno.test(`the connections of a user who is ${name} end, and their sessions say why`, async () => {
    await using test = await startTestGrpcServer();
    const [ana, ben] = [await logIn(test, "ana"), await logIn(test, "ben")];
    await using ofAna = await openFor(test, ana.token);
    await using ofBen = await openFor(test, ben.token);
    const session = await openSession(ofAna, ana.token);
    await end(test);
    await session.closed;
    assert.equal(session.fields["chatd-error-code"], "token_revoked");
    await endsInOrder(ofAna);
    assert.equal(await ask(ofBen, ben.token), 0);
  });
}

Deno.test("a connection of several users and devices stays until the last of them is revoked", async () => {
  await using test = await startTestGrpcServer();
  const [phone, laptop, ben] = [await logIn(test, "ana"), await logIn(test, "ana"), await logIn(test, "ben")];
  await using proxy = await openFor(test, phone.token, laptop.token, ben.token);
  await test.chat.accounts.disable("ben");
  assert.equal(await ask(proxy, ben.token), 16);
  assert.equal(await ask(proxy, phone.token), 0);
  const logOut = proxy.open(AuthServiceService.logOut.path, { token: phone.token });
  assert.equal((await logOut.send(empty).halfClose().read()).status, 0);
  assert.equal(await ask(proxy, phone.token), 16);
  assert.equal(await ask(proxy, laptop.token), 0);
  assert.ok(!proxy.isToldToGo);
  await test.chat.accounts.disable("ana");
  await endsInOrder(proxy);
});

Deno.test("a connection of more than 16 devices outlives each of them", async () => {
  await using test = await startTestGrpcServer();
  const devices = [];
  for (let count = 0; count < 17; count++) devices.push(await logIn(test, `user${count}`));
  await using proxy = await openFor(test, ...devices.map(({ token }) => token));
  for (const { user } of devices) await test.chat.accounts.disable(user);
  const { token } = await logIn(test, "ana");
  assert.equal(await ask(proxy, token), 0);
  assert.ok(!proxy.isToldToGo);
});

Deno.test("a connection whose client takes no notice is closed all the same, and an open session with it", async () => {
  await using test = await startTestGrpcServer();
  const { token } = await logIn(test, "ana");
  const socket = connect(test.server.port, "127.0.0.1");
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  let bytes = 0;
  socket.on("data", (chunk: Uint8Array) => bytes += chunk.length);
  const hello = grpcMessage(encodeRequests([{ $case: "hello", value: helloWith(token) }]));
  const open = (id: number, path: string, body: Uint8Array, isLast: boolean) =>
    Buffer.concat([headers(id, requestHeaders(path, [["authorization", `Bearer ${token}`]])), data(id, body, isLast)]);
  socket.write(Buffer.concat([PREFACE, settings(), SETTINGS_ACK]));
  socket.write(open(1, ChatServiceService.connect.path, hello, false));
  await eventually(() => test.chat.live.count === 1);
  // A call whose request does not end.
  socket.write(open(3, whoAmIPath, grpcMessage(empty), false));
  const before = bytes;
  await test.chat.accounts.disable("ana");
  await closed;
  assert.ok(bytes > before, "neither GOAWAY nor the end of the session came");
  assert.equal(test.chat.live.count, 0);
  await eventually(() => test.server.connections === 0);
});
