import assert from "node:assert/strict";
import { Database } from "../../../src/store/postgres/connection/database.ts";
import { PostgresFileStore } from "../../../src/store/postgres/postgres_file_store.ts";
import { complete, quotas, uploadOf } from "../../contract/file_store.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { access } from "../../support/databases/postgres_store.ts";
import { openFilesInPostgres } from "../../support/servers/file_stores.ts";

type Opened = Awaited<ReturnType<typeof openFilesInPostgres>>;

const bytes = new TextEncoder().encode("what ana wrote down");

function test(behaviour: string, run: (opened: Opened) => Promise<void>): void {
  Deno.test(behaviour, async () => {
    const opened = await openFilesInPostgres();
    try {
      await run(opened);
    } finally {
      await opened.close();
    }
  });
}

async function count({ database }: Opened, table: string): Promise<number> {
  return (await database.read<{ count: number }>(`SELECT count(*) FROM ${table}`))[0].count;
}

async function isRead({ files }: Opened, sha256: string): Promise<boolean> {
  return await files.read(sha256, { offset: 0, maxBytes: 1_000 }) !== undefined;
}

/** Runs `work` while every change of `table` by `event` fails with this SQLSTATE. */
async function whileRefused(
  { database }: Opened,
  { event, table, state }: { event: string; table: string; state: string },
  work: () => Promise<unknown>,
): Promise<void> {
  await database.write(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '${state}'; END $$`,
  );
  await database.write(`CREATE TRIGGER refused BEFORE ${event} ON ${table} EXECUTE FUNCTION refuse()`);
  try {
    await work();
  } finally {
    await database.write("DROP FUNCTION refuse CASCADE");
  }
}

test("equal contents are stored once, in chunks of 48 KiB, however short the pieces that arrive", async (opened) => {
  const { database, files } = opened;
  const large = new Uint8Array(100_000).map((_, index) => index % 251);
  const upload = await uploadOf(large);
  await files.add(upload, quotas);
  for (let offset = 0; offset < large.length; offset += 9_000) {
    await files.write(upload, { offset, bytes: large.subarray(offset, offset + 9_000) });
  }
  assert.equal(await files.finish(upload), true);
  await complete(files, large, { owner: "ben" });
  await files.removeUnheld();
  const chunks = await database.read<{ length: number }>("SELECT length(bytes) FROM chunk ORDER BY number");
  assert.deepEqual(chunks.map(({ length }) => length), [49_152, 49_152, 1_696]);
});

test("an upload goes on over another connection after the node ended", async (opened) => {
  const upload = await uploadOf(bytes);
  await opened.files.add(upload, quotas);
  await opened.files.write(upload, { offset: 0, bytes: bytes.subarray(0, 7) });
  const next = new PostgresFileStore(opened.database);
  await next.removeUnheld();
  assert.equal(await next.received(upload), 7);
  await next.write(upload, { offset: 7, bytes: bytes.subarray(7) });
  assert.equal(await next.finish(upload), true);
  assert.equal(await next.finish(upload), true, "again, because the first answer was lost");
  await next.removeUnheld();
  assert.ok(await isRead(opened, upload.sha256));
});

test("another upload repairs a damaged content", async (opened) => {
  const { database, files } = opened;
  const large = new Uint8Array(60_000).fill(7);
  const { sha256 } = await complete(files, large);
  await database.write("DELETE FROM chunk WHERE number = 0");
  assert.deepEqual(await files.read(sha256, { offset: 40_000, maxBytes: 20_000 }), new Uint8Array());
  await complete(files, large, { owner: "ben" });
  await files.removeUnheld();
  assert.deepEqual(await files.read(sha256, { offset: 40_000, maxBytes: 20_000 }), large.slice(40_000));
});

test("a content whose upload is being completed is not removed with its last file", async (opened) => {
  const { files } = opened;
  for (let round = 0; round < 20; round++) {
    const before = await complete(files, bytes);
    const next = await uploadOf(bytes, { owner: "ben", begunAt: 5_000 });
    await files.add(next, quotas);
    await files.write(next, { offset: 0, bytes });
    const [isComplete] = await Promise.all([
      files.finish(next),
      files.removeUnsent(before.begunAt + 1).then(() => files.removeUnheld()),
    ]);
    assert.ok(isComplete);
    await files.removeUnheld();
    assert.ok(await isRead(opened, next.sha256));
    await files.removeUnsent(6_000);
    await files.removeUnheld();
    assert.equal(await isRead(opened, next.sha256), false);
    assert.deepEqual([await count(opened, "chunk"), await count(opened, "unheld_chunks")], [0, 0]);
  }
});

test("an upload that is removed while it is completed is either complete before or not found", async (opened) => {
  const { files } = opened;
  for (let round = 0; round < 20; round++) {
    const upload = await uploadOf(bytes);
    await files.add(upload, quotas);
    await files.write(upload, { offset: 0, bytes });
    const finishing = files.finish(upload).catch(({ code }) => code);
    const isRemoved = await files.removeUnfinished("ana", upload.begunAt + 1);
    assert.equal(await finishing, isRemoved ? "not_found" : true);
    await files.removeUnsent(upload.begunAt + 1);
    await files.removeUnheld();
    assert.deepEqual([await count(opened, "chunk"), await count(opened, "content")], [0, 0]);
  }
});

test("an upload that a commit is attaching to a message is not removed as unsent", async ({ database, files }) => {
  const upload = await complete(files, bytes);
  await complete(files, bytes, { owner: "ben" });
  const attached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const commit = database.transaction(async ({ query }) => {
    await query("UPDATE file SET position = 1 WHERE id = $1", [upload.id]);
    attached.resolve();
    await goOn.promise;
  });
  await attached.promise;
  assert.equal(await files.removeUnsent(upload.begunAt + 1), 1, "without a wait for the commit");
  goOn.resolve();
  await commit;
  assert.ok(await files.find("ana", upload.id));
});

test("removing a message removes its file", async (opened) => {
  const { database, files, attachments } = opened;
  const upload = await complete(files, bytes);
  await attachments.attach(1, upload);
  await database.write("DELETE FROM entry WHERE position <= 2");
  await files.removeUnheld();
  assert.equal(await files.find("ana", upload.id), undefined);
  assert.equal(await isRead(opened, upload.sha256), false);
});

test("an upload stays incomplete if the database cannot complete it", async (opened) => {
  const { files } = opened;
  const upload = await uploadOf(bytes);
  await files.add(upload, quotas);
  await files.write(upload, { offset: 0, bytes });
  await whileRefused(opened, { event: "UPDATE", table: "file", state: "53100" }, async () => {
    await rejectsWith("storage_full", files.finish(upload));
  });
  assert.equal(await isRead(opened, upload.sha256), false);
  assert.equal(await files.received(upload), bytes.length);
  assert.equal(await files.finish(upload), true);
  assert.ok(await isRead(opened, upload.sha256));
});

test("a full disk is reported as storage_full, gets its space back, and accepts the upload later", async (opened) => {
  const { files } = opened;
  const upload = await uploadOf(bytes);
  await files.add(upload, quotas);
  await files.write(upload, { offset: 0, bytes: bytes.subarray(0, 7) });
  await whileRefused(opened, { event: "INSERT", table: "chunk", state: "53100" }, async () => {
    await rejectsWith("storage_full", files.write(upload, { offset: 7, bytes: bytes.subarray(7) }));
  });
  assert.equal(await files.received(upload), 0);
  assert.equal(await files.write(upload, { offset: 0, bytes }), bytes.length);
  assert.equal(await files.finish(upload), true);
});

test("a node that lost its lease changes no upload and no content", async ({ database, files }) => {
  const [upload, other] = [await uploadOf(bytes), await uploadOf(bytes)];
  await files.add(upload, quotas);
  await files.write(upload, { offset: 0, bytes });
  const [{ generation }] = await database.write<{ generation: number }>(
    "UPDATE lease SET generation = generation + 1 RETURNING generation - 1 AS generation",
  );
  const changes: readonly ((files: PostgresFileStore) => Promise<unknown>)[] = [
    (files) => files.add(other, quotas),
    (files) => files.write(upload, { offset: bytes.length, bytes }),
    (files) => files.removeUnfinished("ana", upload.begunAt + 1),
    (files) => files.finish(upload),
    (files) => files.removeUnsent(upload.begunAt + 1),
  ];
  for (const change of changes) {
    // A database ends with a write that was refused.
    await using former = await Database.open({ access, generation });
    const { message } = await rejectsWith("unavailable", change(new PostgresFileStore(former)));
    assert.match(message, /Another server has taken over/);
  }
  assert.equal((await files.find("ana", upload.id))?.isComplete, false);
  assert.equal(await files.find("ana", other.id), undefined);
});

test("removing many uploads and contents yields to other work, and ends on abort", async (opened) => {
  const { database, files } = opened;
  await database.write(
    `INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at)
     SELECT 1, gen_random_uuid(), 'a', '', 1, sha256(n::text::bytea), 1 FROM generate_series(1, 2000) n`,
  );
  await database.write("INSERT INTO content SELECT sha256, key, size FROM file");
  await database.write("INSERT INTO chunk SELECT key, 0, 'a' FROM file");
  await database.write("UPDATE file SET complete = 1");
  const stopAtNextTurn = () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 0);
    return stop.signal;
  };
  const aborted = AbortSignal.abort();
  assert.ok(await files.removeUnsent(2, stopAtNextTurn()) < 2_000);
  assert.ok(await count(opened, "file") > 0);
  await files.removeUnsent(2);
  await files.removeUnheld(stopAtNextTurn());
  assert.ok(await count(opened, "removed_file") > 0);
  await files.removeUnheld(aborted);
  assert.ok(await count(opened, "removed_file") > 0);
  await files.removeUnheld();
  for (const table of ["file", "removed_file", "content", "chunk", "unheld_chunks"]) {
    assert.equal(await count(opened, table), 0, table);
  }
  const [{ bytes }] = await database.read<{ bytes: number }>("SELECT bytes FROM file_use");
  assert.equal(bytes, 0);
});
