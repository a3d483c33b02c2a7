import assert from "node:assert/strict";
import type { Accounts } from "../../../src/core/accounts/accounts.ts";
import { KnownUsers } from "../../../src/core/accounts/known_users.ts";

Deno.test("a name that is retired while it is looked up is not remembered", async () => {
  const answers = [Promise.withResolvers<unknown>(), Promise.withResolvers<unknown>()];
  let asked = 0;
  const known = new KnownUsers({ findUser: () => answers[asked++].promise } as unknown as Accounts);
  const found = known.has("ana");
  known.forget("ana");
  answers[0].resolve({});
  answers[1].resolve(undefined);
  assert.equal(await found, false);
  assert.equal(known.remembers("ana"), false);
});
