import assert from "node:assert/strict";
import { BackgroundSearch } from "../../src/app/background_search.ts";
import { silentLog } from "../../src/core/log.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { workerEntry } from "../support/processes/worker_entry.ts";
import { SearchStore } from "../support/servers/search_store.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const request = (user: string) => {
  return { user, terms: [{ text: "word", prefix: false }], excluded: [], beforePosition: 0, limit: 10 };
};

Deno.test("a search sees commits of a store that is being written, and does not wait for the writer", async () => {
  using folder = temporaryFolder();
  using store = await SearchStore.open(folder.path);
  using search = new BackgroundSearch({ folder: folder.path, log: silentLog, entry: workerEntry });
  const { database } = store;
  for (let round = 1; round <= 5; round++) {
    await store.say("ana", "ben", `word ${round}`);
    store.catchUp();
    const finding = search.find(request("ben"));
    database.transaction(() => database.prepare("UPDATE search_cursor SET position = position").run());
    const { positions, indexedThrough } = await finding;
    assert.deepEqual([positions.length, indexedThrough], [round, round]);
    assert.ok(store.database.truncateLog());
  }
});

Deno.test("a user may run two searches at once, and all users together thirty-two", async () => {
  using folder = temporaryFolder();
  using _store = await SearchStore.open(folder.path);
  using search = new BackgroundSearch({ folder: folder.path, log: silentLog, entry: workerEntry });
  const running = [search.find(request("ana")), search.find(request("ana"))];
  await rejectsWith("rate_limited", search.find(request("ana")));
  for (let number = 2; number < 32; number++) running.push(search.find(request(`user${number}`)));
  await rejectsWith("busy", search.find(request("ben")));
  await Promise.all(running);
  await search.find(request("ana"));
});

Deno.test("a user whose search timed out waits before the next one, and other users do not", async () => {
  const entry = new URL("../support/processes/odd_worker.ts", import.meta.url).href;
  using search = new BackgroundSearch({ folder: "", log: silentLog, entry });
  await rejectsWith("limit_reached", search.find(request("hang")));
  const { retryAfterMs } = await rejectsWith("rate_limited", search.find(request("hang")));
  assert.ok(retryAfterMs !== undefined && retryAfterMs > 0 && retryAfterMs <= 60_000, `${retryAfterMs} ms`);
  await search.find(request("ana"));
});

Deno.test("a closed store is a single file, even after a search", async () => {
  using folder = temporaryFolder();
  using search = new BackgroundSearch({ folder: folder.path, log: silentLog, entry: workerEntry });
  const store = await SearchStore.open(folder.path);
  await store.say("ana", "ben", "word");
  store.catchUp();
  assert.equal((await search.find(request("ben"))).positions.length, 1);
  store.close();
  const left = [...Deno.readDirSync(folder.path)].filter(({ name }) => name.endsWith("-wal"));
  assert.deepEqual(left.map(({ name }) => Deno.statSync(`${folder.path}/${name}`).size).filter((size) => size > 0), []);
});

Deno.test("a search in a missing store fails, and succeeds once the store exists", async () => {
  using folder = temporaryFolder();
  using search = new BackgroundSearch({ folder: folder.path, log: silentLog, entry: workerEntry });
  await assert.rejects(search.find(request("ana")));
  using _store = await SearchStore.open(folder.path);
  assert.deepEqual((await search.find(request("ana"))).positions, []);
});
