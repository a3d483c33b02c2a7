import assert from "node:assert/strict";
import { fillStore } from "../../../src/bench/workloads/store_filler.ts";
import { openStore } from "../../../src/store/open_store.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

function headOf(folder: string): { head: number; lag: number } {
  using store = openStore({ folder });
  return { head: store.messages.head, lag: store.indexer.lag };
}

Deno.test("fillStore() adds only missing messages, and indexes all of them", async () => {
  using parent = temporaryFolder();
  const folder = `${parent.path}/store`;
  const said: string[] = [];
  const fill = (messages: number) => fillStore(folder, { messages, progress: (words) => said.push(words) });
  const first = await fill(1_500);
  assert.equal(first.stored, 1_500);
  assert.ok(first.filledPerSecond! > 0);
  assert.deepEqual(headOf(folder), { head: 1_500, lag: 0 });
  assert.match(said[0], /^1,500 of 1,500 messages/);

  assert.deepEqual(await fill(1_000), { stored: 1_500 });
  assert.equal((await fill(2_000)).stored, 2_000);
  assert.deepEqual(headOf(folder), { head: 2_000, lag: 0 });
});

Deno.test("fillStore() refuses a folder with other contents", async () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(`${folder.path}/letter.txt`, "dear ben");
  const { message } = await rejectsWith(
    "invalid_argument",
    fillStore(folder.path, { messages: 1_000, progress: () => {} }),
  );
  assert.match(message, /no bench put there/);
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["letter.txt"]);
});

Deno.test("fillStore() refuses more messages than the disk has space for, and leaves no files", async () => {
  using parent = temporaryFolder();
  const folder = `${parent.path}/store`;
  const { message } = await rejectsWith("storage_full", fillStore(folder, { messages: 1e15, progress: () => {} }));
  assert.match(message, /need 500000001\.1 GB, and the disk of ".+" has \d+\.\d GB/);
  assert.throws(() => Deno.statSync(folder), Deno.errors.NotFound);
});
