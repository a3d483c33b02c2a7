import assert from "node:assert/strict";
import type { ExclusiveMessageStore } from "../../src/core/messages/message_store.ts";
import type { OpenedStore } from "../contract/message_store.ts";
import { openPostgresStore } from "../support/databases/postgres_store.ts";
import { accept, directAppend, userRecord } from "../support/servers/stored_messages.ts";
import { openTemporaryStore } from "../support/servers/temporary_store.ts";

function suite(name: string, open: () => OpenedStore | Promise<OpenedStore>): void {
  function test(behaviour: string, run: (messages: ExclusiveMessageStore) => Promise<void>): void {
    Deno.test(`${name}: ${behaviour}`, async () => {
      const { messages, accounts, close } = await open();
      try {
        for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
        await run(messages);
      } finally {
        await close();
      }
    });
  }

  test("a page keeps the order of positions and ends at its limit of bytes", async (messages) => {
    for (const text of ["one", "two", "three"]) await accept(messages, directAppend("ana", "ben", { text }));
    const textsAt = async (positions: number[], maxBytes: number) => {
      const { messages: found, through } = await messages.messagesAt("ben", positions, { maxBytes });
      return [...found.map(({ text }) => text), through];
    };
    assert.deepEqual(await textsAt([3, 1, 2], 1_000), ["three", "one", "two", 0]);
    assert.deepEqual(await textsAt([3, 1, 2], 8), ["three", "one", 1]);
    assert.deepEqual(await textsAt([3, 1, 2], 0), ["three", 3]);
  });

  test("a page with more entries than one statement reads is complete", async (messages) => {
    const texts = Array.from({ length: 300 }, (_, index) => `text ${index}`);
    await messages.commit(texts.map((text) => directAppend("ana", "ben", { text })));
    const { messages: found } = await messages.messagesAfter("ben", 0, { limit: 1_000, maxBytes: 1_000_000 });
    assert.deepEqual(found.map(({ text }) => text), texts);
  });
}

suite("sqlite", openTemporaryStore);
suite("postgres", openPostgresStore);
