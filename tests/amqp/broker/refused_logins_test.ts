import assert from "node:assert/strict";
import { RefusedLogins } from "../../../src/amqp/broker/refused_logins.ts";

Deno.test("a refusal of a user or an address ends after ten minutes, and affects no other", () => {
  let now = 0;
  const refused = new RefusedLogins({ clock: { now: () => now } });
  refused.refuseUser("mallory");
  refused.refuseAddress("192.0.2.1");
  assert.ok(refused.hasUser("mallory") && refused.hasAddress("192.0.2.1"));
  assert.ok(!refused.hasUser("192.0.2.1") && !refused.hasAddress("192.0.2.2"));
  now = 599_999;
  assert.ok(refused.hasUser("mallory") && refused.hasAddress("192.0.2.1"));
  now = 600_000;
  assert.ok(!refused.hasUser("mallory") && !refused.hasAddress("192.0.2.1"));
});
