import assert from "node:assert/strict";
import { Pace } from "./pace.ts";

Deno.test("an action that is hundreds of times slower under load than before has not kept its pace", async () => {
  let [clock, milliseconds] = [0, 3];
  const action = () => {
    clock += milliseconds;
    return Promise.resolve();
  };
  const pace = await Pace.measure("an action", action, { now: () => clock });
  assert.throws(() => pace.assertKept(), /nothing was measured/);
  milliseconds = 300;
  await pace.repeat();
  pace.assertKept();
  milliseconds = 301;
  await pace.repeat();
  assert.throws(() => pace.assertKept(), /an action takes 301.0 ms under the flood, and 3.0 ms without it/);
});

Deno.test("a pace that is lost for a while is kept under load, and one that stays lost is not", async () => {
  let [clock, slowActions] = [0, 0];
  const action = () => {
    clock += slowActions-- > 0 ? 301 : 3;
    return Promise.resolve();
  };
  const pace = await Pace.measure("an action", action, { now: () => clock });
  slowActions = 24;
  await pace.assertKeptUnderLoad();
  assert.equal(slowActions, -6);
  slowActions = 46;
  await assert.rejects(pace.assertKeptUnderLoad(), /an action takes 301.0 ms under the flood/);
});
