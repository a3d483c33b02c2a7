import assert from "node:assert/strict";
import { LeavingUsers } from "../../../src/core/people/leaving_users.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";

const state = "online";

/** Leaving users, with those who became absent and the largest number of them in one turn. */
function open() {
  const absent: string[] = [];
  let inTurn = 0;
  const seen = { most: 0 };
  const leaving = new LeavingUsers((user, { at }) => {
    absent.push(`${user} ${at}`);
    seen.most = Math.max(seen.most, ++inTurn);
    queueMicrotask(() => inTurn = 0);
  });
  return { leaving, absent, seen };
}

Deno.test("a user is absent after the grace time, unless they came back", async () => {
  using time = new FakeTime();
  const { leaving, absent } = open();
  leaving.add("ana", { at: 1, state });
  leaving.add("ben", { at: 2, state: "away" });
  await time.tick(1_000);
  leaving.add("cleo", { at: 3, state });
  leaving.delete("ana");
  assert.deepEqual([...leaving.keys()], ["ben", "cleo"]);
  assert.deepEqual([leaving.has("ana"), leaving.has("ben"), leaving.size], [false, true, 2]);
  assert.equal(leaving.get("ben")?.state, "away");
  await time.tick(2_000);
  assert.deepEqual(absent, ["ben 2"]);
  await time.tick(1_000);
  assert.deepEqual([absent, leaving.size, time.pending], [["ben 2", "cleo 3"], 0, 0]);
});

Deno.test("a user who comes back and leaves again has a new grace time", async () => {
  using time = new FakeTime();
  const { leaving, absent } = open();
  leaving.add("ana", { at: 1, state });
  leaving.add("ben", { at: 2, state });
  await time.tick(2_000);
  leaving.delete("ana");
  leaving.add("ana", { at: 3, state });
  await time.tick(1_000);
  assert.deepEqual(absent, ["ben 2"]);
  await time.tick(2_000);
  assert.deepEqual(absent, ["ben 2", "ana 3"]);
});

Deno.test("thousands who leave at once have one timer, and become absent in many turns", async () => {
  using time = new FakeTime();
  const { leaving, absent, seen } = open();
  for (let index = 0; index < 2_000; index++) leaving.add(`user${index}`, { at: index, state });
  assert.equal(time.pending, 1);
  await time.tick(2_999);
  assert.deepEqual(absent, []);
  await time.tick(1);
  assert.equal(absent.length, 2_000);
  assert.ok(seen.most <= 50, `${seen.most} in one turn`);
  assert.equal(time.pending, 0);
});

Deno.test("close() returns when each user left, and leaves no timer", async () => {
  using time = new FakeTime();
  const { leaving, absent } = open();
  leaving.add("ana", { at: 1, state });
  leaving.add("ben", { at: 2, state });
  assert.deepEqual([...leaving.close()], [["ana", 1], ["ben", 2]]);
  assert.equal(time.pending, 0);
  await time.tick(10_000);
  assert.deepEqual(absent, []);
});
