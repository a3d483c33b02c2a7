import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { Hello } from "../../src/gen/chatd/v1/session.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { LinkClient } from "../support/servers/link_client.ts";
import type { RequestKind } from "../support/servers/received_frames.ts";
import { sendRequest } from "../support/servers/wire_values.ts";
import { type DefineTest, logIn, noHello, openAll, password, register, windowBytes } from "./transport_harness.ts";

const ping: RequestKind = { $case: "ping", value: {} };
/** Before anything that is looked at now and then would be looked at again. */
const atOnce = { deadlineMs: 5_000 };

/** Accounts, devices and the beginnings and ends of sessions. */
export function transportAccounts(test: DefineTest): void {
  test("a user registers, logs in, and says hello", async ({ server, session, link }) => {
    const first = await register(server, "ana");
    assert.equal(first.user, "ana");
    const second = await logIn(server, "ana");
    assert.notEqual(second.token, first.token);
    assert.notEqual(second.deviceId, first.deviceId);
    const client = await link();
    const hello = await client.hello(first.token);
    const { user, deviceId, epoch, cursor, head, protocolMin, protocolMax } = hello;
    assert.deepEqual({ user, deviceId, epoch, cursor, head, protocolMin, protocolMax }, {
      user: "ana",
      deviceId: first.deviceId,
      epoch: server.chat.epoch,
      cursor: 0,
      head: 0,
      protocolMin: 1,
      protocolMax: 2,
    });
    assert.equal(hello.windowBytes, windowBytes);
    const whoAmI = await (await session(second.token)).ask("whoAmI", {});
    assert.deepEqual([whoAmI.user, whoAmI.deviceId], ["ana", second.deviceId]);
    const again = { user: "ana", password, deviceName: "", deviceId: first.deviceId };
    assert.equal((await server.transport.logIn(again, {})).credentials?.deviceId, first.deviceId);
  });

  test("registering and logging in fail with codes that say why", async ({ server }) => {
    await register(server, "ana");
    const { transport } = server;
    const good = { user: "ben", password, invite: "", deviceName: "" };
    await rejectsWith("already_exists", transport.register({ ...good, user: "ana" }, {}));
    await rejectsWith("invalid_argument", transport.register({ ...good, user: "Ben" }, {}));
    await rejectsWith("invalid_argument", transport.register({ ...good, password: "short" }, {}));
    const wrong = await rejectsWith("unauthenticated", logIn(server, "ana", "wrong password"));
    const unknown = await rejectsWith("unauthenticated", logIn(server, "nobody"));
    assert.equal(unknown.message.replace("nobody", "ana"), wrong.message);
  });

  test("who deletes their account hears of it, is logged out for ever, and their name stays taken", async (t) => {
    const { server, session } = t;
    const [ana, ben] = await openAll(server, session, "ana", "ben");
    await ana.send("ben", "farewell");
    const other = await session((await logIn(server, "ana")).token);
    assert.equal(
      await ana.refusal({ $case: "deleteAccount", value: { password: "wrong password" } }),
      "permission_denied",
    );
    assert.deepEqual(await ana.ask("deleteAccount", { password }), {});
    assert.equal(await ana.end(), "token_revoked");
    assert.equal(await other.end(), "token_revoked");
    await rejectsWith("already_exists", register(server, "ana"));
    await rejectsWith("unauthenticated", logIn(server, "ana"));
    const { conversations } = await ben.ask("listConversations", { limit: 0, beforePosition: 0 });
    assert.match(conversations[0].address, /^deleted\.[a-z2-7]{8}$/);
    assert.deepEqual([conversations[0].last?.text, conversations[0].last?.sender], [
      "farewell",
      conversations[0].address,
    ]);
    const answer = (to: string): RequestKind => ({
      $case: "send",
      value: sendRequest({ to, id: createMessageId(), text: "?" }),
    });
    assert.equal(await ben.refusal(answer("ana")), "not_found");
    assert.equal(await ben.refusal(answer(conversations[0].address)), "permission_denied");
    const { users } = await ben.ask("listUsers", { after: "", limit: 0 });
    assert.deepEqual(users.map(({ name }) => name), ["ben"]);
  });

  test("a server that is closed to strangers says so", async ({ server }) => {
    await rejectsWith("registration_closed", register(server, "ana"));
  }, { registration: "closed" });

  test("a server that is not there is unavailable", async ({ server, link }) => {
    const { token } = await register(server, "ana");
    await server.stop("in peace");
    await rejectsWith("unavailable", logIn(server, "ana"));
    const opened = await link().catch((error) => error);
    if (opened instanceof LinkClient) {
      opened.request({ $case: "hello", value: { ...noHello, token } });
      assert.equal(await opened.end(), "unavailable");
    } else {
      assert.equal(opened.code, "unavailable");
    }
  });

  test("a hello that is refused ends the session, and says why twice", async ({ server, link }) => {
    const { token } = await register(server, "ana");
    const wrong: [string, Partial<Hello>][] = [
      ["unauthenticated", { token: "no such token" }],
      ["unsupported_version", { token, protocolVersion: 7 }],
      ["invalid_argument", { token, consumer: "No Name" }],
    ];
    for (const [code, hello] of wrong) {
      const client = await link();
      assert.equal(await client.refusal({ $case: "hello", value: { ...noHello, ...hello } }), code);
      assert.equal(await client.end(), code);
      assert.equal(client.endReason?.code, code);
    }
    const early = await link();
    assert.equal(await early.refusal(ping), "unauthenticated");
    assert.equal(await early.end(), "unauthenticated");
    assert.equal(server.chat.live.count, 0);
  });

  test("devices are listed, and revoking one ends its session", async ({ server, session }) => {
    const first = await register(server, "ana");
    const second = await logIn(server, "ana");
    const [ana, other] = [await session(first.token), await session(second.token)];
    const { devices } = await ana.ask("listDevices", {});
    assert.deepEqual(
      new Set(devices.map(({ id, name, current, online }) => [id, name, current, online].join())),
      new Set([
        [first.deviceId, "ana's laptop", true, true].join(),
        [second.deviceId, "unnamed device", false, true].join(),
      ]),
    );
    assert.equal(await ana.refusal({ $case: "revokeDevice", value: { id: "none" } }), "not_found");
    await ana.ask("revokeDevice", { id: second.deviceId });
    assert.equal(await other.end(atOnce), "token_revoked");
    assert.equal((await ana.ask("listDevices", {})).devices.length, 1);
    await ana.ask("revokeDevice", { id: first.deviceId });
    assert.equal(await ana.end(), "token_revoked");
  });

  test("changing the password ends the other sessions and keeps this one", async ({ server, session }) => {
    const first = await register(server, "ana");
    const [ana, other] = [await session(first.token), await session((await logIn(server, "ana")).token)];
    const wrong = { currentPassword: "wrong password", newPassword: "a better one" };
    assert.equal(await ana.refusal({ $case: "changePassword", value: wrong }), "permission_denied");
    const value = { currentPassword: password, newPassword: "a better one" };
    const { credentials } = await ana.ask("changePassword", value);
    assert.equal(await other.end(atOnce), "token_revoked");
    await ana.ask("ping", {});
    await rejectsWith("unauthenticated", logIn(server, "ana"));
    await logIn(server, "ana", "a better one");
    await (await session(credentials!.token)).ask("ping", {});
    assert.equal(await ana.end(), "session_replaced");
  });

  test("log out answers, ends the session, and the token is dead", async ({ server, session, link }) => {
    const { token } = await register(server, "ana");
    const ana = await session(token);
    await ana.ask("logOut", {});
    assert.equal(await ana.end(), "token_revoked");
    const again = await link();
    assert.equal(await again.refusal({ $case: "hello", value: { ...noHello, token } }), "unauthenticated");
  });

  test("a user who is disabled is out at once, and stays out", async ({ server, fixture, session, link }) => {
    const { token } = await register(server, "ana");
    const ana = await session(token);
    await server.chat.accounts.disable("ana");
    assert.equal(await ana.end(atOnce), "token_revoked");
    await rejectsWith(fixture.refusesDisabledAs ?? "permission_denied", logIn(server, "ana"));
    const again = await link();
    assert.equal(await again.refusal({ $case: "hello", value: { ...noHello, token } }), "unauthenticated");
  });
}
