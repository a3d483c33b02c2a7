/** Single calls that list and revoke devices and change passwords: they end sessions as requests of a session do. */
import assert from "node:assert/strict";
import { ChangePasswordResponse, ListDevicesResponse } from "../../../src/gen/chatd/v1/auth.ts";
import { AuthServiceDefinition } from "../../../src/gen/chatd/v1/auth_service.ts";
import { ChatServiceDefinition } from "../../../src/gen/chatd/v1/chat_service.ts";
import { pathOf } from "../../../src/grpc/service_definition.ts";
import { withTwins } from "../../../src/grpc/server/unary_methods.ts";
import { costOf } from "../../../src/session/request_costs.ts";
import { requestHandlers } from "../../../src/session/request_handlers.ts";
import type { RequestValues } from "../../../src/session/request_types.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { encodeRequests, type GrpcCall, Http2Client } from "../../support/servers/grpc_call.ts";
import { startTestGrpcServer, type TestGrpcServer } from "../../support/servers/grpc_server.ts";
import type { RequestKind } from "../../support/servers/received_frames.ts";
import { helloWith } from "../../support/servers/test_session.ts";

const password = "correct horse battery";
const nextPassword = "another password";

type DeviceRequest = "listDevices" | "revokeDevice" | "changePassword";

interface Device {
  readonly token: string;
  readonly deviceId: string;
}

/** Logs ana in on a device of its own. */
async function logIn({ chat }: TestGrpcServer): Promise<Device> {
  if (await chat.accounts.findUser("ana") === undefined) await chat.accounts.addUser({ name: "ana", password });
  return await chat.accounts.logIn({ user: "ana", password, deviceName: "", deviceId: "", address: "127.0.0.1" });
}

function single<Name extends DeviceRequest>(
  client: Http2Client,
  { token, name, value }: { token?: string; name: Name; value: RequestValues[Name] },
): Promise<GrpcCall> {
  const { encode } = AuthServiceDefinition.methods[name].requestType;
  const call = client.open(pathOf(AuthServiceDefinition, name), { token });
  return call.send(encode(value as never).finish()).halfClose().read();
}

/** A live session that has had its hello. */
async function openSession(client: Http2Client, { token }: Device): Promise<GrpcCall> {
  const hello: RequestKind = { $case: "hello", value: helloWith(token) };
  const call = client.open(pathOf(ChatServiceDefinition, "connect")).send(encodeRequests([hello]));
  void call.read();
  await eventually(() => call.replies.length === 1);
  return call;
}

/** Resolves when a session has ended because its token was revoked, for a reason that people are told. */
async function isRevoked({ closed, fields }: GrpcCall, reason: RegExp): Promise<void> {
  await closed;
  assert.equal(fields["chatd-error-code"], "token_revoked");
  assert.match(decodeURIComponent(fields["grpc-message"]), reason);
}

/** Three devices of ana with a live session and a connection each, of which the first asks. */
class Devices implements AsyncDisposable {
  readonly test: TestGrpcServer;
  readonly devices: readonly Device[];
  readonly clients: readonly Http2Client[];
  readonly sessions: readonly GrpcCall[];

  private constructor(
    test: TestGrpcServer,
    all: readonly { device: Device; client: Http2Client; session: GrpcCall }[],
  ) {
    this.test = test;
    this.devices = all.map(({ device }) => device);
    this.clients = all.map(({ client }) => client);
    this.sessions = all.map(({ session }) => session);
  }

  static async open(): Promise<Devices> {
    const test = await startTestGrpcServer();
    const all = [];
    for (let count = 0; count < 3; count++) {
      const device = await logIn(test);
      const client = new Http2Client(test.server.port);
      all.push({ device, client, session: await openSession(client, device) });
    }
    return new Devices(test, all);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) await client[Symbol.asyncDispose]();
    await this.test[Symbol.asyncDispose]();
  }
}

type Ask = <Name extends DeviceRequest>(devices: Devices, name: Name, value: RequestValues[Name]) => Promise<void>;

const asBySession: Ask = async ({ sessions: [session] }, name, value) => {
  session.send(encodeRequests([{ $case: name, value } as RequestKind], 2));
  await eventually(() => session.replies.at(1)?.result?.$case === name);
};
const asByCall: Ask = async ({ clients: [client], devices: [{ token }] }, name, value) => {
  assert.equal((await single(client, { token, name, value })).status, 0);
};

for (const [means, ask] of [["a request of a session", asBySession], ["a single call", asByCall]] as const) {
  Deno.test(`${means} that revokes a device ends its sessions and its connection, and no others`, async () => {
    await using all = await Devices.open();
    await ask(all, "revokeDevice", { id: all.devices[1].deviceId });
    await isRevoked(all.sessions[1], /logged out/);
    await all.clients[1].closed;
    assert.equal(all.test.chat.live.count, 2);
    assert.equal(all.clients[0].isToldToGo || all.clients[2].isToldToGo, false);
  });

  Deno.test(`${means} that changes the password ends the sessions of all other devices`, async () => {
    await using all = await Devices.open();
    await ask(all, "changePassword", { currentPassword: password, newPassword: nextPassword });
    for (const other of [1, 2]) {
      await isRevoked(all.sessions[other], /password .* changed/);
      await all.clients[other].closed;
    }
    assert.equal(all.test.chat.live.count, 1);
    assert.equal(all.clients[0].isToldToGo, false);
  });

  Deno.test(`${means} that revokes its own device is answered before its sessions and its connection end`, async () => {
    await using all = await Devices.open();
    await ask(all, "revokeDevice", { id: all.devices[0].deviceId });
    await isRevoked(all.sessions[0], /logged out/);
    await all.clients[0].closed;
    assert.equal(all.test.chat.live.count, 2);
  });
}

Deno.test("a single call that changes the password is answered with a token in place of that of the call", async () => {
  await using test = await startTestGrpcServer();
  const { token, deviceId } = await logIn(test);
  await using client = new Http2Client(test.server.port);
  const value = { currentPassword: password, newPassword: nextPassword };
  const changed = await single(client, { token, name: "changePassword", value });
  const { credentials } = ChangePasswordResponse.decode(changed.messages[0]);
  assert.deepEqual([credentials?.user, credentials?.deviceId], ["ana", deviceId]);
  const list = (token: string) => single(client, { token, name: "listDevices", value: {} });
  assert.equal((await list(token)).fields["chatd-error-code"], "unauthenticated");
  const { devices } = ListDevicesResponse.decode((await list(credentials!.token)).messages[0]);
  assert.deepEqual(devices.map(({ id, current, online }) => ({ id, current, online })), [
    { id: deviceId, current: true, online: false },
  ]);
});

Deno.test("single calls about devices cost their user what requests of a session cost, and nothing without a token", async () => {
  const value = { currentPassword: "wrong password", newPassword: nextPassword };
  const cost = costOf("changePassword", value);
  assert.equal(cost, 10);
  await using test = await startTestGrpcServer({ rate: { perSecond: 0.001, burst: 2 * cost } });
  const { token } = await logIn(test);
  await using client = new Http2Client(test.server.port);
  const codes = [];
  for (const shown of [token, undefined, token, token]) {
    const call = await single(client, { token: shown, name: "changePassword", value });
    codes.push(call.fields["chatd-error-code"]);
  }
  assert.deepEqual(codes, ["permission_denied", "unauthenticated", "permission_denied", "rate_limited"]);
});

Deno.test("each request of a session is a single call too, but for those that mean nothing without a session", () => {
  const calls = [AuthServiceDefinition, ChatServiceDefinition].flatMap(({ methods }) => Object.keys(methods));
  const others = Object.keys(requestHandlers).filter((name) => !calls.includes(name));
  assert.deepEqual(others.sort(), ["ping", "setAway", "typing"]);
});

Deno.test("a server with a method that nothing answers does not start", async () => {
  await using test = await startTestGrpcServer();
  const { methods: { search }, ...service } = ChatServiceDefinition;
  const options = { chat: test.chat, onLogIn() {} } as never;
  assert.throws(
    // @ts-expect-error the method has no handler
    () => withTwins(options, { ...service, methods: { search, listStickers: search } }, {}),
    /No handler answers chatd.v1.ChatService.listStickers/,
  );
});
