import assert from "node:assert/strict";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { Incarnations } from "../../../src/store/sqlite/incarnations.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

Deno.test("partedAt() returns the head of the next opening by time, or of the newest if there is none", () => {
  using folder = temporaryFolder();
  using database = Database.open(folder.path);
  const add = database.prepare("INSERT INTO incarnation (id, head) VALUES (?, ?)");
  for (const [time, head] of [[1_000, 0], [2_000, 5], [3_000, 9]]) add.run(createMessageId(time), head);
  const incarnations = new Incarnations(database);
  assert.equal(incarnations.partedAt(createMessageId(1_500)), 5);
  assert.equal(incarnations.partedAt(createMessageId(500)), 0);
  for (const none of [createMessageId(9_000), ""]) assert.equal(incarnations.partedAt(none), 9);
});
