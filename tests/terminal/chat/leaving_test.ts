/** The end of a chat at a terminal, the same with every face. */
import assert from "node:assert/strict";
import { testWithFaces as test } from "../../support/servers/chat_at_terminal.ts";
import { FakeChatServer } from "../../support/fakes/fake_chat_server.ts";

test("Ctrl-C clears the draft, then tells how to leave, then leaves", () => ({ to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.type("draft");
  await chat.isIn("ben", "draft");
  chat.type("\x03");
  await chat.isIn("ben");
  chat.type("\x03");
  await chat.sees("Press Ctrl-C again");
  chat.type("\x03");
  assert.equal(await chat.running, undefined);
});

test("Ctrl-D leaves", () => ({ to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.type("\x04");
  assert.equal(await chat.running, undefined);
});

test("an error that ends the client ends the chat", () => ({ token: "dead" }), async (chat) => {
  assert.equal((await chat.running)?.code, "unauthenticated");
});

test("a server that cannot be reached at the start ends the chat", () => {
  const server = new FakeChatServer();
  server.down = true;
  return { server };
}, async (chat) => {
  assert.equal((await chat.running)?.code, "unavailable");
});

test("lines that were not sent before the end are shown after it", () => ({ to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.server.frozen = true;
  chat.type("too late\r");
  await chat.sees("sending to ben: too late");
  chat.type("/ping\rand later\r\x04");
  assert.equal(await chat.running, undefined);
  assert.match(chat.seen, /Perhaps not sent to ben: [^]* may have accepted the message\.[^]*\nIt was: too late\n/);
  assert.match(chat.seen, /\nNot sent to ben: [^\n]*\nIt was: and later$/);
});
