import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { accept, deviceRecord, directAppend, userRecord } from "../support/servers/stored_messages.ts";
import { contractTests } from "./contract_tests.ts";
import type { OpenedCleanup } from "./device_cleanup.ts";

const hour = 60 * 60 * 1000;
const now = Date.UTC(2026, 0, 1);
const live = { isDeviceOnline: () => false, isConsumerOnline: () => false };

/** What the consumers of every store keep to, besides what cleanup does. `open` gives an empty store. */
export function consumersContract<Store extends OpenedCleanup>(
  name: string,
  { open, fillDisk }: {
    open: () => Store | Promise<Store>;
    /** Makes every update of a consumer fail as on a full disk. */
    fillDisk: (store: Store) => void | Promise<void>;
  },
): void {
  const test = contractTests(name, {
    open,
    async prepare(store) {
      for (const user of ["ana", "ben"]) await store.accounts.addUser(userRecord(user));
      for (const device of ["d1", "d2"]) await store.accounts.saveDevice(deviceRecord(device, "ana"));
      return store;
    },
  });

  test("openConsumer() records the use of new and known consumers once an hour", async (store) => {
    const open = (name: string, usedAt: number) => store.messages.openConsumer("d1", name, { maxConsumers: 9, usedAt });
    const removeUnusedSince = (before: number) => store.deviceCleanup.removeConsumers({ now, before, limit: 9, live });
    for (const name of ["once", "soon", "late"]) await open(name, now);
    await open("soon", now + hour);
    await open("late", now + hour + 1);
    assert.equal(await removeUnusedSince(now), 0);
    assert.equal(await removeUnusedSince(now + 1), 2);
    assert.equal(await removeUnusedSince(now + hour + 1), 0);
    assert.equal(await removeUnusedSince(now + hour + 2), 1);
  });

  test("openConsumer() opens a known consumer on a full disk without recording its use", async (store) => {
    const open = (usedAt: number) => store.messages.openConsumer("d1", "ui", { maxConsumers: 9, usedAt });
    assert.equal(await open(now), 0);
    await fillDisk(store);
    assert.equal(await open(now + 2 * hour), 0);
  });

  test("openConsumer() starts a new consumer where the log parted from another, and keeps the cursor of a known one", async ({ messages }) => {
    for (let count = 0; count < 3; count++) await accept(messages, directAppend("ben", "ana"));
    const open = (name: string, at: number, partedFrom?: string) =>
      messages.openConsumer("d1", name, { maxConsumers: 9, start: { at, partedFrom } });
    assert.equal(await open("plain", 2), 2);
    assert.equal(await open("parted", 2, createMessageId()), 0);
    assert.equal(await open("unknown", 2, ""), 0);
    assert.equal(await open("plain", 1, ""), 2);
  });

  test("consumers that open at once are at most as many as a device may have, each one once", async ({ messages }) => {
    const names = ["a", "b", "c", "a", "b", "c"];
    const opened = await Promise.all(
      names.flatMap((name) => ["d1", "d2"].map((device) => messages.openConsumer(device, name, { maxConsumers: 2 }))),
    );
    assert.equal(opened.filter((position) => position === 0).length, 8);
    assert.equal(opened.filter((position) => position === undefined).length, 4);
  });
}
