import assert from "node:assert/strict";
import type { Change, ChangeResult } from "../../../src/core/messages/message_store.ts";
import { TestChat } from "../../support/servers/test_chat.ts";
import { TestMessageStore } from "../../support/servers/test_message_store.ts";
import { TestStore } from "../../support/servers/test_store.ts";
import { turns, until } from "../../support/waiting/turns.ts";

/** Holds the answers to commits that it has stored. */
class HeldStore extends TestMessageStore {
  answer: Promise<void> = Promise.resolve();
  commits = 0;

  override async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    const results = await super.commit(changes);
    this.commits += 1;
    await this.answer;
    return results;
  }
}

async function open() {
  const test = await TestChat.open({ store: TestStore.openWith((log) => new HeldStore(log)) });
  const store = test.store.messages as HeldStore;
  const shown = async () => {
    const { messages } = await store.messagesAfter("ben", 0, { limit: 10, maxBytes: 100_000 });
    return messages.map(({ position }) => position);
  };
  return { test, store, shown, [Symbol.asyncDispose]: () => test.close() };
}

Deno.test("a block hides nothing that its user may have read before", async () => {
  await using opened = await open();
  const { test, store, shown } = opened;
  const answer = Promise.withResolvers<void>();
  store.answer = answer.promise;
  const sent = test.send("ana", "ben");
  await until(() => store.commits === 1);
  assert.deepEqual(await shown(), [1]);
  const blocked = test.chat.settings.block("ben", "ana");
  await turns(3);
  answer.resolve();
  await Promise.all([sent, blocked]);
  assert.deepEqual(await shown(), [1]);
  await test.send("ana", "ben");
  assert.deepEqual(await shown(), [1]);
});

Deno.test("the end of a block shows nothing that its user may have been sent past", async () => {
  await using opened = await open();
  const { test, store, shown } = opened;
  await test.chat.settings.block("ben", "ana");
  const answer = Promise.withResolvers<void>();
  store.answer = answer.promise;
  const sent = test.send("ana", "ben");
  await until(() => store.commits === 1);
  assert.deepEqual(await shown(), []);
  const unblocked = test.chat.settings.unblock("ben", "ana");
  await turns(3);
  answer.resolve();
  await Promise.all([sent, unblocked]);
  assert.deepEqual(await shown(), []);
  await test.send("ana", "ben");
  assert.deepEqual(await shown(), [2]);
});

Deno.test("nothing is committed while a block is being stored", async () => {
  await using opened = await open();
  const { test, store, shown } = opened;
  const { block } = test.store.settings;
  const disk = Promise.withResolvers<void>();
  let isAsked = false;
  test.store.settings.block = async (...call) => {
    isAsked = true;
    await disk.promise;
    await block.apply(test.store.settings, call);
  };
  const blocked = test.chat.settings.block("ben", "ana");
  await until(() => isAsked);
  const sent = test.send("ana", "ben");
  await turns(5);
  assert.equal(store.commits, 0);
  disk.resolve();
  await Promise.all([blocked, sent]);
  assert.deepEqual([store.commits, await shown()], [1, []]);
});
