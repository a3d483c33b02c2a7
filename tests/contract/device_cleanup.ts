import assert from "node:assert/strict";
import type { DeviceCleanupStore, LiveConsumers } from "../../src/core/accounts/device_cleanup.ts";
import { contractTests } from "./contract_tests.ts";
import type { OpenedStore } from "./message_store.ts";
import { deviceRecord, userRecord } from "../support/servers/stored_messages.ts";

export interface OpenedCleanup extends OpenedStore {
  readonly deviceCleanup: DeviceCleanupStore;
}

const hour = 60 * 60 * 1000;
const now = Date.UTC(2026, 0, 1);
const removal = { now, before: now - hour, limit: 8 };
const nobody: LiveConsumers = { isDeviceOnline: () => false, isConsumerOnline: () => false };

/** What every cleanup of devices keeps to. `open` gives an empty store, which the suite closes. */
export function deviceCleanupContract(name: string, open: () => OpenedCleanup | Promise<OpenedCleanup>): void {
  const test = contractTests(name, {
    open,
    async prepare(store) {
      for (const user of ["ana", "ben"]) await store.accounts.addUser(userRecord(user));
      return store;
    },
  });

  const devicesLeft = async ({ accounts }: OpenedCleanup, ids: readonly string[]) => {
    const found = await Promise.all(ids.map((id) => accounts.findDevice(id)));
    return found.flatMap((device) => device?.id ?? []);
  };

  test("devices without a token or with an expired one go when they are old, with their consumers", async (store) => {
    const { accounts, messages, deviceCleanup } = store;
    const old = { lastUsedAt: now - hour - 1, expiresAt: now - hour - 1 };
    const devices = [
      deviceRecord("expired", "ana", old),
      deviceRecord("valid", "ana", { ...old, expiresAt: now }),
      deviceRecord("logged-out", "ben", { ...old, expiresAt: now, tokenHash: undefined }),
      deviceRecord("young", "ben", { lastUsedAt: now - hour, expiresAt: now, tokenHash: undefined }),
    ];
    for (const device of devices) {
      await accounts.saveDevice(device);
      await messages.openConsumer(device.id, "ui", { maxConsumers: 1, usedAt: now });
    }
    assert.equal(await deviceCleanup.removeDevices({ ...removal, live: nobody }), 2);
    assert.deepEqual(await devicesLeft(store, devices.map(({ id }) => id)), ["valid", "young"]);
    assert.equal(await deviceCleanup.removeDevices({ ...removal, live: nobody }), 0);
    await assert.rejects(messages.openConsumer("expired", "ui", { maxConsumers: 1 }));
  });

  test("a connected device stays, and counts as used now", async (store) => {
    const { accounts, deviceCleanup } = store;
    const old = { lastUsedAt: now - 2 * hour, tokenHash: undefined };
    for (const id of ["d1", "d2"]) await accounts.saveDevice(deviceRecord(id, "ana", old));
    const live = { ...nobody, isDeviceOnline: (user: string, id: string) => user === "ana" && id === "d1" };
    assert.equal(await deviceCleanup.removeDevices({ ...removal, live }), 2);
    assert.deepEqual(await devicesLeft(store, ["d1", "d2"]), ["d1"]);
    assert.equal((await accounts.findDevice("d1"))?.lastUsedAt, now);
    assert.equal(await deviceCleanup.removeDevices({ ...removal, live: nobody }), 0);
  });

  test("no more devices or consumers are examined at a time than the limit", async ({ accounts, messages, ...store }) => {
    const { deviceCleanup } = store;
    for (let i = 0; i < 5; i++) {
      await accounts.saveDevice(deviceRecord(`d${i}`, "ana", { lastUsedAt: i, tokenHash: undefined }));
      await messages.openConsumer(`d${i}`, "ui", { maxConsumers: 1, usedAt: i + 1 });
    }
    const examined = async (remove: "removeConsumers" | "removeDevices") => {
      const counts: number[] = [];
      for (let i = 0; i < 4; i++) {
        counts.push(await deviceCleanup[remove]({ ...removal, limit: 2, live: nobody }));
      }
      return counts;
    };
    assert.deepEqual(await examined("removeConsumers"), [2, 2, 1, 0]);
    assert.deepEqual(await examined("removeDevices"), [2, 2, 1, 0]);
  });

  test("old consumers go, but for connected ones and those whose last use is unknown", async (store) => {
    const { accounts, messages, deviceCleanup } = store;
    await accounts.saveDevice(deviceRecord("d1", "ana"));
    const opened = { old: now - hour - 1, live: now - hour - 1, young: now - hour, unknown: 0 };
    for (const [name, usedAt] of Object.entries(opened)) {
      await messages.openConsumer("d1", name, { maxConsumers: 4, usedAt });
    }
    const live = {
      ...nobody,
      isConsumerOnline: (...consumer: string[]) => `${consumer}` === "ana,d1,live",
    };
    assert.equal(await deviceCleanup.removeConsumers({ ...removal, live }), 3);
    const isLeft = async (name: string) =>
      await messages.openConsumer("d1", name, { maxConsumers: 0, usedAt: now }) !== undefined;
    const left = await Promise.all(Object.keys(opened).map(isLeft));
    assert.deepEqual(left, [false, true, true, true]);
    assert.equal(await deviceCleanup.removeConsumers({ ...removal, before: now, live: nobody }), 1);
    assert.equal(await isLeft("young"), false);
  });

  test("noteUse() keeps a consumer, and writes at most once an hour", async (store) => {
    const { accounts, messages, deviceCleanup } = store;
    await accounts.saveDevice(deviceRecord("d1", "ana"));
    for (const name of ["soon", "late"]) await messages.openConsumer("d1", name, { maxConsumers: 2, usedAt: now });
    await deviceCleanup.noteUse("d1", "soon", now + hour);
    await deviceCleanup.noteUse("d1", "late", now + hour + 1);
    await deviceCleanup.noteUse("d1", "unknown", now + hour);
    await deviceCleanup.noteUse("unknown", "soon", now + hour);
    const remove = (before: number) => deviceCleanup.removeConsumers({ now, before, limit: 8, live: nobody });
    assert.equal(await remove(now + hour), 1);
    assert.equal(await remove(now + hour + 1), 0);
    assert.equal(await remove(now + hour + 2), 1);
  });
}
