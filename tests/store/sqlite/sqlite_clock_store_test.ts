import assert from "node:assert/strict";
import { Accounts } from "../../../src/core/accounts/accounts.ts";
import { DeviceCleanup } from "../../../src/core/accounts/device_cleanup.ts";
import { hashSecret } from "../../../src/core/accounts/secret.ts";
import { ClockGuard, doubtMs } from "../../../src/core/clock_guard.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { openStore } from "../../../src/store/open_store.ts";
import { FakeHasher } from "../../support/fakes/fake_hasher.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

const day = 24 * 60 * 60 * 1000;
const now = Date.UTC(2026, 0, 1);
const quotas = { maxUnfinished: 8, maxBytesOfOwner: 1_000_000, maxDiskBytes: undefined };
const nobody = { isDeviceOnline: () => false, isConsumerOnline: () => false };

/** A server that starts at this time, with `token` as the token of device "d". */
function serve(folder: string, time: number, token: string) {
  const store = openStore({ folder, log: silentLog });
  let elapsed = 0;
  const clock = new ClockGuard({
    clock: { now: () => time + elapsed },
    store: store.clock,
    log: silentLog,
    monotonic: () => elapsed,
  });
  clock.start();
  const hasher = new FakeHasher();
  const accounts = new Accounts({ store: store.accounts, hasher, clock, log: silentLog, registration: "open" });
  const cleanup = new DeviceCleanup({ store: store.deviceCleanup, live: nobody, clock, log: silentLog });
  return {
    store,
    pass: (ms: number) => elapsed += ms,
    set: (to: number) => time = to - elapsed,
    /** Connects the device and keeps it connected. */
    use: async () => {
      const identity = await accounts.authenticate(token);
      await accounts.renew(identity);
      return identity;
    },
    sweep: () => cleanup.sweep(),
    expected: () => clock.expected,
    cursor: () => store.messages.openConsumer("d", "ui", { maxConsumers: 0, usedAt: clock.latest() }),
    async [Symbol.asyncDispose]() {
      await cleanup.close();
      await clock.close();
      store.close();
    },
  };
}

/** A store with a device, a consumer, an invitation and an upload, all with the same time. */
async function openStamped(folder: string, time: number, tokenHash = "t") {
  const store = openStore({ folder, log: silentLog });
  store.beginServing();
  await store.accounts.addUser({ name: "ana", passwordHash: "", disabled: false, createdAt: time }, {});
  await store.accounts.saveDevice({
    id: "d",
    user: "ana",
    name: "laptop",
    tokenHash,
    createdAt: time,
    lastUsedAt: time,
    expiresAt: time + 30 * day,
  });
  await store.messages.openConsumer("d", "ui", { maxConsumers: 1, usedAt: time });
  await store.accounts.addInvite({ codeHash: "c", createdAt: time, expiresAt: time + day });
  const upload = { owner: "ana", id: createMessageId(), name: "a", mediaType: "", size: 1, sha256: "00".repeat(32) };
  await store.files.add({ ...upload, begunAt: time }, quotas);
  return store;
}

Deno.test("restamp() replaces times ahead of the clock, and keeps the lifetimes", async () => {
  using folder = temporaryFolder();
  using store = await openStamped(folder.path, now + 3_650 * day);
  await store.clock.restamp(now);
  const device = await store.accounts.findDevice("d");
  assert.deepEqual([device?.createdAt, device?.lastUsedAt, device?.expiresAt], [now, now, now + 30 * day]);
  assert.ok(await store.accounts.hasInvite({ codeHash: "c", now: now + day - 1 }));
  assert.ok(!await store.accounts.hasInvite({ codeHash: "c", now: now + day }));
  const removal = { now, limit: 8, live: nobody };
  assert.equal(await store.deviceCleanup.removeConsumers({ ...removal, before: now }), 0);
  assert.equal(await store.deviceCleanup.removeConsumers({ ...removal, before: now + 1 }), 1);
  assert.equal(await store.files.removeUnsent(now), 0);
  assert.equal(await store.files.removeUnsent(now + 1), 1);
});

Deno.test("restamp() keeps times that are not ahead; the time last seen is known when the store is reopened", async () => {
  using folder = temporaryFolder();
  {
    using store = await openStamped(folder.path, now);
    await store.clock.noteSeen(now + 1);
    await store.clock.restamp(now + 1);
    const device = await store.accounts.findDevice("d");
    assert.deepEqual([device?.createdAt, device?.lastUsedAt, device?.expiresAt], [now, now, now + 30 * day]);
    assert.ok(!await store.accounts.hasInvite({ codeHash: "c", now: now + day }));
    assert.equal(await store.files.removeUnsent(now + 1), 1);
  }
  using again = openStore({ folder: folder.path, log: silentLog });
  assert.equal(again.clock.lastSeenAt, now + 1);
});

Deno.test("a clock that was behind for hours causes no logout and no removal of devices or cursors once it is right", async () => {
  for (const isUsed of [true, false]) {
    using folder = temporaryFolder();
    const token = "secret";
    const right = now + 332 * day;
    {
      using before = await openStamped(folder.path, right, await hashSecret(token));
      await before.clock.noteSeen(right);
    }
    {
      await using wrong = serve(folder.path, now, token);
      assert.notEqual(wrong.expected(), undefined);
      wrong.pass(doubtMs);
      assert.equal(wrong.expected(), undefined);
      wrong.pass(10 * doubtMs);
      if (isUsed) await wrong.use();
    }
    await using server = serve(folder.path, now + day / 2, token);
    assert.equal(server.expected(), undefined);
    server.pass(doubtMs);
    if (isUsed) await server.use();
    server.set(right + day);
    assert.notEqual(server.expected(), undefined);
    server.pass(doubtMs);
    assert.equal(server.expected(), undefined);
    await server.sweep();
    assert.equal((await server.use()).deviceId, "d");
    assert.notEqual(await server.cursor(), undefined);
  }
});
