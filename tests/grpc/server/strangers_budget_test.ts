import assert from "node:assert/strict";
import {
  StrangersBudget,
  strangersCosts,
  type StrangersLimits,
  strangersLimits,
} from "../../../src/grpc/server/strangers_budget.ts";
import { readDocument } from "../../support/checks/documents.ts";

const limits: StrangersLimits = {
  perAddress: { burst: 10, perSecond: 10, debt: 20 },
  inAll: { burst: 25, perSecond: 5 },
  callsBeyond: 4,
};

Deno.test("an address that used up its budget waits, while another one is served", () => {
  const budget = new StrangersBudget(limits, () => 0);
  assert.deepEqual([budget.take("a", 10), budget.take("a", 5)], [0, 500]);
  assert.equal(budget.isUsedUp("a"), true);
  assert.equal(budget.take("b", 5), 0);
});

Deno.test("many addresses use up what there is of reflection, and nothing else", () => {
  const budget = new StrangersBudget(limits, () => 0);
  for (const key of ["a", "b"]) assert.equal(budget.takeReflection(key, 10), 0);
  assert.equal(budget.takeReflection("c", 10), 1_000);
  assert.equal(budget.isUsedUp("c"), false);
  assert.equal(budget.take("c", 10), 0);
});

Deno.test("what is charged afterwards is owed up to a bound, and paid off", () => {
  let now = 0;
  const budget = new StrangersBudget(limits, () => now);
  for (let count = 0; count < 1_000; count++) budget.spend("a", 1);
  assert.equal(budget.waitMs("a", 5), 2_500);
  now = 2_000;
  assert.equal(budget.waitMs("a", 5), 500);
  assert.equal(budget.isUsedUp("a"), true);
  now = 2_100;
  assert.equal(budget.isUsedUp("a"), false);
});

Deno.test("docs/security.md has the figures of the budget", () => {
  const { perAddress, inAll, callsBeyond } = strangersLimits;
  const rows = readDocument("docs/security.md").split("\n").map((line) =>
    line.split("|").map((cell) => cell.trim()).slice(1, -1)
  );
  const cells = (first: RegExp) => rows.find(([cell]) => first.test(cell ?? ""))?.slice(1);
  const inWords = (count: number) => count.toLocaleString("en-US");
  assert.deepEqual(cells(/^of an address$/), [inWords(perAddress.burst), inWords(perAddress.perSecond)]);
  assert.deepEqual(cells(/^of all .* reflection$/), [inWords(inAll.burst), inWords(inAll.perSecond)]);
  assert.deepEqual(cells(/^A call without a valid token/), [String(strangersCosts.call)]);
  assert.deepEqual(cells(/^A call of reflection/), [String(strangersCosts.reflection)]);
  assert.deepEqual(cells(/^An attempt to log in/), [String(strangersCosts.account)]);
  assert.deepEqual(cells(/^A connection without a login/), [String(strangersCosts.connection)]);
  const longest = (perAddress.debt + strangersCosts.call + strangersCosts.account) / perAddress.perSecond;
  const text = readDocument("docs/security.md").replace(/\s+/g, " ");
  assert.ok(text.includes(`a debt of ${perAddress.debt} tokens`));
  assert.ok(text.includes(`A connection has ${callsBeyond} calls beyond the budget`));
  assert.ok(text.includes(`for that, ${Math.ceil(longest)} s at most`));
  assert.ok(text.includes(`after ${perAddress.burst} such refusals without a pause`));
});
