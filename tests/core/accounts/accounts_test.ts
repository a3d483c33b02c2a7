import assert from "node:assert/strict";
import type { DeviceRecord, InviteRecord } from "../../../src/core/accounts/account_store.ts";
import { Accounts, type AccountsOptions, type Revocation } from "../../../src/core/accounts/accounts.ts";
import { HashQueue } from "../../../src/core/accounts/hash_queue.ts";
import { ClockGuard, doubtMs } from "../../../src/core/clock_guard.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { rejectsWith } from "../../support/chat_error_assertions.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeHasher } from "../../support/fake_hasher.ts";

const password = "correct horse";
const minute = 60_000;
const day = 24 * 60 * minute;

/** Records the lines of a log. */
class RecordingStore extends SqliteAccountStore {
  readonly savedDevices: DeviceRecord[] = [];
  readonly addedInvites: InviteRecord[] = [];
  touches = 0;

  override saveDevice(device: DeviceRecord): Promise<void> {
    this.savedDevices.push(device);
    return super.saveDevice(device);
  }

  override addInvite(invite: InviteRecord): Promise<void> {
    this.addedInvites.push(invite);
    return super.addInvite(invite);
  }

  override touchDevice(id: string, times: { lastUsedAt: number; expiresAt: number }): Promise<void> {
    this.touches++;
    return super.touchDevice(id, times);
  }
}

function setUp(options: Partial<AccountsOptions> = {}) {
  const store = new RecordingStore(Database.openInMemory());
  const hasher = new FakeHasher();
  const clock = new FakeClock();
  const logged: unknown[] = [];
  const note = (event: string, details?: Record<string, unknown>) => void logged.push([event, details]);
  const log = { info: note, warn: note, error: note };
  const accounts = new Accounts({ store, hasher, clock, log, registration: "open", ...options });
  const revocations: Revocation[] = [];
  accounts.onRevoked((revocation) => revocations.push(revocation));
  const register = (user: string, more: { address?: string; invite?: string; password?: string } = {}) =>
    accounts.register({ user, password, invite: "", deviceName: "laptop", address: "192.0.2.1", ...more });
  const logIn = (user: string, more: { address?: string; deviceId?: string; password?: string } = {}) =>
    accounts.logIn({ user, password, deviceName: "phone", deviceId: "", address: "192.0.2.1", ...more });
  const fail = (user: string, more: { address?: string; deviceId?: string } = {}) =>
    rejectsWith("unauthenticated", logIn(user, { ...more, password: "wrong password" }));
  return { store, hasher, clock, logged, accounts, revocations, register, logIn, fail };
}

Deno.test("register() returns a token that authenticates, and stores only its hash", async () => {
  const { accounts, register, store, clock } = setUp();
  const credentials = await register("ana");
  assert.match(credentials.token, /^[A-Za-z0-9_-]{43}$/);
  assert.equal(credentials.expiresAt, clock.now() + 90 * day);
  const identity = await accounts.authenticate(credentials.token);
  assert.deepEqual(
    [identity.user, identity.deviceId, identity.deviceName, identity.tokenExpiresAt],
    ["ana", credentials.deviceId, "laptop", credentials.expiresAt],
  );
  assert.match(store.savedDevices[0].tokenHash!, /^[0-9a-f]{64}$/);
  assert.ok(!JSON.stringify(store.savedDevices).includes(credentials.token));
});

Deno.test("register() stops at the account limit, and the operator may exceed it", async () => {
  const { accounts, register } = setUp({ maxUsers: 2 });
  await register("ana");
  await register("ben");
  await assert.rejects(register("cleo"), { code: "limit_reached" });
  await assert.rejects(register("ana"), { code: "already_exists" });
  await accounts.addUser({ name: "cleo", password });
  assert.deepEqual((await accounts.listUsers({ after: "", limit: 9 })).map(({ name }) => name), ["ana", "ben", "cleo"]);
});

Deno.test("a user whose name looks like an address does not use up the allowance of that address", async () => {
  const origins: string[] = [];
  class RecordingQueue extends HashQueue {
    override run<T>(origin: string, task: () => Promise<T>): Promise<T> {
      origins.push(origin);
      return super.run(origin, task);
    }
  }
  const { accounts, register } = setUp({ hashQueue: new RecordingQueue() });
  const identity = await accounts.authenticate((await register("10.0.0.1", { address: "192.0.2.1" })).token);
  await accounts.changePassword(identity, { current: password, next: "another horse" });
  assert.deepEqual(origins, ["192.0.2.1", "user 10.0.0.1", "user 10.0.0.1"]);
});

Deno.test("concurrent register() of one name succeeds once", async () => {
  const { register, store } = setUp();
  const results = await Promise.allSettled([register("ana"), register("ana"), register("ana")]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected", "rejected"]);
  for (const result of results) if (result.status === "rejected") assert.equal(result.reason.code, "already_exists");
  assert.equal(store.savedDevices.length, 1);
});

Deno.test("register() names the fault of a name, a password or a device name", async () => {
  const { accounts, register } = setUp();
  for (const name of ["", "Ana", "-ana", "a".repeat(33), "system"]) {
    await rejectsWith("invalid_argument", register(name));
  }
  assert.match((await rejectsWith("invalid_argument", register("ana", { password: "1234567" }))).message, /at least 8/);
  assert.match(
    (await rejectsWith("invalid_argument", register("ana", { password: "x".repeat(129) }))).message,
    /at most 128/,
  );
  for (const deviceName of ["a\x1b[31m", "\u202eevil", "x".repeat(65)]) {
    await rejectsWith(
      "invalid_argument",
      accounts.register({ user: "ana", password, invite: "", deviceName, address: "192.0.2.1" }),
    );
  }
  assert.equal(await accounts.findUser("ana"), undefined);
});

Deno.test("register() is refused where registration is closed, and the operator can still add users", async () => {
  const { accounts, register, logIn, hasher } = setUp({ registration: "closed" });
  await rejectsWith("registration_closed", register("ana"));
  assert.equal(hasher.hashes, 0);
  await accounts.addUser({ name: "ana", password });
  await logIn("ana");
  await rejectsWith("already_exists", accounts.addUser({ name: "ana", password }));
});

Deno.test("register() by invitation accepts a code once, in time, however it was typed", async () => {
  const { accounts, register, clock, store } = setUp({ registration: "invite" });
  await rejectsWith("invite_invalid", register("ana"));
  await rejectsWith("invite_invalid", register("ana", { invite: "7k3qm-x0c9v-7k3qm-x0c9v" }));
  const code = await accounts.createInvite({ lifetimeMs: day });
  assert.equal(store.addedInvites.length, 1);
  assert.ok(!JSON.stringify(store.addedInvites).includes(code));
  await register("ana", { invite: ` ${code.toUpperCase().replaceAll("-", " ")}` });
  await rejectsWith("invite_invalid", register("ben", { invite: code }));
  const late = await accounts.createInvite({ lifetimeMs: day });
  clock.advance(day);
  await rejectsWith("invite_invalid", register("ben", { invite: late }));
  await rejectsWith("invalid_argument", accounts.createInvite({ lifetimeMs: Number.NaN }));
});

Deno.test("register() reveals taken names only to holders of a valid invitation", async () => {
  const { accounts, register } = setUp({ registration: "invite" });
  await accounts.addUser({ name: "ana", password });
  const refusals = await Promise.all(["ana", "ben"].map((user) => {
    return register(user, { invite: "7k3qm-x0c9v-7k3qm-x0c9v" }).catch(({ code, message }) => [code, message]);
  }));
  assert.deepEqual(refusals[0], refusals[1]);
  assert.equal((refusals[0] as string[])[0], "invite_invalid");
});

Deno.test("register() of a taken name does not use up the invitation", async () => {
  const { accounts, register } = setUp({ registration: "invite" });
  await accounts.addUser({ name: "ana", password });
  const code = await accounts.createInvite({ lifetimeMs: day });
  await rejectsWith("already_exists", register("ana", { invite: code }));
  await register("ben", { invite: code });
});

Deno.test("register() is limited by address before hashing", async () => {
  const { register, hasher, clock } = setUp({ registrationsPerAddress: { burst: 2, perSecond: 1 / 60 } });
  await register("ana");
  await register("ben");
  const refused = await rejectsWith("rate_limited", register("cleo"));
  assert.equal(hasher.hashes, 2);
  await register("dora", { address: "192.0.2.2" });
  clock.advance(refused.retryAfterMs ?? 0);
  await register("cleo");
});

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

Deno.test("renew() extends an unused token until it is revoked or has expired", async () => {
  const { accounts, register, clock } = setUp();
  const { token } = await register("ana");
  const identity = await accounts.authenticate(token);
  for (let count = 0; count < 3; count++) {
    clock.advance(89 * day);
    await accounts.renew(identity);
  }
  assert.equal((await accounts.authenticate(token)).tokenExpiresAt, clock.now() + 90 * day);
  clock.advance(90 * day);
  await rejectsWith("unauthenticated", accounts.renew(identity));
  const { token: other } = await register("ben");
  const ben = await accounts.authenticate(other);
  await accounts.logOut(ben);
  await rejectsWith("unauthenticated", accounts.renew(ben));
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

Deno.test("authenticate() never hashes a password, and extends the expiry at most hourly", async () => {
  const { accounts, register, hasher, store, clock } = setUp();
  const { token } = await register("ana");
  hasher.hashes = 0;
  clock.advance(59 * minute);
  await accounts.authenticate(token);
  assert.equal(store.touches, 0);
  clock.advance(minute);
  const { tokenExpiresAt } = await accounts.authenticate(token);
  await accounts.authenticate(token);
  assert.equal(store.touches, 1);
  assert.equal(tokenExpiresAt, clock.now() + 90 * day);
  clock.advance(89 * day);
  await accounts.authenticate(token);
  clock.advance(90 * day);
  await rejectsWith("unauthenticated", accounts.authenticate(token));
  assert.deepEqual([hasher.hashes, hasher.verified.length], [0, 0]);
});

Deno.test("authenticate() succeeds when the use of a token cannot be recorded", async () => {
  const { accounts, register, store, clock } = setUp();
  const { token } = await register("ana");
  store.touchDevice = () => Promise.reject(new Error("disk full"));
  clock.advance(day);
  assert.equal((await accounts.authenticate(token)).user, "ana");
});

Deno.test("authenticate() admits no session that a revocation would miss", async () => {
  const { accounts, register, store } = setUp();
  const { token } = await register("ana");
  const identity = await accounts.authenticate(token);
  const findUser = store.findUser.bind(store);
  store.findUser = async (name) => {
    const user = await findUser(name);
    store.findUser = findUser;
    await accounts.logOut(identity);
    return user;
  };
  const entered: string[] = [];
  await rejectsWith("unauthenticated", accounts.authenticate(token, ({ user }) => entered.push(user)));
  assert.deepEqual(entered, []);
});

Deno.test("logOut() ends the token and the sessions of this device only", async () => {
  const { accounts, register, logIn, revocations } = setUp();
  const first = await register("ana");
  const second = await logIn("ana");
  await accounts.logOut(await accounts.authenticate(first.token));
  await rejectsWith("unauthenticated", accounts.authenticate(first.token));
  await accounts.authenticate(second.token);
  assert.deepEqual(revocations.map(({ deviceId }) => deviceId), [first.deviceId]);
});

Deno.test("changePassword() logs out the other devices, and gives the calling one a new token", async () => {
  const { accounts, register, logIn, fail, revocations } = setUp();
  const other = await register("ana");
  const asking = await logIn("ana");
  const identity = await accounts.authenticate(asking.token);
  const changed = await accounts.changePassword(identity, { current: password, next: "another password" });
  assert.equal(changed.deviceId, asking.deviceId);
  await rejectsWith("unauthenticated", accounts.authenticate(asking.token));
  await rejectsWith("unauthenticated", accounts.authenticate(other.token));
  await accounts.authenticate(changed.token);
  assert.deepEqual(revocations.map(({ user, deviceId, exceptDeviceId }) => [user, deviceId, exceptDeviceId]), [
    ["ana", undefined, asking.deviceId],
  ]);
  await fail("ana");
  await logIn("ana", { password: "another password" });
});

Deno.test("changePassword() throttles guesses of the current password", async () => {
  const { accounts, register } = setUp();
  const identity = await accounts.authenticate((await register("ana")).token);
  for (let i = 0; i < 5; i++) {
    await rejectsWith(
      "permission_denied",
      accounts.changePassword(identity, { current: "wrong password", next: "another password" }),
    );
  }
  await rejectsWith("rate_limited", accounts.changePassword(identity, { current: password, next: "another password" }));
});

Deno.test("changePassword() on a device that was logged out meanwhile changes nothing", async () => {
  const { accounts, register, logIn } = setUp();
  const identity = await accounts.authenticate((await register("ana")).token);
  await accounts.logOut(identity);
  await rejectsWith(
    "unauthenticated",
    accounts.changePassword(identity, { current: password, next: "another password" }),
  );
  await logIn("ana");
});

Deno.test("revokeDevice() logs out a device of the user, and of no other user", async () => {
  const { accounts, register, logIn, revocations } = setUp();
  const identity = await accounts.authenticate((await register("ana")).token);
  const phone = await logIn("ana");
  const ben = await register("ben");
  assert.deepEqual((await accounts.listDevices(identity)).map(({ name }) => name).sort(), ["laptop", "phone"]);
  await rejectsWith("not_found", accounts.revokeDevice(identity, ben.deviceId));
  await accounts.revokeDevice(identity, phone.deviceId);
  await rejectsWith("not_found", accounts.revokeDevice(identity, phone.deviceId));
  await rejectsWith("unauthenticated", accounts.authenticate(phone.token));
  await accounts.authenticate(ben.token);
  assert.deepEqual(revocations.map(({ deviceId }) => deviceId), [phone.deviceId]);
  assert.deepEqual((await accounts.listDevices(identity)).map(({ name }) => name), ["laptop"]);
});

Deno.test("disable() and setPassword() log out every device of the user", async () => {
  const { accounts, register, logIn, revocations } = setUp();
  const { token } = await register("ana");
  await accounts.disable("ana");
  await rejectsWith("unauthenticated", accounts.authenticate(token));
  await accounts.enable("ana");
  await rejectsWith("unauthenticated", accounts.authenticate(token));
  const again = await logIn("ana");
  await accounts.setPassword("ana", "another password");
  await rejectsWith("unauthenticated", accounts.authenticate(again.token));
  assert.deepEqual(revocations.map(({ user, deviceId, exceptDeviceId }) => [user, deviceId, exceptDeviceId]), [
    ["ana", undefined, undefined],
    ["ana", undefined, undefined],
  ]);
  for (const call of [accounts.disable("ben"), accounts.enable("ben"), accounts.setPassword("ben", password)]) {
    await rejectsWith("not_found", call);
  }
});

Deno.test("a revocation reaches every listener, even if another one throws", async () => {
  const { accounts, register } = setUp();
  const heard: string[] = [];
  accounts.onRevoked(() => {
    throw new Error("deaf");
  });
  accounts.onRevoked(({ user }) => heard.push(user));
  await accounts.logOut(await accounts.authenticate((await register("ana")).token));
  assert.deepEqual(heard, ["ana"]);
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

Deno.test("no password and no token appears in the log or in an error", async () => {
  const { accounts, register, logIn, fail, logged } = setUp();
  const { token } = await register("ana");
  const identity = await accounts.authenticate(token);
  const errors = [await fail("ana"), await rejectsWith("unauthenticated", accounts.authenticate("a bad token"))];
  const changed = await accounts.changePassword(identity, { current: password, next: "another password" });
  errors.push(await rejectsWith("unauthenticated", logIn("ana")));
  await accounts.setPassword("ana", password);
  const said = JSON.stringify([logged, errors.map(({ message }) => message)]);
  for (const secret of [password, "wrong password", "another password", token, changed.token, "a bad token"]) {
    assert.ok(!said.includes(secret), secret);
  }
});

Deno.test("listUsers() continues after a name, and shows no hash", async () => {
  const { accounts, register, clock } = setUp();
  for (const name of ["cleo", "ana", "ben"]) await register(name);
  assert.deepEqual((await accounts.listUsers({ after: "", limit: 2 })).map(({ name }) => name), ["ana", "ben"]);
  assert.deepEqual(await accounts.listUsers({ after: "ben", limit: 2 }), [
    { name: "cleo", disabled: false, createdAt: clock.now() },
  ]);
});

Deno.test("verifyPassword() checks a password, and creates no device", async () => {
  const { accounts, register, store } = setUp();
  await register("ana");
  const devices = store.savedDevices.length;
  assert.equal(await accounts.verifyPassword({ user: "ana", password }), true);
  for (const [user, other] of [["ana", "wrong password"], ["ben", password], ["Ana!", password], ["ana", ""]]) {
    assert.equal(await accounts.verifyPassword({ user, password: other }), false, user);
  }
  await accounts.disable("ana");
  assert.equal(await accounts.verifyPassword({ user: "ana", password }), false);
  assert.equal(store.savedDevices.length, devices);
});

Deno.test("failures of verifyPassword() count for each name and in all, and not for logIn()", async () => {
  const { accounts, register, logIn, clock } = setUp();
  await register("ana");
  const guess = (user: string) => accounts.verifyPassword({ user, password: "wrong password" });
  for (let i = 0; i < 10; i++) assert.equal(await guess("ana"), false);
  await rejectsWith("rate_limited", guess("ana"));
  await rejectsWith("rate_limited", accounts.verifyPassword({ user: "ana", password }));
  await logIn("ana");
  for (let i = 0; i < 90; i++) assert.equal(await guess(`name${i}`), false);
  await rejectsWith("rate_limited", guess("ben"));
  clock.advance(30_000);
  assert.equal(await accounts.verifyPassword({ user: "ana", password }), true);
});

Deno.test("mayRegister() follows the registration mode, and uses up no invitation", async () => {
  assert.equal(await setUp().accounts.mayRegister(""), true);
  assert.equal(await setUp({ registration: "closed" }).accounts.mayRegister("open"), false);
  const { accounts, register, clock } = setUp({ registration: "invite" });
  const invite = await accounts.createInvite({ lifetimeMs: minute });
  assert.equal(await accounts.mayRegister(invite.toUpperCase()), true);
  assert.equal(await accounts.mayRegister(invite), true);
  assert.equal(await accounts.mayRegister("open"), false);
  const late = await accounts.createInvite({ lifetimeMs: minute });
  await register("ana", { invite });
  assert.equal(await accounts.mayRegister(invite), false);
  clock.advance(minute);
  assert.equal(await accounts.mayRegister(late), false);
});

Deno.test("a wrong clock at the start logs no device out and expires no invitation", async () => {
  for (const wrongBy of [-40 * 365 * day, 40 * 365 * day]) {
    const { accounts: before, store, clock, logIn } = setUp();
    await before.addUser({ name: "ana", password });
    const { token } = await logIn("ana");
    const invite = await before.createInvite({ lifetimeMs: day });
    let elapsed = 0;
    const guard = new ClockGuard({
      clock,
      store: { lastSeenAt: clock.now(), newestEntryAt: undefined, noteSeen: async () => {}, restamp: async () => {} },
      log: { info() {}, warn() {}, error() {} },
      monotonic: () => elapsed,
    });
    const { accounts } = setUp({ store, clock: guard, registration: "invite" });
    clock.advance(wrongBy);
    await accounts.authenticate(token);
    assert.ok(await accounts.mayRegister(invite));
    const { token: newToken } = await accounts.logIn({
      user: "ana",
      password,
      deviceName: "",
      deviceId: "",
      address: "192.0.2.1",
    });
    clock.advance(minute - wrongBy);
    elapsed += minute;
    for (const good of [token, newToken]) await accounts.authenticate(good);
    clock.advance(Math.abs(wrongBy));
    await accounts.authenticate(token);
    elapsed += doubtMs;
    const expired = await rejectsWith("unauthenticated", accounts.authenticate(token));
    assert.match(expired.message, /expired at 2025-\S+Z \(server time: 20[56]\d-\S+Z\)/);
  }
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
