import assert from "node:assert/strict";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import type { TestChat } from "../../support/servers/test_chat.ts";
import { TestRooms } from "../../support/servers/test_rooms.ts";

/** Returns the texts that a user finds on the first page. */
async function find(test: TestChat, user: string, query: string): Promise<string[]> {
  const { messages } = await test.chat.searches.find(user, { query, beforePosition: 0, limit: 100 });
  return messages.map(({ text }) => text);
}

Deno.test("a search is limited to a sender, who may be the user, and to a conversation", async () => {
  await using rooms = await TestRooms.open();
  const { test } = rooms;
  await rooms.create("ana", "ops");
  await test.send("ana", "ben", "tea with ben");
  await test.send("ben", "ana", "tea from ben");
  await test.send("ana", "#ops", "tea for all");
  assert.deepEqual(await find(test, "ana", "tea"), ["tea for all", "tea from ben", "tea with ben"]);
  assert.deepEqual(await find(test, "ana", "tea from:me"), ["tea for all", "tea with ben"]);
  assert.deepEqual(await find(test, "ana", "tea from:ben"), ["tea from ben"]);
  assert.deepEqual(await find(test, "ana", "tea in:ben"), ["tea from ben", "tea with ben"]);
  assert.deepEqual(await find(test, "ana", "tea in:#ops"), ["tea for all"]);
  assert.deepEqual(await find(test, "cleo", "tea"), []);
});

Deno.test("a search names a sender, a user or a room that is not there, and a room that the user was never in", async () => {
  await using rooms = await TestRooms.open();
  const { test } = rooms;
  await rooms.create("ana", "ops");
  const search = (query: string) => test.chat.searches.find("ben", { query, beforePosition: 0, limit: 10 });
  await rejectsWith("not_found", search("tea from:nobody"));
  await rejectsWith("not_found", search("tea in:nobody"));
  await rejectsWith("not_found", search("tea in:#nowhere"));
  const refused = await rejectsWith("permission_denied", search("tea in:#ops"));
  assert.match(refused.message, /You are not in room .*ops.*: join it to search it/);
  await rooms.join("ben", "#ops");
  assert.deepEqual(await find(test, "ben", "tea in:#ops"), []);
  // A room stays searchable for those who left it.
  await test.send("ben", "#ops", "tea before I go");
  await rooms.leave("ben", "#ops");
  assert.deepEqual(await find(test, "ben", "tea in:#ops"), ["tea before I go"]);
});

Deno.test("a page of long messages ends early, and the next one goes on where it ended", async () => {
  await using rooms = await TestRooms.open();
  const { test } = rooms;
  const texts = ["one", "two", "three", "four"].map((word) => `tea ${word} ${"x".repeat(12_000)}`);
  for (const text of texts) await test.send("ana", "ben", text);
  const found: string[] = [];
  let pages = 0;
  for (let beforePosition = 0, more = true; more; pages++) {
    const page = await test.chat.searches.find("ben", { query: "tea", beforePosition, limit: 100 });
    found.push(...page.messages.map(({ text }) => text));
    ({ more, nextBeforePosition: beforePosition } = page);
  }
  assert.deepEqual(found, texts.toReversed());
  assert.ok(pages > 1, `${pages} pages`);
});
