import assert from "node:assert/strict";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { password, setUp } from "../../support/servers/test_accounts.ts";

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
    { name: "cleo", disabled: false, createdAt: clock.now(), displayName: "", status: "" },
  ]);
});
