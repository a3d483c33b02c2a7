import assert from "node:assert/strict";
import { DeviceCleanup } from "../../../src/core/accounts/device_cleanup.ts";
import type { Identity } from "../../../src/core/accounts/identity.ts";
import { silentLog } from "../../../src/core/log.ts";
import { FakeSubscriber, TestChat } from "../../support/servers/test_chat.ts";

const day = 24 * 60 * 60 * 1000;

function cleanupOf({ store, chat, clock }: TestChat): DeviceCleanup {
  return new DeviceCleanup({ store: store.deviceCleanup, live: chat.live, clock, log: silentLog });
}

/** The cursor of a consumer is at 0 as long as it is kept, and at the head when it is made anew. */
async function isKept(test: TestChat, { deviceId }: Identity, consumer: string): Promise<boolean> {
  return await test.store.messages.openConsumer(deviceId, consumer, { maxConsumers: 32 }) === 0;
}

Deno.test("a consumer that is not used for 90 days is forgotten, and begins again at the head", async () => {
  await using test = await TestChat.open();
  const cleanup = cleanupOf(test);
  const ana = await test.identify("ana");
  for (const consumer of ["old", "used", "live", "quiet"]) await test.chat.openConsumer(ana, consumer);
  test.chat.subscribe(new FakeSubscriber(ana, "live"));
  await test.send("ana", "ben");
  test.clock.advance(45 * day);
  await test.chat.openConsumer(ana, "used");
  await test.chat.renew(new FakeSubscriber(ana, "quiet"));
  await cleanup.sweep();
  assert.ok(await isKept(test, ana, "old"));
  test.clock.advance(45 * day + 1);
  await cleanup.sweep();
  const kept = await Promise.all(["old", "used", "live", "quiet"].map((consumer) => isKept(test, ana, consumer)));
  assert.deepEqual(kept, [false, true, true, true]);
  await cleanup.close();
});

Deno.test("a consumer of which no use is known is kept for another 90 days", async () => {
  await using test = await TestChat.open();
  const cleanup = cleanupOf(test);
  const ana = await test.identify("ana");
  assert.ok(await isKept(test, ana, "unknown"));
  await test.send("ana", "ben");
  await cleanup.sweep();
  test.clock.advance(90 * day);
  await cleanup.sweep();
  assert.ok(await isKept(test, ana, "unknown"));
  test.clock.advance(1);
  await cleanup.sweep();
  assert.ok(!await isKept(test, ana, "unknown"));
  await cleanup.close();
});

Deno.test("devices that are logged out or expired for 90 days go with their consumers, but for connected ones", async () => {
  await using test = await TestChat.open();
  const cleanup = cleanupOf(test);
  const [loggedOut, expired, live] = [
    await test.identify("ana"),
    await test.identify("ana"),
    await test.identify("ana"),
  ];
  for (const device of [loggedOut, expired, live]) await test.chat.openConsumer(device, "ui");
  await test.accounts.logOut(loggedOut);
  test.chat.subscribe(new FakeSubscriber(live));
  const left = async () => {
    await cleanup.sweep();
    const found = await Promise.all(
      [loggedOut, expired, live].map(({ deviceId }) => test.store.accounts.findDevice(deviceId)),
    );
    return found.map((device) => device !== undefined);
  };
  test.clock.advance(90 * day);
  assert.deepEqual(await left(), [true, true, true]);
  test.clock.advance(1);
  assert.deepEqual(await left(), [false, true, true]);
  test.clock.advance(90 * day);
  assert.deepEqual(await left(), [false, false, true]);
  await cleanup.close();
});

Deno.test("nothing is removed by age while the clock is doubted to be ahead", async () => {
  await using test = await TestChat.open();
  const cleanup = cleanupOf(test);
  const ana = await test.identify("ana");
  await test.chat.openConsumer(ana, "ui");
  await test.accounts.logOut(ana);
  test.clock.doubt(test.clock.now() + 365 * day);
  await cleanup.sweep();
  assert.ok(await test.store.accounts.findDevice(ana.deviceId));
  test.clock.believe();
  await cleanup.sweep();
  assert.equal(await test.store.accounts.findDevice(ana.deviceId), undefined);
  await cleanup.close();
});
