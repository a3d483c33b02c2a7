import assert from "node:assert/strict";
import { type TokenHolder, TokenRenewals } from "../../src/session/token_renewals.ts";
import { FakeTime } from "../support/fakes/fake_time.ts";

const intervalMs = 1_000;

/** A holder that notes its renewals, each of which waits for `renew`. */
class FakeHolder implements TokenHolder {
  renewals = 0;
  readonly failures: unknown[] = [];

  constructor(private readonly renew: () => Promise<void> = () => Promise.resolve()) {}

  async renewToken(): Promise<void> {
    this.renewals++;
    await this.renew();
  }

  onRenewalFailed(error: unknown): void {
    this.failures.push(error);
  }
}

/** Two holders, the second of which was added 400 ms after the first. */
async function addTwo(renewals: TokenRenewals, time: FakeTime): Promise<[first: FakeHolder, second: FakeHolder]> {
  const [first, second] = [new FakeHolder(), new FakeHolder()];
  renewals.add(first);
  await time.tick(400);
  renewals.add(second);
  return [first, second];
}

Deno.test("each token is renewed once in an interval from its session's start", async () => {
  using time = new FakeTime();
  const renewals = new TokenRenewals(intervalMs);
  const [first, second] = await addTwo(renewals, time);
  const counts = () => [first.renewals, second.renewals];
  for (const [ms, expected] of [[599, [0, 0]], [1, [1, 0]], [399, [1, 0]], [1, [1, 1]], [600, [2, 1]]] as const) {
    await time.tick(ms);
    assert.deepEqual(counts(), expected);
  }
  await time.tick(100 * intervalMs);
  assert.deepEqual(counts(), [102, 101]);
});

Deno.test("all tokens share one timer, which ends with the last of them", async () => {
  using time = new FakeTime();
  const renewals = new TokenRenewals(intervalMs);
  const holders = Array.from({ length: 100 }, () => new FakeHolder());
  for (const holder of holders) {
    renewals.add(holder);
    await time.tick(1);
    assert.equal(time.pending, 1);
  }
  await time.tick(intervalMs);
  assert.ok(holders.every((holder) => holder.renewals === 1));
  assert.equal(time.pending, 1);
  for (const holder of holders) renewals.delete(holder);
  assert.equal(time.pending, 0);
  renewals.delete(holders[0]);
  renewals.add(holders[0]);
  assert.equal(time.pending, 1);
  renewals.delete(holders[0]);
  assert.equal(time.pending, 0);
});

Deno.test("a removed token is not renewed any more, and later ones are in time", async () => {
  using time = new FakeTime();
  const renewals = new TokenRenewals(intervalMs);
  const [first, second] = await addTwo(renewals, time);
  renewals.delete(first);
  await time.tick(999);
  assert.equal(second.renewals, 0);
  await time.tick(1);
  assert.deepEqual([first.renewals, second.renewals], [0, 1]);
  renewals.delete(second);
});

Deno.test("a failed or slow renewal delays no other one, and is repeated", async () => {
  using time = new FakeTime();
  const renewals = new TokenRenewals(intervalMs);
  const failure = new Error("the store is busy");
  const failing = new FakeHolder(() => Promise.reject(failure));
  const hanging = new FakeHolder(() => new Promise(() => {}));
  const leaving: FakeHolder = new FakeHolder(() => {
    renewals.delete(leaving);
    return Promise.resolve();
  });
  const sound = new FakeHolder();
  const all = [failing, hanging, leaving, sound];
  for (const holder of all) renewals.add(holder);
  await time.tick(2 * intervalMs);
  assert.deepEqual(all.map((holder) => holder.renewals), [2, 2, 1, 2]);
  assert.deepEqual(all.map((holder) => holder.failures), [[failure, failure], [], [], []]);
  for (const holder of all) renewals.delete(holder);
  assert.equal(time.pending, 0);
});
