import assert from "node:assert/strict";
import { ChatError } from "../../../../src/core/chat_error.ts";
import { Preferences, type SavedPreferences } from "../../../../src/terminal/chat/person/preferences.ts";
import { ManualTimers } from "../../../support/fakes/manual_timers.ts";

Deno.test("drafts of hundreds of conversations are saved, each as long as a person can type it", () => {
  let kept: SavedPreferences = {};
  const preferences = new Preferences({ read: () => kept, update: (change) => kept = change(kept) });
  const longest = "x".repeat(64 * 1024);
  preferences.setDraft("ana:ben", longest);
  for (let i = 1; i < 500; i++) preferences.setDraft(`ana:user${i}`, `draft ${i}`);
  preferences.flush();
  assert.equal(kept.drafts?.["ana:ben"], longest);
  assert.equal(Object.keys(kept.drafts ?? {}).length, 500);
});

function store() {
  const store = {
    kept: {} as SavedPreferences,
    writes: 0,
    failure: undefined as ChatError | undefined,
    read: () => store.kept,
    update(change: (kept: SavedPreferences) => SavedPreferences) {
      if (store.failure) throw store.failure;
      store.writes++;
      store.kept = change(store.kept);
    },
  };
  return store;
}

Deno.test("a draft that is typed without a pause is saved every 10 seconds, and nothing is written after it", async () => {
  const timers = new ManualTimers();
  const disk = store();
  const preferences = new Preferences(disk, timers);
  let text = "";
  for (let second = 0; second < 25; second += 0.5) {
    preferences.setDraft("ana:ben", text += `${second} `);
    await timers.advance(500);
    if (second === 10) assert.match(disk.kept.drafts?.["ana:ben"] ?? "", /^0 0.5 .*9.5 $/);
  }
  await timers.advance(1_000);
  assert.deepEqual([disk.kept.drafts?.["ana:ben"], timers.pending], [text, 0]);
  assert.equal(disk.writes, 3);
});

Deno.test("a draft that another terminal kept from being saved is saved later, without a key", async () => {
  const timers = new ManualTimers();
  const disk = store();
  const preferences = new Preferences(disk, timers);
  disk.failure = new ChatError("busy", "Another program has locked the file.");
  preferences.setDraft("ana:ben", "hello");
  await timers.advance(2_000);
  disk.failure = undefined;
  await timers.advance(10_000);
  assert.deepEqual([disk.kept.drafts, timers.pending], [{ "ana:ben": "hello" }, 0]);
});

Deno.test("a home that cannot be written to is not tried again while nothing changes", async () => {
  const timers = new ManualTimers();
  const disk = store();
  const preferences = new Preferences(disk, timers);
  disk.failure = new ChatError("invalid_argument", "Cannot save: read-only file system.");
  preferences.setDraft("ana:ben", "hello");
  await timers.advance(2_000);
  assert.deepEqual([preferences.draft("ana:ben"), timers.pending], ["hello", 0]);
});
