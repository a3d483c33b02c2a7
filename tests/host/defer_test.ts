import assert from "node:assert/strict";
import { defer } from "../../src/host/defer.ts";

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

Deno.test("callbacks run after this turn, in order, each followed by its own deferred callbacks", async () => {
  const ran: string[] = [];
  defer(() => {
    ran.push("first");
    defer(() => {
      ran.push("of the first");
      defer(() => ran.push("of that one"));
    });
  });
  defer(() => ran.push("second"));
  assert.deepEqual(ran, []);
  await turn();
  assert.deepEqual(ran, ["first", "of the first", "of that one", "second"]);
});

Deno.test("a promise that a callback resolves continues in another turn", async () => {
  const ran: string[] = [];
  const rest = async () => {
    await new Promise<void>((resolve) => defer(resolve));
    ran.push("rested");
    await new Promise<void>((resolve) => defer(resolve));
    ran.push("rested again");
  };
  const rests = rest();
  defer(() => ran.push("another"));
  await turn();
  assert.deepEqual(ran, ["another", "rested"]);
  await rests;
  assert.deepEqual(ran, ["another", "rested", "rested again"]);
});

Deno.test("an error of a callback is uncaught, and delays no other callback", async () => {
  const uncaught = new Promise<unknown>((resolve) =>
    addEventListener("error", (event) => {
      event.preventDefault();
      resolve(event.error);
    }, { once: true })
  );
  const error = new Error("of a test");
  let ran = 0;
  defer(() => {
    throw error;
  });
  defer(() => ran++);
  assert.equal(await uncaught, error);
  await turn();
  assert.equal(ran, 1);
  defer(() => ran++);
  await turn();
  assert.equal(ran, 2);
});
