import assert from "node:assert/strict";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { password, setUp } from "../../support/servers/test_accounts.ts";

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
