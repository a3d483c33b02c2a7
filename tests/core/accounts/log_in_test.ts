import assert from "node:assert/strict";
import { Accounts } from "../../../src/core/accounts/accounts.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { FakeHasher } from "../../support/fakes/fake_hasher.ts";
import { minute, password, setUp } from "../../support/servers/test_accounts.ts";

Deno.test("logIn() creates a device, or logs in the user's device again", async () => {
  const { accounts, register, logIn, revocations } = setUp();
  const first = await register("ana");
  const second = await logIn("ana");
  assert.notEqual(second.deviceId, first.deviceId);
  assert.equal(revocations.length, 0);
  const again = await logIn("ana", { deviceId: first.deviceId });
  assert.equal(again.deviceId, first.deviceId);
  await rejectsWith("unauthenticated", accounts.authenticate(first.token));
  await accounts.authenticate(again.token);
  await accounts.authenticate(second.token);
  assert.deepEqual(revocations.map(({ user, deviceId }) => [user, deviceId]), [["ana", first.deviceId]]);
  assert.equal(revocations[0].reason.code, "token_revoked");
});

Deno.test("logIn() does not reveal whether the name, the password or the device was wrong", async () => {
  const { register, logIn, hasher, logged } = setUp();
  await register("ana");
  const ben = await register("ben");
  hasher.verified.length = 0;
  const errors = [
    await rejectsWith("unauthenticated", logIn("ana", { password: "wrong password" })),
    await rejectsWith("unauthenticated", logIn("nobody-here")),
    await rejectsWith("unauthenticated", logIn("ana", { deviceId: ben.deviceId })),
    await rejectsWith("unauthenticated", logIn("ana", { deviceId: "unknown", password: "wrong password" })),
  ];
  assert.deepEqual(new Set(errors.map(({ message }) => message.replace("nobody-here", "ana"))).size, 1);
  assert.deepEqual(hasher.verified.map((hash) => hash.startsWith("fake1")), [true, true, true, true]);
  assert.ok(!JSON.stringify(logged).includes("nobody-here"));
});

Deno.test("logIn() with a removed device creates a new one", async () => {
  const { accounts, register, logIn, store } = setUp();
  const { deviceId, token } = await register("ana");
  await accounts.logOut(await accounts.authenticate(token));
  await store.trimDevices("ana", { keep: 0 });
  assert.equal(await store.findDevice(deviceId), undefined);
  const again = await logIn("ana", { deviceId });
  assert.notEqual(again.deviceId, deviceId);
  await accounts.authenticate(again.token);
});

Deno.test("logIn() reveals that an account is disabled only with the right password", async () => {
  const { accounts, register, logIn, fail } = setUp();
  await register("ana");
  await accounts.disable("ana");
  await fail("ana");
  assert.match((await rejectsWith("permission_denied", logIn("ana"))).message, /disabled/);
  await accounts.enable("ana");
  await logIn("ana");
});

Deno.test("logIn() throttles a name at an address, whether or not the account exists", async () => {
  const { register, logIn, fail, hasher, clock } = setUp();
  await register("ana");
  for (const user of ["ana", "nobody-here"]) {
    for (let i = 0; i < 5; i++) await fail(user);
    const verified = hasher.verified.length;
    const { retryAfterMs, message } = await rejectsWith("rate_limited", logIn(user));
    assert.equal(hasher.verified.length, verified);
    assert.equal(retryAfterMs, 2 * minute);
    assert.match(message, /Try again in 2 minutes/);
  }
  await logIn("ana", { address: "192.0.2.2" });
  clock.advance(2 * minute);
  await logIn("ana");
});

Deno.test("logIn() throttles an address that tries many names", async () => {
  const { register, logIn, fail } = setUp();
  await register("ana");
  for (let i = 0; i < 20; i++) await fail(`user${i}`, { address: `2001:db8::${i}` });
  await rejectsWith("rate_limited", logIn("ana", { address: "2001:db8::ffff" }));
  await logIn("ana", { address: "2001:db8:0:1::1" });
});

Deno.test("logIn() throttles a name tried from many addresses, but admits its owner's device", async () => {
  const { register, logIn, fail, accounts } = setUp();
  const ana = await register("ana");
  for (let i = 0; i < 25; i++) await fail("ana", { address: `198.51.100.${i}` });
  const { retryAfterMs } = await rejectsWith("rate_limited", logIn("ana", { address: "203.0.113.1" }));
  assert.ok(retryAfterMs !== undefined && retryAfterMs <= 15 * minute);
  await accounts.authenticate(ana.token);
  await logIn("ana", { address: "203.0.113.1", deviceId: ana.deviceId });
});

Deno.test("logIn() never imposes a wait of more than 15 minutes, however many attempts failed at once", async () => {
  const { register, logIn, fail, clock } = setUp();
  await register("ana");
  await Promise.all(Array.from({ length: 18 }, () => fail("ana")));
  const { retryAfterMs } = await rejectsWith("rate_limited", logIn("ana"));
  assert.ok(retryAfterMs !== undefined && retryAfterMs <= 15 * minute);
  clock.advance(retryAfterMs);
  await logIn("ana");
});

Deno.test("logIn() counts only failures: many concurrent successful logins cause no wait", async () => {
  const { register, logIn } = setUp();
  await register("ana");
  await Promise.all(Array.from({ length: 18 }, () => logIn("ana")));
  await logIn("ana");
});

Deno.test("logIn() hashes two passwords at once, and returns busy when the queue is full", async () => {
  const { register, logIn, hasher } = setUp();
  await register("ana");
  const { promise, resolve } = Promise.withResolvers<void>();
  hasher.gate = promise;
  const logins = Array.from({ length: 20 }, () => logIn("ana"));
  const settled = Promise.allSettled(logins);
  const { retryAfterMs } = await rejectsWith("busy", Promise.race(logins));
  assert.ok(retryAfterMs);
  resolve();
  const results = await settled;
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 18);
  assert.equal(hasher.mostRunning, 2);
});

Deno.test("logIn() renews a hash with outdated parameters, and tokens stay valid", async () => {
  const { store, clock, accounts, register } = setUp();
  const { token } = await register("ana");
  const hasher = new FakeHasher("2");
  const log = { info() {}, warn() {}, error() {} };
  const raised = new Accounts({ store, hasher, clock, log, registration: "open" });
  await raised.logIn({ user: "ana", password, deviceName: "", deviceId: "", address: "192.0.2.1" });
  assert.equal((await store.findUser("ana"))?.passwordHash, `fake2:${password}`);
  assert.equal((await accounts.authenticate(token)).user, "ana");
});

Deno.test("logIn() with a password that is changed meanwhile fails", async () => {
  const { accounts, register, logIn, hasher, store } = setUp();
  await register("ana");
  const { promise, resolve } = Promise.withResolvers<void>();
  hasher.gate = promise;
  const login = logIn("ana");
  hasher.gate = undefined;
  await accounts.setPassword("ana", "another password");
  resolve();
  await rejectsWith("unauthenticated", login);
  assert.deepEqual(await store.listDevices("ana"), []);
});

Deno.test("repeated logins keep the number of a user's devices bounded", async () => {
  const { accounts, register, logIn, clock, revocations } = setUp();
  const first = await register("ana");
  for (let i = 0; i < 100; i++) {
    clock.advance(1);
    await logIn("ana");
  }
  await rejectsWith("unauthenticated", accounts.authenticate(first.token));
  assert.deepEqual(revocations.map(({ deviceId }) => deviceId), [first.deviceId]);
});

Deno.test("logged-out devices are removed when the user has too many", async () => {
  const { accounts, register, logIn, clock, store, revocations } = setUp();
  const first = await register("ana");
  const ids = [first.deviceId];
  for (let i = 0; i < 150; i++) {
    clock.advance(1);
    const { token, deviceId } = await logIn("ana");
    ids.push(deviceId);
    await accounts.logOut(await accounts.authenticate(token));
  }
  const known = await Promise.all(ids.map((id) => store.findDevice(id)));
  const left = ids.filter((_, index) => known[index] !== undefined);
  assert.deepEqual(left, [first.deviceId, ...ids.slice(-99)]);
  assert.equal((await accounts.authenticate(first.token)).deviceId, first.deviceId);
  assert.ok(!revocations.some(({ deviceId }) => deviceId === first.deviceId));
});

Deno.test("logging in as the alias of a deleted account is refused, and costs and counts like an unknown name", async () => {
  const { accounts, hasher, logged, fail, logIn } = setUp();
  await accounts.addUser({ name: "ana", password });
  const alias = await accounts.deleteUser("ana", { actor: "", erase: false });
  hasher.verified.length = logged.length = 0;
  const refused = await fail(alias);
  const unknown = await fail("nowhere", { address: "198.51.100.1" });
  assert.equal(refused.message, unknown.message.replace("nowhere", alias));
  assert.equal(await accounts.verifyPassword({ user: alias, password }), false);
  assert.deepEqual(hasher.verified, [hasher.unmatchable, hasher.unmatchable, hasher.unmatchable]);
  assert.deepEqual(logged.slice(0, 2), [
    ["login failed", { address: "192.0.2.1" }],
    ["login failed", { address: "198.51.100.1" }],
  ]);
  for (let failures = 1; failures < 5; failures++) await fail(alias);
  await rejectsWith("rate_limited", logIn(alias));
});
