import assert from "node:assert/strict";
import type { Queries } from "../../../../src/store/postgres/connection/connection.ts";
import { readEntries } from "../../../../src/store/postgres/log/entry_reader.ts";
import { openPostgresStore } from "../../../support/databases/postgres_store.ts";
import { accept, directAppend, entryAppend, userRecord } from "../../../support/servers/stored_messages.ts";

async function openTalk() {
  const store = await openPostgresStore();
  for (const user of ["ana", "ben"]) await store.accounts.addUser(userRecord(user));
  const [{ key }] = await store.database.read<{ key: number }>(`SELECT id AS key FROM "user" WHERE name = 'ben'`);
  const fetched: number[] = [];
  const counting: Queries = {
    async query<Row>(text: string, values = []) {
      const rows = await store.database.read<Row>(text, values);
      fetched.push(rows.length);
      return rows;
    },
  };
  /** Reads what ben sees, and returns the rows of each statement. */
  const read = async (positions: number[], maxBytes: number) => {
    fetched.length = 0;
    const page = await readEntries(counting, key, { positions, limit: 100, maxBytes, marks: true });
    return { ...page, fetched };
  };
  return { ...store, read, [Symbol.asyncDispose]: () => store.close() };
}

Deno.test("a page is one statement, which fetches one text at most that does not fit into the page", async () => {
  await using talk = await openTalk();
  const text = "a".repeat(16 * 1024);
  await talk.messages.commit(Array.from({ length: 50 }, () => directAppend("ana", "ben", { text })));
  const all = Array.from({ length: 50 }, (_, index) => index + 1);
  for (const [maxBytes, count] of [[3 * text.length, 3], [3 * text.length - 1, 2], [0, 1]]) {
    const { messages, isWhole, fetched } = await talk.read(all, maxBytes);
    assert.deepEqual([messages.length, isWhole, fetched.length], [count, false, 1]);
    assert.ok(fetched[0] <= count + 1);
  }
  const whole = await talk.read(all, 50 * text.length);
  assert.deepEqual([whole.messages.length, whole.isWhole, whole.fetched], [50, true, [50]]);
});

Deno.test("positions of removed entries are left out", async () => {
  await using talk = await openTalk();
  for (const text of ["one", "two"]) await accept(talk.messages, directAppend("ana", "ben", { text }));
  const { messages, isWhole } = await talk.read([99, 2, 1, 98], 100);
  assert.deepEqual([messages.map(({ text }) => text), isWhole], [["two", "one"], true]);
});

Deno.test("a text whose edit is missing is withheld", async () => {
  await using talk = await openTalk();
  await accept(talk.messages, directAppend("ana", "ben", { text: "plain" }));
  await accept(talk.messages, entryAppend("ana:ben", "ana", { event: { kind: "edited", target: 1 }, text: "edited" }));
  assert.equal((await talk.messages.entry("ben", "ana:ben", 1))!.text, "edited");
  await talk.database.write("DELETE FROM entry WHERE seq = 2");
  const { text, withheld } = (await talk.messages.entry("ben", "ana:ben", 1))!;
  assert.deepEqual([text, withheld], ["", true]);
});
