import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { openError } from "../../../src/store/sqlite/database.ts";

Deno.test("each failure to open a database is one sentence with its file or disk, and says what to do", () => {
  const table: readonly (readonly [words: string, code: string, message: RegExp])[] = [
    ["database is locked", "busy", /^Another program has locked the database "d\/chatd\.sqlite": stop it, /],
    ["attempt to write a readonly database", "permission_denied", /must be able to read and write the file/],
    ["unable to open database file", "permission_denied", /must be able to read and write the file/],
    ["database or disk is full", "storage_full", /disk is full or failing: .* free space/],
    ["disk I/O error", "storage_full", /disk is full or failing: .* free space/],
    ["file is not a database", "invalid_argument", /is damaged or not a database: restore a backup/],
    ["database disk image is malformed", "invalid_argument", /is damaged or not a database: restore a backup/],
  ];
  for (const [words, code, message] of table) {
    const error = openError("d/chatd.sqlite", new Error(words));
    assert.ok(error instanceof ChatError, words);
    assert.equal(error.code, code, words);
    assert.match(error.message, message);
    assert.match(error.message, /^[^\n.]+(\.sqlite)?[^\n.]+\.$/);
    assert.ok(!error.message.includes(words), "the words of SQLite alone");
  }
  const other = new Error("another error");
  assert.equal(openError("d/chatd.sqlite", other), other);
});
