import assert from "node:assert/strict";
import { type Log, silentLog } from "../../src/core/log.ts";
import { FakeTime } from "../support/fakes/fake_time.ts";
import { open, ping, send } from "../support/servers/session_requests.ts";
import { password, TestChat } from "../support/servers/test_chat.ts";
import { helloWith, TestSession } from "../support/servers/test_session.ts";
import { turns, until } from "../support/waiting/turns.ts";

Deno.test("disabling a user ends their sessions with the reason", async () => {
  await using test = await TestChat.open();
  const [ana, ben] = [await open(test, "ana"), await open(test, "ben")];
  await test.accounts.disable("ana");
  assert.equal(ana.endCode, "token_revoked");
  await ben.ask("ping", {});
});

Deno.test("a log-out is answered before the end, and after the replies to earlier sends", async () => {
  await using test = await TestChat.open();
  const ana = await open(test, "ana");
  const other = await open(test, "ana");
  const ids = ana.request(send(test, "ben"), { $case: "logOut", value: {} }, ping);
  await until(() => ana.ended);
  assert.equal(ana.endCode, "token_revoked");
  assert.deepEqual(ana.replies.slice(1).map(({ requestId, result }) => [requestId, result?.$case]), [
    [ids[0], "send"],
    [ids[1], "logOut"],
  ]);
  await other.ask("ping", {});
});

Deno.test("revoking the own device is answered before the end; revoking another ends its session", async () => {
  await using test = await TestChat.open();
  const { token, deviceId } = await test.logIn("ana");
  const [ana, other] = [await TestSession.open(test, token), await open(test, "ana")];
  const { devices } = await ana.ask("listDevices", {});
  const otherId = devices.find(({ current }) => !current)!.id;
  await ana.ask("revokeDevice", { id: otherId });
  assert.equal(other.endCode, "token_revoked");
  await ana.ask("revokeDevice", { id: deviceId });
  assert.equal(ana.endCode, "token_revoked");
});

Deno.test("a failed log-out changes nothing", async () => {
  await using test = await TestChat.open();
  const ana = await open(test, "ana");
  const logOutDevice = test.store.accounts.logOutDevice.bind(test.store.accounts);
  test.store.accounts.logOutDevice = () => Promise.reject(new Error("disk"));
  const [id] = ana.request({ $case: "logOut", value: {} });
  assert.equal((await ana.reply(id)).$case, "error");
  test.store.accounts.logOutDevice = logOutDevice;
  await test.accounts.disable("ana");
  assert.equal(ana.endCode, "token_revoked");
  assert.equal(ana.replies.filter(({ requestId }) => requestId === id).length, 1);
});

Deno.test("changing the password ends the other sessions and keeps this one", async () => {
  await using test = await TestChat.open();
  const [ana, other] = [await open(test, "ana"), await open(test, "ana")];
  await ana.ask("changePassword", { currentPassword: password, newPassword: "another one" });
  assert.equal(other.endCode, "token_revoked");
  await ana.ask("ping", {});
});

Deno.test("a client that closes its side gets its replies, and then the end", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  const ana = new TestSession(test);
  ana.request({ $case: "hello", value: helloWith(token) }, send(test, "ben", "1"), send(test, "ben", "2"), ping);
  ana.session.leave();
  await until(() => ana.ended);
  assert.deepEqual(ana.ended, { reason: undefined });
  assert.deepEqual(ana.replies.map(({ result }) => result?.$case), ["hello", "send", "send", "ping"]);
  assert.equal(test.chat.live.count, 0);
  const idle = new TestSession(test);
  idle.session.leave();
  await until(() => idle.ended);
});

Deno.test("after a disconnect nothing is sent, and no waiting request is begun", async () => {
  await using test = await TestChat.open();
  const [ana, ben] = [await open(test, "ana"), await open(test, "ben")];
  ana.request(ping, send(test, "ben"));
  const frames = ana.frames.length;
  ana.session.disconnected();
  ana.session.disconnected();
  ana.request(ping);
  await turns(5);
  assert.equal(ana.frames.length, frames);
  assert.equal(test.chat.head, 0);
  await ben.ask("ping", {});
});

Deno.test("a session renews its token daily, until its device is logged out in the store", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const day = 24 * 60 * 60 * 1000;
  const { token, deviceId } = await test.logIn("ana");
  const client = await TestSession.open(test, token);
  const pending = time.pending;
  for (let days = 0; days < 200; days++) {
    test.clock.advance(day);
    await time.tick(day);
  }
  assert.equal(client.ended, undefined);
  assert.equal(time.pending, pending);
  assert.equal((await test.accounts.authenticate(token)).user, "ana");
  await test.store.accounts.logOutDevice(deviceId);
  await time.tick(day);
  assert.equal(client.endCode, "unauthenticated");
  await time.tick(60_000);
  assert.equal(time.pending, 0);
});

Deno.test("a session ends when its token was not renewed in time", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const client = await open(test, "ana");
  test.clock.advance(91 * 24 * 60 * 60 * 1000);
  await time.tick(24 * 60 * 60 * 1000);
  assert.equal(client.endCode, "unauthenticated");
});

Deno.test("sessions share a timer for renewals; a failed one is logged and repeated, and affects no other", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const logged: { event: string; user: unknown }[] = [];
  const log: Log = { ...silentLog, error: (event, fields) => void logged.push({ event, user: fields?.user }) };
  const ana = await open(test, "ana", { log });
  const pending = time.pending;
  const ben = await open(test, "ben", { log });
  assert.equal(time.pending, pending);
  const renewed: string[] = [];
  test.accounts.renew = ({ user }) => {
    renewed.push(user);
    return user === "ana" ? Promise.reject(new Error("the disk failed")) : Promise.resolve();
  };
  await time.tick(2 * 24 * 60 * 60 * 1000);
  assert.deepEqual(renewed, ["ana", "ben", "ana", "ben"]);
  assert.deepEqual(logged, [1, 2].map(() => ({ event: "a token was not renewed", user: "ana" })));
  assert.deepEqual([ana.ended, ben.ended], [undefined, undefined]);
  for (const client of [ana, ben]) client.session.disconnected();
  await time.tick(60_000);
  assert.equal(time.pending, 0);
});
