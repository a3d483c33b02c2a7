import assert from "node:assert/strict";
import type { ChatError } from "../../../src/core/chat_error.ts";
import {
  type Announcement,
  Files,
  type FilesOptions,
  maxChunkBytes,
  uploadLifetimeMs,
} from "../../../src/core/files/files.ts";
import { silentLog } from "../../../src/core/log.ts";
import type { Attachment } from "../../../src/core/messages/message.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";
import { sha256Of } from "../../support/checks/files.ts";
import { MemoryFiles } from "../../support/fakes/memory_files.ts";

const limits: FilesOptions["limits"] = { maxFileBytes: 200_000, uploadQuotaBytes: 1_000_000, maxDiskBytes: undefined };
const bytes = new TextEncoder().encode("what ana wrote down");

function openFiles(options: { limits?: Partial<FilesOptions["limits"]> } = {}) {
  const store = new MemoryFiles();
  const clock = new FakeClock();
  const messages = new Map<number, Attachment>();
  const files = new Files({
    store,
    clock,
    log: silentLog,
    limits: { ...limits, ...options.limits },
    attachmentOf: (_user, { seq }) => Promise.resolve(messages.get(seq)),
  });
  return { store, clock, messages, files };
}

async function announcementOf(content: Uint8Array, rest: Partial<Announcement> = {}): Promise<Announcement> {
  const sha256 = await sha256Of(content);
  return { id: createMessageId(), name: "notes.txt", mediaType: "", size: content.length, sha256, ...rest };
}

async function upload(files: Files, owner: string, content: Uint8Array): Promise<Announcement> {
  const announcement = await announcementOf(content);
  let { offset } = await files.begin(owner, announcement);
  while (offset < content.length) {
    const chunk = content.subarray(offset, offset + maxChunkBytes);
    offset = (await files.write(owner, { id: announcement.id, offset, bytes: chunk })).offset;
  }
  return announcement;
}

Deno.test("a file uploaded in chunks can be attached and read in chunks", async () => {
  const { files, store, messages } = openFiles();
  const content = crypto.getRandomValues(new Uint8Array(maxChunkBytes + 1_000));
  const { id } = await upload(files, "ana", content);
  messages.set(7, (await store.attach(1, { owner: "ana", id }))!);
  const first = await files.read("ben", { with: "ana", seq: 7, offset: 0 });
  assert.equal(first.size, content.length);
  assert.deepEqual(first.bytes, content.slice(0, maxChunkBytes));
  const second = await files.read("ben", { with: "ana", seq: 7, offset: maxChunkBytes });
  assert.deepEqual(second.bytes, content.slice(maxChunkBytes));
  assert.equal((await files.read("ben", { with: "ana", seq: 7, offset: content.length })).bytes.length, 0);
  await rejectsWith("invalid_argument", files.read("ben", { with: "ana", seq: 7, offset: content.length + 1 }));
  await rejectsWith("not_found", files.read("ben", { with: "ana", seq: 8, offset: 0 }));
});

Deno.test("begin() returns how much has arrived, even when everything has", async () => {
  const { files } = openFiles();
  const announcement = await announcementOf(bytes);
  const { id } = announcement;
  assert.deepEqual(await files.begin("ana", announcement), { offset: 0 });
  await files.write("ana", { id, offset: 0, bytes: bytes.subarray(0, 4) });
  assert.deepEqual(await files.begin("ana", announcement), { offset: 4 });
  await files.write("ana", { id: id.toUpperCase(), offset: 4, bytes: bytes.subarray(4) });
  assert.deepEqual(await files.begin("ana", announcement), { offset: bytes.length });
  assert.deepEqual(await files.write("ana", { id, offset: 0, bytes }), { offset: bytes.length });
});

Deno.test("begin() completes an upload that a process left before the last check", async () => {
  const { files, store } = openFiles();
  const announcement = await announcementOf(bytes);
  await files.begin("ana", announcement);
  const known = (await store.find("ana", announcement.id))!;
  await store.write(known, { offset: 0, bytes });
  assert.deepEqual(await files.begin("ana", announcement), { offset: bytes.length });
  assert.equal((await store.find("ana", announcement.id))?.isComplete, true);
});

Deno.test("chunks in any order, even repeated, make the announced file", async () => {
  const { files, store } = openFiles();
  const content = crypto.getRandomValues(new Uint8Array(1_000));
  const announcement = await announcementOf(content);
  const { id } = announcement;
  await files.begin("ana", announcement);
  const starts = Array.from({ length: 10 }, (_, index) => index * 100);
  let arrived = 0;
  while (arrived < content.length) {
    const shuffled = starts.toSorted(() => Math.random() - 0.5);
    const answers = await Promise.all(
      shuffled.map((offset) => files.write("ana", { id, offset, bytes: content.subarray(offset, offset + 100) })),
    );
    arrived = Math.max(...answers.map(({ offset }) => offset));
  }
  assert.equal((await store.find("ana", id))?.isComplete, true);
});

Deno.test("an id used for another file is a conflict, and another user's upload does not exist", async () => {
  const { files } = openFiles();
  const announcement = await announcementOf(bytes);
  const { id } = announcement;
  await files.begin("ana", announcement);
  for (const other of [{ name: "b" }, { size: 5 }, { sha256: new Uint8Array(32) }, { mediaType: "text/html" }]) {
    await rejectsWith("message_id_conflict", files.begin("ana", { ...announcement, ...other }));
  }
  const unknown = await rejectsWith("not_found", files.write("ben", { id: createMessageId(), offset: 0, bytes }));
  const foreign = await rejectsWith("not_found", files.write("ben", { id, offset: 0, bytes }));
  assert.equal(withoutIds(foreign), withoutIds(unknown));
  assert.deepEqual(await files.begin("ben", announcement), { offset: 0 });
});

Deno.test("responses do not reveal whether a content is already stored", async () => {
  const { files } = openFiles();
  await upload(files, "ana", bytes);
  assert.deepEqual(await files.begin("ben", await announcementOf(bytes)), { offset: 0 });
  assert.deepEqual(await files.begin("ana", await announcementOf(bytes)), { offset: 0 });
});

Deno.test("content that differs from the announcement is refused, and can be announced again", async () => {
  const { files } = openFiles();
  const announcement = await announcementOf(bytes);
  const { id } = announcement;
  await files.begin("ana", announcement);
  const wrong = new Uint8Array(bytes.length);
  await rejectsWith("invalid_argument", files.write("ana", { id, offset: 0, bytes: wrong }));
  assert.deepEqual(await files.begin("ana", announcement), { offset: 0 });
  assert.deepEqual(await files.write("ana", { id, offset: 0, bytes }), { offset: bytes.length });
});

Deno.test("impossible announcements and chunks are refused", async () => {
  const { files } = openFiles();
  const good = await announcementOf(bytes);
  const wrong: Partial<Announcement>[] = [
    { id: "7" },
    { name: "../x" },
    { mediaType: "text" },
    { size: 0 },
    { size: -1 },
    { size: NaN },
    { size: 1.5 },
    { sha256: new Uint8Array(31) },
  ];
  for (const each of wrong) await rejectsWith("invalid_argument", files.begin("ana", { ...good, ...each }));
  await rejectsWith("limit_reached", files.begin("ana", { ...good, size: limits.maxFileBytes + 1 }));
  await rejectsWith("limit_reached", files.begin("ana", { ...good, size: Number.MAX_SAFE_INTEGER }));
  await files.begin("ana", good);
  const { id } = good;
  await rejectsWith("invalid_argument", files.write("ana", { id, offset: 0, bytes: new Uint8Array() }));
  await rejectsWith(
    "invalid_argument",
    files.write("ana", { id, offset: 0, bytes: new Uint8Array(maxChunkBytes + 1) }),
  );
  for (const offset of [1, bytes.length, Number.MAX_SAFE_INTEGER]) {
    await rejectsWith("invalid_argument", files.write("ana", { id, offset, bytes }));
  }
  assert.deepEqual(await files.begin("ana", good), { offset: 0 });
});

Deno.test("errors about quotas say what to do", async () => {
  const { files, clock } = openFiles({ limits: { uploadQuotaBytes: 50_000 } });
  for (let count = 0; count < 8; count++) await files.begin("ana", await announcementOf(bytes));
  const many = await rejectsWith("limit_reached", files.begin("ana", await announcementOf(bytes)));
  assert.match(many.message, /8 unfinished uploads/);
  clock.advance(60 * 60 * 1000 + 1);
  await files.begin("ana", await announcementOf(bytes));
  const full = await rejectsWith("limit_reached", files.begin("ben", await announcementOf(bytes, { size: 50_001 })));
  assert.match(full.message, /your quota of 50000 bytes/);
  const small = openFiles({ limits: { maxDiskBytes: 10 } });
  await rejectsWith("storage_full", small.files.begin("ana", await announcementOf(bytes)));
});

Deno.test("uploads without a message are removed after a day", async () => {
  const { files, store, clock } = openFiles();
  const [sent, unsent] = [await upload(files, "ana", bytes), await upload(files, "ana", new Uint8Array([1]))];
  const unfinished = await announcementOf(bytes);
  await files.begin("ana", unfinished);
  const { sha256 } = (await store.attach(1, { owner: "ana", id: sent.id }))!;
  clock.advance(uploadLifetimeMs);
  await files.sweep();
  assert.ok(await store.find("ana", unsent.id));
  clock.advance(1);
  await files.sweep();
  assert.equal(await store.find("ana", unsent.id), undefined);
  await rejectsWith("not_found", files.write("ana", { id: unfinished.id, offset: 0, bytes }));
  assert.ok(await store.read(sha256, { offset: 0, maxBytes: 1 }));
});

Deno.test("no upload expires or is replaced by age while the clock may be ahead", async () => {
  const { files, store, clock } = openFiles();
  const unsent = await upload(files, "ana", bytes);
  const unfinished = [];
  for (let i = 0; i < 8; i++) unfinished.push(await announcementOf(bytes));
  for (const announcement of unfinished) await files.begin("ana", announcement);
  clock.doubt(clock.now() + 365 * uploadLifetimeMs);
  await files.sweep();
  assert.ok(await store.find("ana", unsent.id));
  await rejectsWith("limit_reached", files.begin("ana", await announcementOf(bytes)));
  await files.write("ana", { id: unfinished[0].id, offset: 0, bytes });
  clock.believe();
  await files.sweep();
  assert.equal(await store.find("ana", unsent.id), undefined);
});

Deno.test("an upload begun while the clock is behind does not expire when the clock is corrected", async () => {
  const { files, store, clock } = openFiles();
  const right = clock.now();
  clock.doubt(0);
  const { id } = await upload(files, "ana", bytes);
  clock.doubt(right);
  clock.believe();
  clock.advance(uploadLifetimeMs);
  await files.sweep();
  assert.ok(await store.find("ana", id));
  clock.advance(1);
  await files.sweep();
  assert.equal(await store.find("ana", id), undefined);
});

Deno.test("content deleted during a removal is removed as well", async () => {
  const { files, store } = openFiles();
  const [one, other] = [await upload(files, "ana", bytes), await upload(files, "ana", new Uint8Array([1]))];
  for (const [position, { id }] of [one, other].entries()) await store.attach(position, { owner: "ana", id });
  const passed = Promise.withResolvers<void>();
  const removeUnheld = store.removeUnheld.bind(store);
  store.removeUnheld = async () => {
    await removeUnheld();
    passed.resolve();
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  const first = files.sweep();
  await passed.promise;
  await store.removeAt(1);
  await Promise.all([first, files.sweep()]);
  assert.equal(await store.read(other.sha256.toHex(), { offset: 0, maxBytes: 1 }), undefined);
  assert.ok(await store.read(one.sha256.toHex(), { offset: 0, maxBytes: 1 }));
});

Deno.test("chunks of one user are accepted as fast as a disk writes, and no faster", async () => {
  const { files, clock } = openFiles();
  const ask = (user: string) => files.read(user, { with: "ben", seq: 1, offset: 0 });
  for (let count = 0; count < 512; count++) await rejectsWith("not_found", ask("ana"));
  const limited: ChatError = await rejectsWith("rate_limited", ask("ana"));
  assert.ok(limited.retryAfterMs! > 0 && limited.retryAfterMs! < 100);
  await rejectsWith("not_found", ask("ben"));
  clock.advance(limited.retryAfterMs!);
  await rejectsWith("not_found", ask("ana"));
});

Deno.test("a file lost on the disk is reported as lost", async () => {
  const { files, messages } = openFiles();
  messages.set(1, { name: "a", mediaType: "text/plain", size: 5, sha256: "ab".repeat(32) });
  const lost = await rejectsWith("not_found", files.read("ana", { with: "ben", seq: 1, offset: 0 }));
  assert.match(lost.message, /server has lost this file/);
});

Deno.test("after close() nothing begins, and everything begun has ended", async () => {
  const { files } = openFiles();
  const announcement = await announcementOf(bytes);
  await files.begin("ana", announcement);
  files.start();
  const writing = files.write("ana", { id: announcement.id, offset: 0, bytes });
  let written = false;
  writing.then(() => written = true, () => written = true);
  await files.close();
  assert.ok(written);
  await rejectsWith("unavailable", files.begin("ana", announcement));
});

function withoutIds({ message }: ChatError): string {
  return message.replace(/[0-9a-f-]{36}/g, "ID");
}
