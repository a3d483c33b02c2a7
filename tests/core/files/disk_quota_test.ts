import assert from "node:assert/strict";
import { DiskQuota } from "../../../src/core/files/disk_quota.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { sendMessage } from "../../support/servers/send_message.ts";
import { TestChat } from "../../support/servers/test_chat.ts";

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
  /** Returns the refusal after another measurement. */
  const later = async () => {
    clock.advance(1_000);
    quota.refusal();
    await Promise.resolve().then(() => {}).then(() => {});
    return quota.refusal()?.code;
  };
  return { quota, disk, events, later };
}

Deno.test("the quota refuses while it is reached, and logs each change once", async () => {
  const { disk, events, later } = quota(1_000);
  disk.bytes = 999;
  assert.equal(await later(), undefined);
  disk.bytes = 1_000;
  assert.equal(await later(), "storage_full");
  assert.equal(await later(), "storage_full");
  disk.bytes = 500;
  assert.equal(await later(), undefined);
  assert.deepEqual(events.map((event) => event.slice(0, 22)), ["refusing new messages:", "accepting new messages"]);
});

Deno.test("the quota measures once a second at most, and never without a limit", () => {
  const limited = quota(1_000);
  for (let i = 0; i < 1_000; i++) limited.quota.refusal();
  assert.equal(limited.disk.looks, 1);
  const unlimited = quota(undefined);
  for (let i = 0; i < 1_000; i++) assert.equal(unlimited.quota.refusal(), undefined);
  assert.equal(unlimited.disk.looks, 0);
});

Deno.test("a quota that cannot measure keeps its last result", async () => {
  const { disk, later } = quota(1_000);
  disk.bytes = 2_000;
  assert.equal(await later(), "storage_full");
  disk.failing = true;
  assert.equal(await later(), "storage_full");
});

Deno.test("on a full disk messages and edits are refused, but neither resends nor requests that free space", async () => {
  const test = await TestChat.open({ limits: { maxDiskBytes: 0 } });
  const { chat, clock } = test;
  const accepted = test.draft("ben", "first");
  const first = await sendMessage(chat, "ana", accepted);
  // The first send triggered the measurement.
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
