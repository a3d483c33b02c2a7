import assert from "node:assert/strict";
import { HashQueue } from "../../../src/core/accounts/hash_queue.ts";
import { ClockGuard, doubtMs } from "../../../src/core/clock_guard.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { day, minute, password, setUp } from "../../support/servers/test_accounts.ts";

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
  for (const name of ["", "Ana", "-ana", "a".repeat(33), "system", "ana.", "ana_", "ana-"]) {
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

Deno.test("register() refuses a name that looks like one that is taken or reserved, and the operator can allow it", async () => {
  const { accounts, register, logIn } = setUp();
  await register("ana");
  for (const name of ["4na", "an.a", "adm1n", "r00t"]) {
    const { message } = await rejectsWith("already_exists", register(name));
    assert.equal(
      message,
      `The name "${name}" looks like a name that is taken: choose another. The operator can allow it (--allow-similar).`,
    );
    await rejectsWith("already_exists", accounts.addUser({ name, password }));
    await accounts.addUser({ name, password, allowSimilar: true });
    await logIn(name);
  }
  await logIn("ana");
  await rejectsWith("invalid_argument", accounts.addUser({ name: "ben.", password, allowSimilar: true }));
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
    assert.match(expired.message, / at 2025-\S+Z.* 20[56]\d-\S+Z/);
  }
});
