import assert from "node:assert/strict";
import type { Turn } from "../../../src/core/page_turns.ts";
import { Database } from "../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../src/store/sqlite/sqlite_account_store.ts";
import { SqliteRetentionStore } from "../../../src/store/sqlite/sqlite_retention_store.ts";
import { accept, directAppend, userRecord, wholeLog } from "../../support/servers/stored_messages.ts";

const others = Array.from({ length: 20 }, (_, index) => `user-${index}`);
const limits = { maxBytes: 1_000_000 };

/** A log of ana with others, with one message per conversation. */
async function open() {
  const database = Database.openInMemory();
  const accounts = new SqliteAccountStore(database);
  for (const user of ["ana", ...others]) await accounts.addUser(userRecord(user));
  const messages = new SqliteMessageStore(database);
  for (const other of others) await accept(messages, directAppend(other, "ana", { text: `from ${other}` }));
  const retention = new SqliteRetentionStore(database, { spentIds: messages.spentIds });
  return { messages, retention, [Symbol.dispose]: () => database.close() };
}

/** A turn that ends after each step, and calls `happens` before the next one. */
function turnsIn(happens: () => Promise<unknown>): { turn: Turn; count(): number } {
  let count = 0;
  const next = async () => {
    count++;
    await happens();
  };
  return { turn: { isOver: true, next }, count: () => count };
}

Deno.test("a page of history ends at the head of the log at its beginning", async () => {
  using log = await open();
  for (let number = 1; number < 10; number++) {
    await accept(log.messages, directAppend("user-0", "ana", { text: `${number}` }));
  }
  const { turn, count } = turnsIn(() => accept(log.messages, directAppend("user-0", "ana", { text: "later" })));
  const page = await log.messages.history("ana", "ana:user-0", { ...wholeLog, limit: 5, ...limits, turn });
  assert.ok(count() > 4);
  assert.deepEqual(page!.messages.map(({ text }) => text), ["5", "6", "7", "8", "9"]);
  const { firstSeq, lastSeq, headSeq, more, moreAfter } = page!;
  assert.deepEqual({ firstSeq, lastSeq, headSeq, more, moreAfter }, {
    firstSeq: 6,
    lastSeq: 10,
    headSeq: 10,
    more: true,
    moreAfter: false,
  });
});

Deno.test("a page of history omits entries that are removed between its steps, but covers their range", async () => {
  using log = await open();
  await log.messages.commit(Array.from({ length: 199 }, () => directAppend("user-0", "ana")));
  await log.retention.setRule({ conversation: "ana:user-0", maxAgeMs: undefined, maxEntries: 50 });
  const now = 1_700_000_000_001;
  const { due: [conversation] } = await log.retention.findDue(0, now);
  const { turn } = turnsIn(() => log.retention.removeDue(conversation, { now, limit: 100 }));
  const page = await log.messages.history("ana", "ana:user-0", { ...wholeLog, limit: 200, ...limits, turn });
  const seqs = page!.messages.map(({ seq }) => seq);
  assert.ok(seqs.length >= 50 && seqs.length < 200);
  assert.deepEqual(seqs, Array.from(seqs, (_, index) => 201 - seqs.length + index), "the newest, without a gap");
  assert.deepEqual([page!.firstSeq, page!.lastSeq, page!.more], [1, 200, false]);
});
