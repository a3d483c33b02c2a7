import assert from "node:assert/strict";
import type { Lock } from "../../../src/amqp/broker/broker_inspection.ts";
import { checkLocks } from "../../../src/commands/doctor/broker.ts";

/** The findings about locks, each as its kind and text. */
async function findings(locks: readonly Lock[]): Promise<string[]> {
  const found = checkLocks((async function* () {
    yield* locks;
  })());
  return await Array.fromAsync(found, ({ kind, what }) => `${kind}: ${what}`);
}

Deno.test("clients cannot bypass the server when each lock of the broker holds", async () => {
  const locks = ["declare queues", "bind queues"].map((what) => ({ what, holds: true }));
  assert.deepEqual(await findings(locks), ["ok: clients cannot bypass the server (2 checks)"]);
});

Deno.test("one lock that does not hold is a problem, and the others do not make it good", async () => {
  const locks = [{ what: "declare queues", holds: true }, { what: "bind queues", holds: false }];
  assert.deepEqual(await findings(locks), ["problem: clients can bind queues"]);
});
