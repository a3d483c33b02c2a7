import assert from "node:assert/strict";
import type { Identity } from "../../../src/core/accounts/identity.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { day, minute, password, setUp } from "../../support/servers/test_accounts.ts";

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
  await rejectsWith("unauthenticated", accounts.authenticate(token, { enter: ({ user }) => entered.push(user) }));
  assert.deepEqual(entered, []);
});

Deno.test("authenticate() names the revocation if it made a preparation fail", async () => {
  const { accounts, register } = setUp();
  const { token } = await register("ana");
  const failing = new Error("there is no such device");
  const prepare = () => Promise.reject(failing);
  await assert.rejects(accounts.authenticate(token, { prepare }), failing);
  const revoked = async (identity: Identity) => {
    await accounts.logOut(identity);
    throw failing;
  };
  await rejectsWith("unauthenticated", accounts.authenticate(token, { prepare: revoked }));
});

Deno.test("authenticate() looks a token up once, and again only after a revocation", async () => {
  const { accounts, register, store } = setUp();
  const [ana, ben] = [await register("ana"), await register("ben")];
  const findDeviceByToken = store.findDeviceByToken.bind(store);
  let lookUps = 0;
  store.findDeviceByToken = (hash) => {
    lookUps++;
    return findDeviceByToken(hash);
  };
  const steps: string[] = [];
  const enter = ({ user }: { user: string }) => steps.push(`enter ${user}`);
  const prepare = ({ user }: { user: string }) => Promise.resolve(void steps.push(`prepare ${user}`));
  await accounts.authenticate(ana.token, { prepare, enter });
  assert.deepEqual([steps, lookUps], [["prepare ana", "enter ana"], 1]);

  const identity = await accounts.authenticate(ben.token);
  const logOutBen = async (asking: { user: string }) => {
    await prepare(asking);
    await accounts.logOut(identity);
  };
  [lookUps, steps.length] = [0, 0];
  await accounts.authenticate(ana.token, { prepare: logOutBen, enter });
  assert.deepEqual([steps, lookUps], [["prepare ana", "enter ana"], 2]);
});

Deno.test("authenticate() admits no session that was revoked while it was prepared", async () => {
  const { accounts, register } = setUp();
  const { token } = await register("ana");
  const identity = await accounts.authenticate(token);
  const entered: string[] = [];
  const prepare = () => accounts.logOut(identity);
  const entry = { prepare, enter: ({ user }: { user: string }) => entered.push(user) };
  await rejectsWith("unauthenticated", accounts.authenticate(token, entry));
  assert.deepEqual(entered, []);
});

Deno.test("authenticate() answers that the token was revoked when the preparation fails because of that", async () => {
  const { accounts, register } = setUp();
  const [ana, ben] = [await register("ana"), await register("ben")];
  const identity = await accounts.authenticate(ana.token);
  const prepare = async () => {
    await accounts.logOut(identity);
    throw new TypeError("no such device");
  };
  await rejectsWith("unauthenticated", accounts.authenticate(ana.token, { prepare }));
  const failing = () => Promise.reject(new TypeError("another reason"));
  await assert.rejects(accounts.authenticate(ben.token, { prepare: failing }), /another reason/);
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
