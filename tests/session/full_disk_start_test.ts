import assert from "node:assert/strict";
import { DeliveryCursor } from "../../src/client/delivery_cursor.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import type { HelloResponse } from "../../src/gen/chatd/v1/session.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { TestSession } from "../support/servers/test_session.ts";
import { TestMessageStore } from "../support/servers/test_message_store.ts";
import { TestStore } from "../support/servers/test_store.ts";
import { until } from "../support/waiting/turns.ts";
import { sendRequest } from "../support/servers/wire_values.ts";

/** A store without room for incarnations and messages, while commits fail. */
class FullStore extends TestMessageStore {
  override commitError: unknown = new ChatError("storage_full", "The disk is full.");

  override beginIncarnation(): void | Promise<void> {
    if (this.commitError === undefined) return super.beginIncarnation();
  }
}

Deno.test("a client without an incarnation, as after a full disk, gets it before any position in it", async () => {
  const store = TestStore.openWith((log) => new FullStore(log));
  await using test = await TestChat.open({ store });
  const { token } = await test.logIn("ben");
  const ben = new TestSession(test);
  assert.equal((await ben.hello(token)).incarnation, "");
  const ana = new TestSession(test);
  await ana.hello((await test.logIn("ana")).token);
  const draft = sendRequest(test.draft("ben"));
  assert.equal(await ana.refusal({ $case: "send", value: draft }), "storage_full");
  assert.equal(ben.ended, undefined);

  store.messages.commitError = undefined;
  ana.request({ $case: "send", value: draft });
  await until(() => ana.ended !== undefined && ben.ended !== undefined);
  assert.deepEqual([ana.endCode, ben.endCode], ["unavailable", "unavailable"]);
  assert.deepEqual(ben.texts, []);

  const { incarnation } = test.chat.timeline;
  const again = new TestSession(test);
  const { token: anaToken } = await test.logIn("ana");
  assert.equal((await again.hello(anaToken)).incarnation, incarnation);
  assert.equal((await again.ask("send", draft)).duplicate, true);
  await again.ask("send", sendRequest(test.draft("ben")));
  assert.equal(again.ended, undefined);
});

Deno.test("a client keeps its incarnation while a server of the same log sends none", () => {
  const cursor = new DeliveryCursor();
  const open = (hello: Partial<HelloResponse>) =>
    cursor.open({ epoch: "e", cursor: 0, head: 9, sharedThrough: 9, ...hello } as HelloResponse);
  open({ incarnation: "one" });
  assert.equal(open({ incarnation: "" }), false);
  assert.equal(cursor.resumePoint?.incarnation, "one");
  assert.equal(open({ epoch: "other", incarnation: "" }), true);
  assert.equal(cursor.resumePoint?.incarnation, undefined);
});
