import assert from "node:assert/strict";
import { databasePath, ordinaryLogBytes } from "../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import type { SqliteFileStore } from "../../../src/store/sqlite/sqlite_file_store.ts";
import { complete, quotas, uploadOf } from "../../contract/file_store.ts";
import { attachmentsOf, fillFolder as fill, openFolder as open } from "../../support/servers/file_stores.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { accept, directAppend } from "../../support/servers/stored_messages.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

const bytes = new TextEncoder().encode("what ana wrote down");

/** Returns the paths of all files in a folder, sorted. */
function filesIn(folder: string, path = ""): string[] {
  return [...Deno.readDirSync(`${folder}/${path}`)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(folder, `${path}${name}/`) : [`${path}${name}`]
  ).sort();
}

function contentPath({ sha256 }: { sha256: string }): string {
  return `${sha256.slice(0, 2)}/${sha256}`;
}

async function isRead(files: SqliteFileStore, sha256: string): Promise<boolean> {
  return await files.read(sha256, { offset: 0, maxBytes: 1_000 }) !== undefined;
}

Deno.test("a content is one file with mode 0600, regardless of the number of its uploads", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  using opened = open(folder.path);
  const upload = await complete(opened.files, bytes);
  await complete(opened.files, bytes, { owner: "ben" });
  assert.deepEqual(filesIn(`${folder.path}/files`), [contentPath(upload)]);
  const { mode } = Deno.statSync(`${folder.path}/files/${contentPath(upload)}`);
  assert.equal(mode! & 0o777, 0o600);
});

Deno.test("another upload repairs a damaged content", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  using opened = open(folder.path);
  const upload = await complete(opened.files, bytes);
  Deno.writeTextFileSync(`${folder.path}/files/${contentPath(upload)}`, "damaged");
  await complete(opened.files, bytes, { owner: "ben" });
  assert.deepEqual(await opened.files.read(upload.sha256, { offset: 0, maxBytes: 100 }), bytes);
});

Deno.test("an upload resumes in another process, and is found once it is complete", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  const upload = await uploadOf(bytes);
  {
    using opened = open(folder.path);
    await opened.files.add(upload, quotas);
    await opened.files.write(upload, { offset: 0, bytes: bytes.subarray(0, 7) });
  }
  {
    using opened = open(folder.path);
    await opened.files.removeUnheld();
    assert.equal(await opened.files.received(upload), 7);
    await opened.files.write(upload, { offset: 7, bytes: bytes.subarray(7) });
    assert.equal(await opened.files.finish(upload), true);
  }
  using opened = open(folder.path);
  assert.equal((await opened.files.find("ana", upload.id))?.isComplete, true);
  await opened.files.removeUnheld();
  assert.ok(await isRead(opened.files, upload.sha256));
});

Deno.test("the next process removes files that a crash between two steps left behind", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  const files = `${folder.path}/files`;
  const [kept, moved, lost] = [
    await uploadOf(bytes),
    await uploadOf(new Uint8Array([1])),
    await uploadOf(new Uint8Array([2])),
  ];
  {
    using opened = open(folder.path);
    await complete(opened.files, bytes, kept);
    // The content is in place, but the database does not refer to it yet.
    await opened.files.add(moved, quotas);
    await opened.files.write(moved, { offset: 0, bytes: new Uint8Array([1]) });
    const [arrived] = filesIn(`${files}/uploads`);
    Deno.mkdirSync(`${files}/${moved.sha256.slice(0, 2)}`, { recursive: true });
    Deno.renameSync(`${files}/uploads/${arrived}`, `${files}/${contentPath(moved)}`);
    // The database has removed the upload, but its received bytes still exist.
    Deno.writeTextFileSync(`${files}/uploads/999`, "left");
    // The database has removed the last reference, but the content still exists.
    await complete(opened.files, new Uint8Array([2]), lost);
    opened.database.prepare("DELETE FROM file WHERE sha256 = ?").run(Uint8Array.fromHex(lost.sha256));
    Deno.writeTextFileSync(`${files}/not of chatd`, "stays");
  }
  using opened = open(folder.path);
  await opened.files.removeUnheld();
  assert.deepEqual(filesIn(files), [contentPath(kept), "not of chatd"]);
  assert.equal(await opened.files.received(moved), 0);
  await opened.files.write(moved, { offset: 0, bytes: new Uint8Array([1]) });
  assert.equal(await opened.files.finish(moved), true);
  assert.ok(await isRead(opened.files, moved.sha256));
});

Deno.test("a content whose upload is being completed is not removed", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  using opened = open(folder.path);
  for (let round = 0; round < 20; round++) {
    const before = await complete(opened.files, bytes);
    const next = await uploadOf(bytes, { begunAt: 5_000 });
    await opened.files.add(next, quotas);
    await opened.files.write(next, { offset: 0, bytes });
    const finishing = opened.files.finish(next);
    // The only other reference is removed after the content is in place, but before the database refers to it.
    while (filesIn(`${folder.path}/files/uploads`).length > 0) await new Promise((resolve) => setTimeout(resolve, 0));
    await opened.files.removeUnsent(before.begunAt + 1);
    await opened.files.removeUnheld();
    assert.ok(await finishing);
    await opened.files.removeUnheld();
    assert.ok(await isRead(opened.files, next.sha256));
    await opened.files.removeUnsent(6_000);
    await opened.files.removeUnheld();
    assert.equal(await isRead(opened.files, next.sha256), false);
  }
});

Deno.test("an upload that is removed during a write leaves no file behind", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  using opened = open(folder.path);
  const { files } = opened;
  const upload = await uploadOf(bytes);
  await files.add(upload, quotas);
  const written = files.write(upload, { offset: 0, bytes });
  assert.equal(await files.removeUnsent(upload.begunAt + 1), 1);
  await rejectsWith("not_found", written);
  await rejectsWith("not_found", files.write(upload, { offset: 0, bytes }));
  await rejectsWith("not_found", files.finish(upload));
  assert.deepEqual([...Deno.readDirSync(`${folder.path}/files/uploads`)], []);
});

Deno.test("removing a message removes its file", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  using opened = open(folder.path);
  const upload = await complete(opened.files, bytes);
  await attachmentsOf(opened.database).attach(1, upload);
  opened.database.prepare("DELETE FROM entry WHERE position = 1").run();
  await opened.files.removeUnheld();
  assert.equal(await isRead(opened.files, upload.sha256), false);
});

Deno.test("an upload stays incomplete if the database cannot complete it", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  using opened = open(folder.path);
  const upload = await uploadOf(bytes);
  await opened.files.add(upload, quotas);
  await opened.files.write(upload, { offset: 0, bytes });
  opened.database.prepare("CREATE TEMP TRIGGER full BEFORE UPDATE ON main.file BEGIN SELECT raise(ABORT, 'full'); END")
    .run();
  await assert.rejects(opened.files.finish(upload), /full/);
  opened.database.prepare("DROP TRIGGER full").run();
  assert.equal(await isRead(opened.files, upload.sha256), false);
  assert.equal(await opened.files.received(upload), bytes.length);
  assert.equal(await opened.files.finish(upload), true);
  assert.ok(await isRead(opened.files, upload.sha256));
});

Deno.test("the same content that several users upload at once is one file", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  using opened = open(folder.path);
  const uploads = await Promise.all(["ana", "ben", "cleo"].map((owner) => uploadOf(bytes, { owner })));
  for (const upload of uploads) {
    await opened.files.add(upload, quotas);
    await opened.files.write(upload, { offset: 0, bytes });
  }
  assert.deepEqual(await Promise.all(uploads.map((upload) => opened.files.finish(upload))), [true, true, true]);
  assert.deepEqual(filesIn(`${folder.path}/files`), [contentPath(uploads[0])]);
});

Deno.test("messages contain their files, and names of files count towards the limits of pages", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  using opened = open(folder.path);
  const messages = new SqliteMessageStore(opened.database);
  const name = "n".repeat(250);
  for (let count = 0; count < 20; count++) {
    const { id } = await complete(opened.files, bytes, { name });
    const { attachment } = await accept(messages, { ...directAppend("ana", "ben", { text: "" }), uploadId: id });
    assert.equal(attachment?.name, name);
  }
  const limits = { limit: 100, maxBytes: 10_000 };
  const range = { beforeSeq: 0, afterSeq: 0, fromMs: 0, events: false };
  const page = await messages.history("ben", "ana:ben", { ...range, ...limits });
  const batch = await messages.messagesAfter("ben", 9, limits);
  for (const found of [page?.messages ?? [], batch.messages]) {
    const named = found.filter(({ attachment }) => attachment?.name === name).length;
    assert.ok(named > 5 && named < 20, `${named} messages with files`);
  }
  assert.equal((await messages.entry("ben", "ana:ben", 10))?.attachment?.size, bytes.length);
  assert.equal((await messages.entry("ben", "ana:ben", 9))?.attachment, undefined);
});

Deno.test({
  name: "a full disk is reported as storage_full, gets its space back, and accepts the upload later",
  ignore: Deno.build.os !== "linux",
  async fn() {
    using folder = temporaryFolder();
    await fill(folder.path);
    using opened = open(folder.path);
    const upload = await uploadOf(bytes);
    await opened.files.add(upload, quotas);
    Deno.mkdirSync(`${folder.path}/files/uploads`, { recursive: true });
    const path = `${folder.path}/files/uploads/1`;
    Deno.symlinkSync("/dev/full", path);
    await rejectsWith("storage_full", opened.files.write(upload, { offset: 0, bytes }));
    assert.deepEqual(filesIn(`${folder.path}/files/uploads`), []);
    assert.equal(await opened.files.received(upload), 0);
    assert.equal(await opened.files.write(upload, { offset: 0, bytes }), bytes.length);
    assert.equal(await opened.files.finish(upload), true);
  },
});

Deno.test("the write-ahead log counts towards the used disk space beyond its ordinary size", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  using opened = open(folder.path);
  opened.database.transaction(() => opened.database.prepare("INSERT INTO retired_name VALUES ('a')").run());
  const before = await opened.files.diskBytes();
  const log = `${databasePath(folder.path)}-wal`;
  // A size like that after a long read; SQLite ignores zeros.
  Deno.truncateSync(log, ordinaryLogBytes);
  assert.equal(await opened.files.diskBytes(), before);
  Deno.truncateSync(log, ordinaryLogBytes + 1_000_000);
  assert.equal(await opened.files.diskBytes(), before + 1_000_000);
  const upload = await uploadOf(bytes);
  assert.equal(await opened.files.add(upload, { ...quotas, maxDiskBytes: before + 500_000 }), "disk_full");
  assert.equal(opened.database.truncateLog(), true);
  assert.equal(await opened.files.add(upload, { ...quotas, maxDiskBytes: before + 500_000 }), "added");
});

Deno.test("removing many uploads and contents yields to other work, and ends on abort", async () => {
  using folder = temporaryFolder();
  await fill(folder.path);
  using opened = open(folder.path);
  const { database, files } = opened;
  const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)";
  database.prepare(
    `${numbers} INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at)
     SELECT 1, randomblob(16), 'a', '', 1, randomblob(32), 1 FROM n`,
  ).run();
  database.prepare(`${numbers} INSERT INTO unheld_content (sha256, size) SELECT randomblob(32), 1 FROM n`).run();
  const left = (table: string) => Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count);
  const stopAtNextTurn = () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 0);
    return stop.signal;
  };
  assert.ok(await files.removeUnsent(2, stopAtNextTurn()) < 2_000);
  assert.ok(left("file") > 0);
  await files.removeUnheld(stopAtNextTurn());
  assert.ok(left("unheld_content") > 0);
  await files.removeUnsent(2);
  await files.removeUnheld();
  assert.deepEqual([left("file"), left("unheld_content")], [0, 0]);
});
