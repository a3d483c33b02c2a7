import assert from "node:assert/strict";
import { silentLog } from "../../src/core/log.ts";
import { createMessageId } from "../../src/core/message_id.ts";
import { openStore } from "../../src/store/open_store.ts";
import { temporaryFolder } from "../support/temporary_folder.ts";

const day = 24 * 60 * 60 * 1000;
const now = Date.UTC(2026, 0, 1);
const quotas = { maxUnfinished: 8, maxBytesOfOwner: 1_000_000, maxDiskBytes: undefined };
const nobody = { isDeviceOnline: () => false, isConsumerOnline: () => false };

/** A store with a device, a consumer, an invitation and an upload, all stamped with the same time. */
async function openStamped(folder: string, time: number) {
  const store = openStore({ folder, log: silentLog });
  store.beginServing();
  await store.accounts.addUser({ name: "ana", passwordHash: "", disabled: false, createdAt: time }, {});
  await store.accounts.saveDevice({
    id: "d",
    user: "ana",
    name: "laptop",
    tokenHash: "t",
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

Deno.test("noteSeen() stamps anew what a clock stamped that was ahead, for as long as it was to last", async () => {
  using folder = temporaryFolder();
  using store = await openStamped(folder.path, now + 3_650 * day);
  await store.clock.noteSeen(now);
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

Deno.test("noteSeen() leaves stamps that are not later alone, and is known when the store is opened again", async () => {
  using folder = temporaryFolder();
  {
    using store = await openStamped(folder.path, now);
    await store.clock.noteSeen(now + 1);
    const device = await store.accounts.findDevice("d");
    assert.deepEqual([device?.createdAt, device?.lastUsedAt, device?.expiresAt], [now, now, now + 30 * day]);
    assert.ok(!await store.accounts.hasInvite({ codeHash: "c", now: now + day }));
    assert.equal(await store.files.removeUnsent(now + 1), 1);
  }
  using again = openStore({ folder: folder.path, log: silentLog });
  assert.equal(again.clock.lastSeenAt, now + 1);
});
