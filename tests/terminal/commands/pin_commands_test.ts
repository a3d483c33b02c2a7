import assert from "node:assert/strict";
import {
  type ChatAtTerminal,
  type ChatSetup,
  chatting,
  faceNames,
  serverWithHistory,
} from "../../support/servers/chat_at_terminal.ts";
import { eventually } from "../../support/waiting/eventually.ts";

/** Tests a behaviour with every face, in the conversation with ben. */
function test(behaviour: string, use: (chat: ChatAtTerminal) => Promise<void>, setup: Partial<ChatSetup> = {}): void {
  for (const face of faceNames) {
    Deno.test(`${behaviour} (${face})`, () =>
      chatting({ server: serverWithHistory(), to: "ben", ...setup, face }, async (chat) => {
        await chat.isIn("ben");
        await chat.sees("ben: news 25.");
        await use(chat);
      }));
  }
}

/** Whether a row shows message 24 of ben as pinned. */
const marked = /24 ben: news 24\. +\(pinned\)/;

test("/pin and /unpin are told in words of the message, by oneself and by others", async (chat) => {
  chat.type("/pin 24\r");
  await chat.sees("26 * ana pinned 24: “news 24.”");
  chat.server.pin("ben", { to: "ana", seq: 25 });
  chat.server.deliverAll();
  await chat.sees("27 * ben pinned 25: “news 25.”");
  chat.type("/unpin 24\r");
  await chat.sees("28 * ana unpinned 24");
});

test("/pins lists numbers, authors, times and a line, the newest pin last", async (chat) => {
  chat.type("/pins\r");
  await chat.sees("No message is pinned here.");
  chat.receive("ben", "\nthe rules:\nno rules");
  await chat.sees("the rules:");
  chat.server.pin("ben", { to: "ana", seq: 26 });
  chat.server.pin("ana", { to: "ben", seq: 3 });
  chat.type("/pins\r");
  await chat.sees("Pinned messages, the newest pin last; /jump N goes to message N:");
  await chat.sees(/ 26 ben, \d{4}-\d\d-\d\d \d\d:\d\d: the rules: \(by ben\)/);
  await chat.sees(/the rules: \(by ben\)[^]* 3 ben, \d{4}-\d\d-\d\d \d\d:\d\d: news 3\. \(by ana\)/);
});

test("the pin of a message that was not loaded says its text, too", async (chat) => {
  assert.ok(chat.context.state.current);
  chat.context.state.replyTargets.forget();
  chat.server.pin("ben", { to: "ana", seq: 2 });
  chat.server.deliverAll();
  await chat.sees("26 * ben pinned 2: “news 2.”");
});

test("messages that arrive while the text of a pinned one is loaded are shown after the pin", async (chat) => {
  chat.context.state.replyTargets.forget();
  chat.server.held = "history";
  chat.server.pin("ben", { to: "ana", seq: 2 });
  chat.receive("ben", "after the pin");
  chat.type("/ping\r");
  await chat.sees("The server answered in");
  await eventually(() => chat.server.waiting.length > 0, () => "the pinned message is asked for");
  chat.server.release();
  await chat.sees(/26 \* ben pinned 2: “news 2\.”\n[^\n]*27 ben: after the pin\n/);
});

Deno.test("a printed page has the texts of messages before it that were pinned or answered", async () => {
  const server = serverWithHistory(30);
  server.pin("ben", { to: "ana", seq: 2 });
  Object.assign(server.append("ben", "ana", "as I said"), { replyToSeq: 3 });
  server.moveCursor("ana/", server.head);
  await chatting({ server, to: "ben", face: "line" }, async (chat) => {
    await chat.sees("31 * ben pinned 2: “news 2.”\n32 ben: (to 3 ben: news 3.) as I said\n");
  });
});

test("a long message is cut in the words of its pin and in the list", async (chat) => {
  chat.receive("ben", `${"long ".repeat(60)}end`);
  await chat.sees("26 ben: long long");
  chat.type("/pin 26\r");
  await chat.sees(/27 \* ana pinned 26: “(long ){7,8}(lon)?g?…”/);
  chat.type("/pins\r");
  await chat.sees("Pinned messages, the newest pin last; /jump N goes to message N:");
  await chat.sees(/ 26 ben, .*: (long ){11,12}(lon)?g?… \(by ana\)/);
});

test("a pin that is refused is explained, and forms are told", async (chat) => {
  chat.type("/pin 24\r");
  await chat.sees("* ana pinned 24");
  chat.type("/pin 24\r");
  await chat.sees("The message is already pinned.");
  chat.type("/unpin 23\r");
  await chat.sees("The message is not pinned.");
  chat.type("/pin\r");
  await chat.sees("Usage: /pin N");
  chat.type("/unpin x\r");
  await chat.sees('"x" is not the number of a message. Usage: /unpin N');
  chat.type("/pins 3\r");
  await chat.sees("Usage: /pins");
});

test("/help pin describes the commands, and Tab completes them", async (chat) => {
  chat.type("/help pin\r");
  await chat.sees(/\/pin N +Pin message N for all members; in a room, moderators can/);
  chat.type("/unp\t");
  await chat.isIn("ben", "/unpin ");
});

Deno.test("a pinned message has a mark on the full screen, until its pin is removed", async () => {
  await chatting({ server: serverWithHistory(), to: "ben", face: "full screen" }, async (chat) => {
    await chat.isIn("ben");
    chat.type("/pin 24\r");
    await chat.sees(marked);
    await chat.sees("* ana pinned 24: “news 24.”");
    chat.type("/unpin 24\r");
    await chat.sees("* ana unpinned 24");
    assert.doesNotMatch(chat.seen, marked);
  });
});

Deno.test("a message that was pinned before has its mark in what is loaded", async () => {
  for (const face of faceNames) {
    const server = serverWithHistory();
    server.pin("ben", { to: "ana", seq: 24 });
    server.moveCursor("ana/", server.head);
    await chatting({ server, to: "ben", face }, async (chat) => {
      await chat.isIn("ben");
      await chat.sees(marked);
      await chat.sees("26 * ben pinned 24: “news 24.”");
    });
  }
});
