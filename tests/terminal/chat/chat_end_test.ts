/** The end of a chat: by a key, a command, a signal, or a terminal that is closed. No text is lost. */
import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { FakeChatServer } from "../../support/fakes/fake_chat_server.ts";
import {
  type ChatAtTerminal,
  type ChatSetup,
  chatting,
  faceNames,
  serverWithHistory,
} from "../../support/servers/chat_at_terminal.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { turns } from "../../support/waiting/turns.ts";

/** Runs a test on each face. */
function test(name: string, setup: () => Omit<ChatSetup, "face">, use: (chat: ChatAtTerminal) => Promise<void>): void {
  for (const face of faceNames) {
    Deno.test(`${name} (${face})`, () => chatting({ face, ...setup() }, use));
  }
}

async function hangUp(chat: ChatAtTerminal): Promise<void> {
  chat.terminal.hangUp();
  assert.equal(await chat.running, undefined);
}

test("texts that no server has at a hang-up are in the drafts of their conversations", () => ({
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  chat.server.frozen = true;
  chat.type("one for ben\r");
  await chat.sees("sending to ben: one for ben");
  chat.type("/to cat\r");
  await chat.isIn("cat");
  chat.type("/ping\rone for cat\r/msg ben two\nfor ben\r/to dan\r/users\r");
  await chat.isIn("dan");
  chat.type("half a dra");
  await chat.isIn("dan", "half a dra");
  await hangUp(chat);
  assert.deepEqual(chat.saved.drafts, {
    "ana:ben": "one for ben\n/msg ben two\nfor ben",
    "ana:cat": "one for cat",
    "ana:dan": "half a dra",
  });
});

test("a text that was refused beside another draft is kept with it", () => ({ to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.server.refuseSend = () => new ChatError("permission_denied", "Ben does not want that.");
  chat.server.held = "send";
  chat.type("first\rthe next one");
  await chat.sees("sending to ben: first");
  chat.server.release();
  await chat.sees("It was: first (↑ brings it back)");
  await hangUp(chat);
  assert.deepEqual(chat.saved.drafts, { "ana:ben": "first\nthe next one" });
});

test("a refused text that was recalled and corrected is not kept", () => ({ to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.server.refuseSend = ({ text }) => text === "first" ? new ChatError("permission_denied", "No.") : undefined;
  chat.server.held = "send";
  chat.type("first\rx");
  await chat.sees("sending to ben: first");
  chat.server.release();
  await chat.sees("It was: first");
  chat.type("\x1b[A, corrected\r");
  await chat.sees("ana: first, corrected");
  await hangUp(chat);
  assert.deepEqual(chat.saved.drafts, { "ana:ben": "x" });
});

test(
  "a text without a recipient is the draft of the next conversation, also after a restart",
  () => ({}),
  async (chat) => {
    await chat.sees("No conversation yet.");
    chat.type("for no one yet");
    await chat.sees("for no one yet");
    await hangUp(chat);
    await chatting({ face: "line", saved: chat.saved, to: "ben" }, async (again) => {
      await again.isIn("ben", "for no one yet");
      again.type("\x15");
      await again.isIn("ben");
      await hangUp(again);
      assert.deepEqual(again.saved.drafts, {});
    });
  },
);

test("a message that is on its way when the person leaves arrives", () => ({ to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.server.held = "send";
  chat.type("bye\r");
  await chat.sees("sending to ben: bye");
  chat.type("/quit\r");
  await turns(3);
  chat.server.release();
  assert.equal(await chat.running, undefined);
  assert.deepEqual(chat.server.log.map(({ text }) => text), ["bye"]);
  assert.doesNotMatch(chat.seen, /ot sent/);
  assert.deepEqual(chat.saved.drafts ?? {}, {});
});

test("a message that was seen in the last moment before the end counts as read", () => ({
  to: "ben",
  server: serverWithHistory(),
}), async (chat) => {
  await chat.sees("news 25.");
  chat.receive("ben", "the last one");
  await chat.sees("the last one");
  chat.type("\x04");
  assert.equal(await chat.running, undefined);
  assert.equal(chat.requests("read").at(-1)?.seq, 26);
});

test("the end waits two seconds at most for a server that does not answer", () => ({
  to: "ben",
  server: serverWithHistory(),
}), async (chat) => {
  await chat.sees("news 25.");
  chat.server.frozen = true;
  chat.type("never\r\x04");
  assert.equal(await chat.running, undefined);
  assert.deepEqual(chat.saved.drafts, { "ana:ben": "never" });
});

Deno.test("a terminal that can only write lines keeps what was not sent, too", async () => {
  const server = new FakeChatServer();
  await chatting({ face: "dumb", to: "ben", server }, async (chat) => {
    await chat.sees("No messages with ben yet.");
    server.frozen = true;
    chat.type("too late\n");
    await eventually(() => chat.context.state.sending.lines.length === 1);
    await hangUp(chat);
    assert.deepEqual(chat.saved.drafts, { "ana:ben": "too late" });
  });
});
