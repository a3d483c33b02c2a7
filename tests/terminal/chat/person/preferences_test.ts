import assert from "node:assert/strict";
import { Preferences, type SavedPreferences } from "../../../../src/terminal/chat/person/preferences.ts";

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
