import assert from "node:assert/strict";
import type { Posted } from "../../../src/core/messages/posting.ts";
import type { CheckedDraft } from "../../../src/core/messages/submission.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { sendMessage } from "../../support/servers/send_message.ts";
import { FakeSubscriber, TestChat } from "../../support/servers/test_chat.ts";

async function come(test: TestChat, user: string): Promise<FakeSubscriber> {
  await test.chat.settings.load(user);
  const subscriber = new FakeSubscriber({ user });
  test.chat.subscribe(subscriber);
  return subscriber;
}

/** Changes that ana may request for her message `seq` to ben. */
function amendments(test: TestChat, seq: number) {
  const { posting } = test.chat;
  const target = () => ({ to: "ben", seq, id: test.draft("ana").id });
  const submit = async (checking: Promise<CheckedDraft>): Promise<Posted> => await posting.submit(await checking);
  return {
    edit: (text: string, id = target().id) => submit(posting.checkEdit("ana", { ...target(), id, text })),
    react: (emoji: string, remove = false) => submit(posting.checkReaction("ana", { ...target(), emoji, remove })),
    erase: () => submit(posting.checkDelete("ana", target())),
  };
}

for (const directMessages of ["nobody", "contacts"] as const) {
  Deno.test(`a recipient who accepts messages of ${directMessages} gets no edits and reactions of others either`, async () => {
    await using test = await TestChat.open();
    const { seq } = await test.send("ana", "ben", "hello");
    const { edit, react, erase } = amendments(test, seq);
    const accepted = test.draft("ana").id;
    await edit("hello!", accepted);
    await react("👍");
    await test.chat.settings.update("ben", { directMessages });
    const ben = await come(test, "ben");
    for (const refused of [edit("an insult"), react("🎉")]) {
      assert.match((await rejectsWith("permission_denied", refused)).message, /^ben accepts /);
    }
    assert.equal((await edit("hello!", accepted)).duplicate, true, "the answer to a resend does not change");
    assert.deepEqual([ben.offered, ben.lookedUp], [[], []]);
    await react("👍", true);
    await erase();
    assert.deepEqual(ben.texts, ["", ""], "an author may delete their messages");
  });
}

Deno.test("an author may edit and react after the recipient has written to them", async () => {
  await using test = await TestChat.open();
  const { seq } = await test.send("ana", "ben", "hello");
  await test.send("ben", "ana", "hi");
  await test.chat.settings.update("ben", { directMessages: "contacts" });
  const ben = await come(test, "ben");
  const { edit, react } = amendments(test, seq);
  await edit("hello!");
  await react("👍");
  assert.equal(ben.offered.length, 2);
});

Deno.test("edits and reactions by a blocked author reach no session of the blocker", async () => {
  await using test = await TestChat.open();
  const { seq } = await test.send("ana", "ben", "hello");
  const ben = await come(test, "ben");
  await test.chat.settings.block("ben", "ana");
  const { edit, react, erase } = amendments(test, seq);
  await edit("an insult for @ben");
  await react("🎉");
  assert.deepEqual([ben.offered, ben.lookedUp], [[], []]);
  const range = { with: "ana", limit: 10, beforeSeq: 0, afterSeq: 0, fromMs: 0, events: true };
  const { messages } = await test.chat.history("ben", range);
  assert.deepEqual(messages.map(({ text, withheld, reactions }) => [text, withheld, reactions]), [[
    "",
    true,
    undefined,
  ]]);
  await erase();
  const [erased] = (await test.chat.history("ben", range)).messages;
  assert.deepEqual([erased.deleted, erased.withheld], [true, undefined]);
});

Deno.test("a file needs the same permission as a text", async () => {
  await using test = await TestChat.open();
  await test.send("ana", "ben", "hello");
  await test.chat.settings.update("ben", { directMessages: "nobody" });
  const draft = { ...test.draft("ana"), to: "ben", text: "", uploadId: test.draft("ana").id };
  await rejectsWith("permission_denied", sendMessage(test.chat, "ana", draft));
});
