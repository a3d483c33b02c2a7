import assert from "node:assert/strict";
import { DiskQuota } from "../../../src/core/files/disk_quota.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { rejectsWith } from "../../support/chat_error_assertions.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { sendMessage } from "../../support/send_message.ts";
import { TestChat } from "../../support/test_chat.ts";

function quota(maxBytes: number | undefined) {
  const clock = new FakeClock();
  const disk = { bytes: 0, looks: 0, failing: false };
  const diskBytes = () => {
    disk.looks++;
    return disk.failing ? Promise.reject(new Error("no disk")) : Promise.resolve(disk.bytes);
  };
  const events: string[] = [];
  const note = (event: string) => void events.push(event);
  const log = { ...silentLog, info: note, warn: note, error: note };
  const options = { files: { diskBytes }, maxBytes, clock, log };
  const quota = new DiskQuota(options);
  /** What it says after it looked once more. */
  const later = async () => {
    clock.advance(1_000);
    quota.refusal();
    await Promise.resolve().then(() => {}).then(() => {});
    return quota.refusal()?.code;
  };
  return { quota, disk, events, later };
}

Deno.test("a quota refuses from when it is reached until there is room, and says so once each", async () => {
  const { disk, events, later } = quota(1_000);
  disk.bytes = 999;
  assert.equal(await later(), undefined);
  disk.bytes = 1_000;
  assert.equal(await later(), "storage_full");
  assert.equal(await later(), "storage_full");
  disk.bytes = 500;
  assert.equal(await later(), undefined);
  assert.deepEqual(events.map((event) => event.slice(0, 24)), ["new messages are refused", "new messages are taken a"]);
});

Deno.test("a quota looks once a second, however much is sent, and never where there is none", () => {
  const limited = quota(1_000);
  for (let i = 0; i < 1_000; i++) limited.quota.refusal();
  assert.equal(limited.disk.looks, 1);
  const unlimited = quota(undefined);
  for (let i = 0; i < 1_000; i++) assert.equal(unlimited.quota.refusal(), undefined);
  assert.equal(unlimited.disk.looks, 0);
});

Deno.test("a quota that cannot look goes on with what it saw", async () => {
  const { disk, later } = quota(1_000);
  disk.bytes = 2_000;
  assert.equal(await later(), "storage_full");
  disk.failing = true;
  assert.equal(await later(), "storage_full");
});

Deno.test("on a full disk messages and edits are refused, not what was accepted before, nor what makes room", async () => {
  const test = await TestChat.open({ limits: { maxDiskBytes: 0 } });
  const { chat, clock } = test;
  const accepted = test.draft("ben", "first");
  const first = await sendMessage(chat, "ana", accepted);
  // The first send made it look.
  await rejectsWith("storage_full", sendMessage(chat, "ana", test.draft("ben", "second")));
  assert.equal((await sendMessage(chat, "ana", accepted)).duplicate, true);
  const id = () => createMessageId(clock.now());
  const amend = (change: Promise<Parameters<typeof chat.posting.submit>[0]>) =>
    change.then((draft) => chat.posting.submit(draft));
  const target = { to: "ben", seq: first.seq };
  await rejectsWith("storage_full", amend(chat.posting.checkEdit("ana", { ...target, id: id(), text: "longer" })));
  await amend(chat.posting.checkReaction("ben", { to: "ana", seq: first.seq, id: id(), emoji: "👍", remove: false }));
  await amend(chat.posting.checkDelete("ana", { ...target, id: id() }));
  await test.close();
});
