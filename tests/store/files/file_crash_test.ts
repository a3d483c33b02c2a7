import assert from "node:assert/strict";
import { lockFolder } from "../../../src/store/folder_lock.ts";
import { openStore, type SqliteStore } from "../../../src/store/open_store.ts";
import { sha256Of } from "../../support/checks/files.ts";
import { ScriptProcess } from "../../support/processes/script_process.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

const uploader = new URL("./endless_uploader.ts", import.meta.url);

async function contentOf({ files }: SqliteStore, sha256: string): Promise<string | undefined> {
  const bytes = await files.read(sha256, { offset: 0, maxBytes: 1_000_000 });
  return bytes && (await sha256Of(bytes)).toHex();
}

/** Returns the hashes of all contents on disk. */
function contentsOnDisk(folder: string): string[] {
  const folders = [...Deno.readDirSync(`${folder}/files`)].filter(({ name }) => name.length === 2);
  return folders.flatMap(({ name }) => [...Deno.readDirSync(`${folder}/files/${name}`)].map((file) => file.name));
}

Deno.test("sent files are complete after each of several kills, and no other files remain", async () => {
  using folder = temporaryFolder();
  const sent = new Map<number, string>();
  for (let round = 0; round < 4; round++) {
    const process = new ScriptProcess(uploader, folder.path);
    const lines: string[] = [];
    for (let count = 0; count < 15 + 20 * round;) {
      const line = await process.nextLine();
      assert.ok(line !== undefined, "the uploader ended by itself");
      lines.push(line);
      if (line.startsWith("sent")) count++;
    }
    lines.push(...await process.kill());
    const begun = new Map<string, { sha256: string; size: number }>();
    for (const line of lines) {
      const [what, which, sha256, size] = line.split(" ");
      if (what === "begun") begun.set(which, { sha256, size: Number(size) });
      if (what === "sent") sent.set(Number(which), sha256);
      if (what === "deleting") sent.delete(Number(which));
    }

    using _lock = lockFolder(folder.path);
    using store = openStore({ folder: folder.path });
    for (const [seq, sha256] of sent) {
      const message = await store.messages.entry("ana", "ana:ben", seq);
      assert.equal(message?.attachment?.sha256, sha256);
      assert.equal(await contentOf(store, sha256), sha256);
    }
    for (const [id, { sha256, size }] of begun) {
      const upload = await store.files.find("ana", id);
      if (upload === undefined) continue;
      assert.deepEqual([upload.sha256, upload.size], [sha256, size]);
      if (upload.isComplete) assert.equal(await contentOf(store, sha256), sha256);
      else if (await store.files.received(upload) === size) assert.ok(await store.files.finish(upload));
    }
    await store.files.removeUnsent(Number.MAX_SAFE_INTEGER);
    await store.files.removeUnheld();
    const held = new Set<string>();
    for (let seq = 1; seq <= store.messages.head; seq++) {
      const message = await store.messages.entry("ana", "ana:ben", seq);
      if (message?.attachment !== undefined) held.add(message.attachment.sha256);
    }
    assert.deepEqual(contentsOnDisk(folder.path).toSorted(), [...held].toSorted());
    assert.deepEqual([...Deno.readDirSync(`${folder.path}/files/uploads`)], []);
  }
});
