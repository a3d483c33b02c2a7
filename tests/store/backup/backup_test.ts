import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { makeBackup } from "../../../src/store/backup/backup.ts";
import { readManifest } from "../../../src/store/backup/backup_manifest.ts";
import { restoreBackup } from "../../../src/store/backup/restore.ts";
import { openStore } from "../../../src/store/open_store.ts";
import { migrations } from "../../../src/store/sqlite/migrations.ts";
import { rejectsWith, throwsWith } from "../../support/checks/chat_error_assertions.ts";
import { accept, entryAppend, wholeLog } from "../../support/servers/stored_messages.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

interface BackedUp extends Disposable {
  /** A folder for the test's own folders. */
  readonly path: string;
  readonly data: string;
  readonly backup: string;
}

/** A data folder with 100 messages from ana to ben, and a backup of it. */
async function backedUp(): Promise<BackedUp> {
  const folder = temporaryFolder();
  const [data, backup] = [`${folder.path}/data`, `${folder.path}/backup`];
  using store = openStore({ folder: data });
  for (const name of ["ana", "ben"]) {
    await store.accounts.addUser({ name, passwordHash: "hash", disabled: false, createdAt: 1 });
  }
  for (let number = 0; number < 100; number++) {
    await store.messages.commit([{
      kind: "append",
      conversation: "ana:ben",
      members: ["ana", "ben"],
      id: createMessageId(),
      sender: "ana",
      acceptedAt: 1,
      text: `message ${number} ${"x".repeat(500)}`,
    }]);
  }
  await makeBackup({ folder: data, to: backup, chatd: "0.1.0" });
  return { path: folder.path, data, backup, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

/** Changes bytes of a file in place. */
function edit(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
  Deno.writeFileSync(path, change(Deno.readFileSync(path)));
}

function editManifest(backup: string, change: Record<string, unknown>): void {
  const manifest = { ...readManifest(backup), ...change };
  Deno.writeTextFileSync(`${backup}/manifest.json`, JSON.stringify(manifest));
}

function modeOf(path: string): number {
  return Deno.statSync(path).mode! & 0o777;
}

Deno.test("a restored backup is complete, has a new epoch, and belongs to its owner only", async () => {
  using folder = await backedUp();
  const restored = restoreBackup({ from: folder.backup, folder: `${folder.path}/new`, logOut: false });
  assert.deepEqual([restored.users, restored.conversations, restored.entries], [2, 1, 100]);
  assert.equal(restored.manifest.head, 100);
  assert.deepEqual([modeOf(folder.backup), modeOf(`${folder.path}/new`)], [0o700, 0o700]);
  assert.equal(modeOf(`${folder.backup}/chatd.sqlite`), 0o600);
  assert.equal(modeOf(`${folder.backup}/manifest.json`), 0o600);
  assert.equal(modeOf(`${folder.path}/new/chatd.sqlite`), 0o600);

  using before = openStore({ folder: folder.data });
  using after = openStore({ folder: `${folder.path}/new` });
  assert.notEqual(after.messages.epoch, before.messages.epoch);
  assert.equal(after.messages.head, 100);
  const page = { ...wholeLog, limit: 200, maxBytes: 1_000_000 };
  assert.deepEqual(
    (await after.messages.history("ana", "ana:ben", page))?.messages,
    (await before.messages.history("ana", "ana:ben", page))?.messages,
  );
});

Deno.test("a restored backup has the pins of the time of the backup", async () => {
  using folder = await backedUp();
  const [backup, restored] = [`${folder.path}/with-pins`, `${folder.path}/restored`];
  const page = { beforePosition: 0, limit: 10, maxBytes: 100_000 };
  using before = openStore({ folder: folder.data });
  for (const target of [3, 7]) {
    await accept(before.messages, entryAppend("ana:ben", "ben", { event: { kind: "pinned", target, removed: false } }));
  }
  await makeBackup({ folder: folder.data, to: backup, chatd: "0.1.0" });
  await accept(before.messages, entryAppend("ana:ben", "ana", { event: { kind: "deleted", target: 7 } }));
  restoreBackup({ from: backup, folder: restored, logOut: false });
  using after = openStore({ folder: restored });
  const pinned = async ({ messages }: typeof before) =>
    (await messages.pinsIn("ana", "ana:ben", page)).pins.map(({ message, user }) => [message.seq, user]);
  assert.deepEqual([await pinned(before), await pinned(after)], [[[3, "ben"]], [[7, "ben"], [3, "ben"]]]);
});

Deno.test("a backup has a single database file, including entries of the write-ahead log", async () => {
  using folder = await backedUp();
  assert.deepEqual([...Deno.readDirSync(folder.backup)].map(({ name }) => name).sort(), [
    "chatd.sqlite",
    "manifest.json",
  ]);
});

interface FileBackedUp extends BackedUp {
  /** Path of ana's file in the data folder and in the backup. */
  readonly blob: string;
}

/** Like {@link backedUp}, with a message with a file, and an incomplete upload. */
async function backedUpWithFile(damage: (blob: string) => void = () => {}): Promise<FileBackedUp> {
  const folder = await backedUp();
  const bytes = crypto.getRandomValues(new Uint8Array(10_000));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const blob = `files/${sha256.slice(0, 2)}/${sha256}`;
  {
    using store = openStore({ folder: folder.data });
    const quotas = { maxUnfinished: 8, maxBytesOfOwner: 1_000_000, maxDiskBytes: undefined };
    const about = { owner: "ana", name: "plan.pdf", mediaType: "application/pdf", size: bytes.length, begunAt: 1 };
    const upload = { ...about, id: createMessageId(), sha256 };
    const unfinished = { ...about, id: createMessageId(), sha256: "00".repeat(32) };
    for (const each of [upload, unfinished]) {
      await store.files.add(each, quotas);
      await store.files.write(each, { offset: 0, bytes: each === upload ? bytes : bytes.subarray(1) });
    }
    assert.equal(await store.files.finish(upload), true);
    const [sent] = await store.messages.commit([{
      kind: "append",
      conversation: "ana:ben",
      members: ["ana", "ben"],
      id: createMessageId(),
      sender: "ana",
      acceptedAt: 1,
      text: "the plan",
      uploadId: upload.id,
    }]);
    assert.equal(sent.kind, "accepted");
  }
  damage(`${folder.data}/${blob}`);
  Deno.removeSync(folder.backup, { recursive: true });
  await makeBackup({ folder: folder.data, to: folder.backup, chatd: "0.1.0" });
  return { ...folder, blob };
}

Deno.test("complete files are backed up and restored, incomplete uploads are not", async () => {
  using folder = await backedUpWithFile();
  const target = `${folder.path}/new`;
  restoreBackup({ from: folder.backup, folder: target, logOut: false });
  assert.deepEqual(Deno.readFileSync(`${target}/${folder.blob}`), Deno.readFileSync(`${folder.data}/${folder.blob}`));
  assert.deepEqual([modeOf(`${target}/files`), modeOf(`${target}/${folder.blob}`)], [0o700, 0o600]);
  assert.deepEqual(readNames(`${target}/files`), [folder.blob.slice(6, 8)]);
  using database = new DatabaseSync(`${target}/chatd.sqlite`);
  assert.deepEqual(database.prepare("SELECT count(*) AS files, sum(complete) AS complete FROM file").get(), {
    __proto__: null,
    files: 1,
    complete: 1,
  });
});

Deno.test("restoring a backup with a damaged file fails and names the file", async () => {
  const table: [(path: string) => void, RegExp][] = [
    [(path) => Deno.removeSync(path), /files\/[0-9a-f]{2}\/[0-9a-f]{64}" is missing/],
    [(path) =>
      edit(path, (bytes) => {
        bytes[5_000] ^= 1;
        return bytes;
      }), /files\/[0-9a-f]{2}\/[0-9a-f]{64}" has changed since/],
  ];
  for (const [damage, message] of table) {
    using folder = await backedUpWithFile();
    damage(`${folder.backup}/${folder.blob}`);
    const restore = () => restoreBackup({ from: folder.backup, folder: `${folder.path}/new`, logOut: false });
    assert.match(throwsWith("invalid_argument", restore).message, message);
  }
});

Deno.test("a missing or damaged file in the data folder does not prevent the backup of others", async () => {
  const table = [
    (path: string) => Deno.removeSync(path),
    (path: string) => edit(path, (bytes) => bytes.subarray(0, 100)),
  ];
  for (const damage of table) {
    using folder = await backedUpWithFile(damage);
    assert.deepEqual(readManifest(folder.backup).missing, [folder.blob]);
    const restored = restoreBackup({ from: folder.backup, folder: `${folder.path}/new`, logOut: false });
    assert.deepEqual([restored.entries, restored.manifest.missing], [101, [folder.blob]]);
  }
});

Deno.test("restoring a damaged backup fails and names the damaged file", async () => {
  const table: [string, (backup: string) => void, RegExp][] = [
    ["a flipped byte", (backup) =>
      edit(`${backup}/chatd.sqlite`, (bytes) => {
        bytes[bytes.length >> 1] ^= 1;
        return bytes;
      }), /backup\/chatd\.sqlite" has changed since/],
    [
      "a truncated file",
      (backup) => edit(`${backup}/chatd.sqlite`, (bytes) => bytes.subarray(0, bytes.length - 1)),
      /chatd\.sqlite" has \d+ bytes/,
    ],
    ["a missing file", (backup) => Deno.removeSync(`${backup}/chatd.sqlite`), /chatd\.sqlite" is missing/],
    [
      "a manifest that is none",
      (backup) => edit(`${backup}/manifest.json`, (bytes) => bytes.subarray(0, bytes.length >> 1)),
      /manifest\.json" is not/,
    ],
    [
      "another log's manifest",
      (backup) => editManifest(backup, { head: 99 }),
      /chatd\.sqlite" does not match the manifest/,
    ],
    ["a path out of the folder", (backup) => {
      const { files } = readManifest(backup);
      editManifest(backup, { files: [...files, { ...files[0], path: "files/../../stolen" }] });
    }, /manifest\.json" is not/],
    [
      "a manifest of nothing",
      (backup) => Deno.writeTextFileSync(`${backup}/manifest.json`, "null"),
      /manifest\.json" is not/,
    ],
    [
      "a version for a terminal to obey",
      (backup) => editManifest(backup, { chatd: "0.1.0\u001b[2J" }),
      /manifest\.json" is not/,
    ],
    [
      "a time that is none",
      (backup) => editManifest(backup, { created: "yesterday\u001b[2J" }),
      /manifest\.json" is not/,
    ],
  ];
  for (const [what, damage, message] of table) {
    using folder = await backedUp();
    damage(folder.backup);
    const target = `${folder.path}/new`;
    const restore = () => restoreBackup({ from: folder.backup, folder: target, logOut: false });
    assert.match(throwsWith("invalid_argument", restore).message, message, what);
    // No server would accept the remaining folder as its data.
    assert.deepEqual(readNames(target), [], what);
  }
});

Deno.test("restoring a database that was damaged before the backup fails", async () => {
  using folder = await backedUp();
  const path = `${folder.backup}/chatd.sqlite`;
  {
    using database = new DatabaseSync(path);
    database.exec("PRAGMA foreign_keys = OFF; DELETE FROM user WHERE name = 'ana'");
  }
  const bytes = Deno.readFileSync(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  editManifest(folder.backup, { files: [{ path: "chatd.sqlite", bytes: bytes.length, sha256 }] });
  const error = throwsWith(
    "invalid_argument",
    () => restoreBackup({ from: folder.backup, folder: `${folder.path}/new`, logOut: false }),
  );
  assert.match(error.message, /chatd\.sqlite" has rows that refer to missing rows/);
});

Deno.test("restoring a backup with foreign triggers or views fails", async () => {
  for (
    const sql of ["CREATE TRIGGER more AFTER UPDATE ON log BEGIN DELETE FROM user; END", "CREATE VIEW more AS SELECT 1"]
  ) {
    using folder = await backedUp();
    const path = `${folder.backup}/chatd.sqlite`;
    {
      using database = new DatabaseSync(path);
      database.exec(sql);
    }
    const bytes = Deno.readFileSync(path);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    editManifest(folder.backup, { files: [{ path: "chatd.sqlite", bytes: bytes.length, sha256 }] });
    const restore = () => restoreBackup({ from: folder.backup, folder: `${folder.path}/new`, logOut: false });
    assert.match(throwsWith("invalid_argument", restore).message, /chatd\.sqlite" has triggers or views/);
    assert.deepEqual(readNames(`${folder.path}/new`), []);
  }
});

Deno.test("restoring an unfinished backup fails", async () => {
  using folder = await backedUp();
  Deno.removeSync(`${folder.backup}/manifest.json`);
  const error = throwsWith(
    "not_found",
    () => restoreBackup({ from: folder.backup, folder: `${folder.path}/new`, logOut: false }),
  );
  assert.match(error.message, /not a finished backup/);
});

Deno.test("restoring a backup of a newer chatd fails", async () => {
  using folder = await backedUp();
  const restore = () => restoreBackup({ from: folder.backup, folder: `${folder.path}/new`, logOut: false });
  editManifest(folder.backup, { schema: migrations.length + 1 });
  assert.match(throwsWith("unsupported_version", restore).message, /chatd 0\.1\.0 or newer/);
  editManifest(folder.backup, { format: 2 });
  assert.match(throwsWith("unsupported_version", restore).message, /use a newer chatd/);
});

Deno.test("neither backup nor restore overwrites files", async () => {
  using folder = await backedUp();
  const other = `${folder.path}/other`;
  Deno.mkdirSync(other);
  Deno.writeTextFileSync(`${other}/note`, "keep");
  await rejectsWith("already_exists", makeBackup({ folder: folder.data, to: other, chatd: "0.1.0" }));
  throwsWith("already_exists", () => restoreBackup({ from: folder.backup, folder: other, logOut: false }));
  throwsWith("already_exists", () => restoreBackup({ from: folder.backup, folder: folder.data, logOut: false }));
  assert.equal(Deno.readTextFileSync(`${other}/note`), "keep");
});

Deno.test("a path that the system refuses is named, with the reason", async () => {
  using folder = await backedUp();
  Deno.writeTextFileSync(`${folder.path}/file`, "");
  Deno.symlinkSync("loop", `${folder.path}/loop`);
  const refused = [["file/inside", "not a folder"], ["loop", "form a circle"], ["n".repeat(300), "too long"]];
  for (const [name, reason] of refused) {
    const path = `${folder.path}/${name}`;
    const reasoned = (error: Error) => error.message.includes(`"${path}"`) && error.message.includes(reason);
    await assert.rejects(makeBackup({ folder: folder.data, to: path, chatd: "0.1.0" }), reasoned);
    assert.throws(() => restoreBackup({ from: folder.backup, folder: path, logOut: false }), reasoned);
  }
  const unread = { from: `${folder.path}/loop`, folder: `${folder.path}/new`, logOut: false };
  assert.match(throwsWith("invalid_argument", () => restoreBackup(unread)).message, /Cannot read .*circle/);
});

Deno.test("backing up a folder without data fails", async () => {
  using folder = temporaryFolder();
  await rejectsWith("not_found", makeBackup({ folder: folder.path, to: `${folder.path}/backup`, chatd: "0.1.0" }));
});

function readNames(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
