import assert from "node:assert/strict";
import { savedPosition, withPosition } from "../../../src/app/client/saved_positions.ts";

Deno.test("a saved position is found by the name of its consumer", () => {
  const resume = { epoch: "e1", incarnation: "i1", after: 7 };
  assert.deepEqual(savedPosition(withPosition({}, "chat", resume), "chat"), resume);
  assert.equal(savedPosition({}, "chat"), undefined);
});

Deno.test("a consumer that is named like a property of all objects has no position until it has one of its own", () => {
  const saved = withPosition({}, "chat", { epoch: "e1", incarnation: "i1", after: 7 });
  assert.equal(savedPosition(saved, "constructor"), undefined);
  const resume = { epoch: "e1", incarnation: undefined, after: 9 };
  assert.deepEqual(savedPosition(withPosition(saved, "constructor", resume), "constructor"), resume);
});
