import assert from "node:assert/strict";
import { savedPosition, withPosition, withPositionsOf } from "../../../src/app/client/saved_positions.ts";

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

Deno.test("a new login continues after the positions of an older one of the same log, and keeps its own", () => {
  const at = (after: number, incarnation: string | undefined) => ({ epoch: "e1", incarnation, after });
  const replay = { fromMs: 1, after: 2 };
  const older = {
    ...withPosition(withPosition({}, "tail:a", at(7, "i1")), "tail:b", at(9, "i1")),
    token: "older",
    deviceId: "d1",
    unfinished: { "tail:c": replay },
  };
  const taken = withPositionsOf({ token: "new", epoch: "e1" }, older);
  assert.deepEqual(savedPosition(taken, "tail:a"), at(7, "i1"));
  assert.deepEqual([taken.token, taken.deviceId, taken.unfinished], ["new", undefined, { "tail:c": replay }]);
  const kept = withPositionsOf(withPosition({}, "tail:a", at(20, undefined)), older);
  assert.deepEqual([savedPosition(kept, "tail:a"), savedPosition(kept, "tail:b")], [at(20, undefined), at(9, "i1")]);
  assert.deepEqual(withPositionsOf({ epoch: "e2" }, older), { epoch: "e2" });
  assert.deepEqual(withPositionsOf({ epoch: "e1" }, { token: "older" }), { epoch: "e1" });
});
