import assert from "node:assert/strict";
import { Database } from "../../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { SqliteAccountStore } from "../../../../src/store/sqlite/sqlite_account_store.ts";
import { directAppend, userRecord, wholeLog } from "../../../support/servers/stored_messages.ts";

const people = ["ana", "ben"];

/** A log that counts executed statements. */
async function openCounted() {
  const database = Database.openInMemory();
  const accounts = new SqliteAccountStore(database);
  for (const user of people) await accounts.addUser(userRecord(user));
  let runs = 0;
  const counting = Object.create(database, {
    prepare: {
      value: (sql: string) =>
        new Proxy(database.prepare(sql), {
          get(statement, method: "all" | "get" | "run" | "iterate") {
            return (...values: never[]) => {
              runs++;
              return statement[method](...values);
            };
          },
        }),
    },
    transaction: { value: database.transaction.bind(database) },
  });
  const messages = new SqliteMessageStore(counting);
  const takeRuns = () => {
    const taken = runs;
    runs = 0;
    return taken;
  };
  return { messages, takeRuns, [Symbol.dispose]: () => database.close() };
}

Deno.test("reading a page of 100 entries takes as many statements as a page of two", async () => {
  using log = await openCounted();
  await log.messages.commit(Array.from({ length: 100 }, () => directAppend("ana", "ben")));
  const runsFor = async (limit: number) => {
    const limits = { limit, maxBytes: 1_000_000 };
    log.takeRuns();
    const { messages } = await log.messages.messagesAfter("ben", 0, limits);
    const backlog = log.takeRuns();
    const page = await log.messages.history("ben", "ana:ben", { ...wholeLog, ...limits });
    assert.deepEqual([messages.length, page!.messages.length], [limit, limit]);
    return [backlog, log.takeRuns()];
  };
  await runsFor(2);
  assert.deepEqual(await runsFor(99), await runsFor(2));
});
