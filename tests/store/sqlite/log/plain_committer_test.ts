import assert from "node:assert/strict";
import { ChatError } from "../../../../src/core/chat_error.ts";
import { plainBatch, plainMessage } from "../../../support/lane/plain_batches.ts";
import { SqlitePlainStore } from "../../../support/lane/sqlite_plain_store.ts";
import { accept, directAppend, userRecord } from "../../../support/servers/stored_messages.ts";

for (const way of ["connection", "thread"] as const) {
  Deno.test(`a batch fails with "busy" while another program locks the database (${way})`, async () => {
    const store = new SqlitePlainStore(way);
    try {
      for (const user of ["ana", "ben", "cleo"]) await store.accounts.addUser(userRecord(user));
      for (const to of ["ben", "cleo"]) await accept(store.messages, directAppend("ana", to));
      assert.equal(await store.commit(plainBatch([plainMessage("ana", "ben")])), true);
      const batch = plainBatch([plainMessage("ana", "ben"), plainMessage("ana", "cleo")]);
      const other = store.lock();
      await assert.rejects(store.commit(batch), (error) => error instanceof ChatError && error.code === "busy");
      other.close();
      assert.equal(await store.commit(batch), true);
      assert.deepEqual([batch.firstPosition, batch.seq(0), batch.seq(1)], [4, 3, 2]);
    } finally {
      store.close();
    }
  });
}
