import assert from "node:assert/strict";
import { StrangersBudget, type StrangersLimits } from "../../src/grpc/strangers_budget.ts";

const limits: StrangersLimits = {
  perAddress: { burst: 10, perSecond: 10, debt: 20 },
  inAll: { burst: 25, perSecond: 5 },
  callsBeyond: 4,
};

Deno.test("an address that used up its budget waits, while another one is served", () => {
  const budget = new StrangersBudget(limits, () => 0);
  assert.deepEqual([budget.take("reflection", "a", 10), budget.take("reflection", "a", 5)], [0, 500]);
  assert.equal(budget.isUsedUp("a"), true);
  assert.equal(budget.take("reflection", "b", 5), 0);
});

Deno.test("many addresses use up what there is of one kind of work, and nothing else", () => {
  const budget = new StrangersBudget(limits, () => 0);
  for (const key of ["a", "b"]) assert.equal(budget.take("reflection", key, 10), 0);
  assert.equal(budget.take("reflection", "c", 10), 1_000);
  assert.equal(budget.isUsedUp("c"), false);
  assert.equal(budget.take("accounts", "c", 10), 0);
});

Deno.test("what is charged afterwards is owed up to a bound, and paid off", () => {
  let now = 0;
  const budget = new StrangersBudget(limits, () => now);
  for (let count = 0; count < 1_000; count++) budget.spend("a", 1);
  assert.equal(budget.debtMs("a"), 2_000);
  now = 2_000;
  assert.equal(budget.debtMs("a"), 0);
  assert.equal(budget.isUsedUp("a"), true);
  now = 2_100;
  assert.equal(budget.isUsedUp("a"), false);
});
