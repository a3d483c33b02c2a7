import assert from "node:assert/strict";
import type { AccountStore } from "../../src/core/accounts/account_store.ts";
import { Accounts } from "../../src/core/accounts/accounts.ts";
import { DeviceCleanup, type DeviceCleanupStore } from "../../src/core/accounts/device_cleanup.ts";
import { hashSecret } from "../../src/core/accounts/secret.ts";
import { ClockGuard, type ClockStore, doubtMs } from "../../src/core/clock_guard.ts";
import type { FileStore } from "../../src/core/files/file_store.ts";
import { silentLog } from "../../src/core/log.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { ExclusiveMessageStore } from "../../src/core/messages/message_store.ts";
import { FakeHasher } from "../support/fakes/fake_hasher.ts";
import { accept, deviceRecord, directAppend, userRecord } from "../support/servers/stored_messages.ts";
import { contractTests } from "./contract_tests.ts";

/** What a store keeps times of. */
interface TimedStore {
  readonly messages: ExclusiveMessageStore;
  readonly accounts: AccountStore;
  readonly files: FileStore;
  readonly deviceCleanup: DeviceCleanupStore;
  readonly clock: ClockStore;
  beginServing(): void | Promise<void>;
  close(): void | Promise<void>;
}

/** A place for a store, empty at first. */
export interface TimedPlace {
  /** Opens the store, which the caller closes before opening it again. */
  open(): TimedStore | Promise<TimedStore>;
  close(): void | Promise<void>;
}

const day = 24 * 60 * 60 * 1000;
const now = Date.UTC(2026, 0, 1);
const quotas = { maxUnfinished: 8, maxBytesOfOwner: 1_000_000, maxDiskBytes: undefined };
const nobody = { isDeviceOnline: () => false, isConsumerOnline: () => false };

/** A server that starts at this time, with `token` as the token of device "d". */
async function serve(place: TimedPlace, time: number, token: string) {
  const store = await place.open();
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
      await store.close();
    },
  };
}

/** Runs `work` with a store that has a device, a consumer, an invitation and an upload, all with the same time. */
async function withStamps(
  place: TimedPlace,
  { time, tokenHash = "t" }: { time: number; tokenHash?: string },
  work: (store: TimedStore) => Promise<void>,
): Promise<void> {
  const store = await place.open();
  await store.beginServing();
  await store.accounts.addUser(userRecord("ana", { createdAt: time }));
  const times = { createdAt: time, lastUsedAt: time, expiresAt: time + 30 * day };
  await store.accounts.saveDevice(deviceRecord("d", "ana", { tokenHash, ...times }));
  await store.messages.openConsumer("d", "ui", { maxConsumers: 1, usedAt: time });
  await store.accounts.addInvite({ codeHash: "c", createdAt: time, expiresAt: time + day });
  const upload = { owner: "ana", id: createMessageId(), name: "a", mediaType: "", size: 1, sha256: "00".repeat(32) };
  await store.files.add({ ...upload, begunAt: time }, quotas);
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

/** What every store of times keeps to. */
export function clockStoreContract(name: string, make: () => TimedPlace | Promise<TimedPlace>): void {
  const test = contractTests(name, { open: make, prepare: (place) => place });

  test("restamp() replaces times ahead of the clock, and keeps the lifetimes", async (place) => {
    await withStamps(place, { time: now + 3_650 * day }, async (store) => {
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
  });

  test("restamp() keeps times that are not ahead", async (place) => {
    await withStamps(place, { time: now }, async (store) => {
      await store.clock.restamp(now + 1);
      const device = await store.accounts.findDevice("d");
      assert.deepEqual([device?.createdAt, device?.lastUsedAt, device?.expiresAt], [now, now, now + 30 * day]);
      assert.ok(!await store.accounts.hasInvite({ codeHash: "c", now: now + day }));
      assert.equal(await store.files.removeUnsent(now + 1), 1);
    });
  });

  test("the time last seen and that of the newest entry are known when the store is reopened", async (place) => {
    await withStamps(place, { time: now }, async ({ clock, messages, accounts }) => {
      assert.deepEqual([clock.lastSeenAt, clock.newestEntryAt], [undefined, undefined]);
      await accounts.addUser(userRecord("ben"));
      for (const acceptedAt of [now + 5, now + 7]) await accept(messages, directAppend("ana", "ben", { acceptedAt }));
      await clock.noteSeen(now + 1);
    });
    const { clock, close } = await place.open();
    assert.deepEqual([clock.lastSeenAt, clock.newestEntryAt], [now + 1, now + 7]);
    await close();
  });

  for (const isUsed of [true, false]) {
    test(
      `a clock that was behind for hours causes no logout and no removal of devices or cursors once it is right, ${
        isUsed ? "of used devices" : "of unused devices"
      }`,
      async (place) => {
        const token = "secret";
        const right = now + 332 * day;
        const tokenHash = await hashSecret(token);
        await withStamps(place, { time: right, tokenHash }, ({ clock }) => clock.noteSeen(right));
        {
          await using wrong = await serve(place, now, token);
          assert.notEqual(wrong.expected(), undefined);
          wrong.pass(doubtMs);
          assert.equal(wrong.expected(), undefined);
          wrong.pass(10 * doubtMs);
          if (isUsed) await wrong.use();
        }
        await using server = await serve(place, now + day / 2, token);
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
      },
    );
  }
}
