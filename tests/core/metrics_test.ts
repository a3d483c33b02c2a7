import assert from "node:assert/strict";
import { Accounts } from "../../src/core/accounts/accounts.ts";
import { silentLog } from "../../src/core/log.ts";
import { CommitQueue } from "../../src/core/messages/commit_queue.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { CountedMetrics } from "../support/fakes/counted_metrics.ts";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { FakeHasher } from "../support/fakes/fake_hasher.ts";
import { judged, noBatches } from "../support/servers/pending_entries.ts";
import { deviceRecord, directAppend, userRecord } from "../support/servers/stored_messages.ts";
import { TestStore } from "../support/servers/test_store.ts";

Deno.test("logins, registrations and the broker's questions are counted by how they ended", async () => {
  using store = TestStore.open();
  const metrics = new CountedMetrics();
  const accounts = new Accounts({
    store: store.accounts,
    clock: new FakeClock(),
    hasher: new FakeHasher(),
    log: silentLog,
    registration: "open",
    metrics,
  });
  const [password, address, deviceName, deviceId] = ["correct horse", "127.0.0.1", "", ""];
  await accounts.register({ user: "ana", password, invite: "", deviceName, address });
  await rejectsWith("already_exists", accounts.register({ user: "ana", password, invite: "", deviceName, address }));
  await accounts.logIn({ user: "ana", password, deviceName, deviceId, address });
  const wrong = "wrong horse 12";
  await rejectsWith(
    "unauthenticated",
    accounts.logIn({ user: "ana", password: wrong, deviceName, deviceId, address }),
  );
  await accounts.disable("ana");
  await rejectsWith("permission_denied", accounts.logIn({ user: "ana", password, deviceName, deviceId, address }));
  await accounts.enable("ana");
  assert.equal(await accounts.verifyPassword({ user: "ana", password }), true);
  assert.equal(await accounts.verifyPassword({ user: "ana", password: wrong }), false);
  assert.deepEqual(metrics.counted, [
    "register accepted",
    "register already_exists",
    "log_in accepted",
    "log_in unauthenticated",
    "log_in permission_denied",
    "broker accepted",
    "broker unauthenticated",
  ]);
});

Deno.test("a commit is counted once, with what it accepted and all that it wrote", async () => {
  using store = TestStore.open();
  for (const user of ["ana", "ben"]) await store.accounts.addUser(userRecord(user));
  await store.accounts.saveDevice(deviceRecord("d1", "ana"));
  const metrics = new CountedMetrics();
  const queue = new CommitQueue({
    store: store.messages,
    defer: setImmediate,
    onCommitted() {},
    ...noBatches,
    metrics,
  });
  const first = directAppend("ana", "ben", { text: "1" });
  const second = directAppend("ana", "ben", { text: "2" });
  queue.moves.moveCursor("d1", "ui", 1);
  const sent = [first, second, first].map((append) => queue.append(judged(append)));
  await queue.flush();
  const kinds = (await Promise.all(sent)).map(({ kind }) => kind);
  assert.deepEqual(kinds.filter((kind) => kind === "accepted").length, 2);
  const [{ seconds, ...counts }, ...more] = metrics.commits;
  assert.deepEqual([counts, more], [{ messages: 2, events: 0, changes: 4 }, []]);
  assert.ok(seconds > 0 && seconds < 60, String(seconds));
});
