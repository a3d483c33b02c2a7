/** The behaviour of a chat at a terminal, the same with every face. */
import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { serverWithHistory, testWithFaces as test } from "../../support/servers/chat_at_terminal.ts";
import { eventually } from "../../support/waiting/eventually.ts";

test("the chat starts with the newest conversation, its recent messages, and then those that were missed", () => {
  const server = serverWithHistory();
  server.append("cat", "ana", "me too");
  return { server };
}, async (chat) => {
  await chat.isIn("cat");
  await chat.sees(/Connected to 127\.0\.0\.1:50051 \(fake\/1\) as ana/);
  await chat.sees(/ana: old news\n[^]*cat: me too\n/);
  assert.equal(chat.seen.split("me too").length, 2, "shown once");
});

test("--to chooses the first conversation", () => ({ server: serverWithHistory(), to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  await chat.sees("ben: news 25.");
});

test("a start that a broken connection interrupts is done over the next connection", () => {
  const server = serverWithHistory();
  let lives = 0;
  // The first connection breaks after its hello and the list of conversations.
  server.nextLife = () => lives++ === 0 ? { fromClient: Infinity, toClient: 2 } : undefined;
  return { server };
}, async (chat) => {
  await chat.sees("Connected again.");
  await chat.isIn("ben");
  await chat.sees("ben: news 25.");
});

test("messages that came before the start broke are shown once", () => {
  const server = serverWithHistory();
  server.append("ben", "ana", "while you slept");
  let lives = 0;
  // The first connection breaks after its hello and the message.
  server.nextLife = () => lives++ === 0 ? { fromClient: Infinity, toClient: 2 } : undefined;
  return { server, to: "ben" };
}, async (chat) => {
  await chat.sees("Connected again.");
  await chat.sees(/ben: news 25\.\n[^]*ben: while you slept\n/);
  chat.type("/ping\r");
  await chat.sees("The server answered in");
  assert.equal(chat.count(/while you slept/g), 1, chat.seen);
});

test("a line for the user of --to waits for the next connection when the start breaks", () => {
  const server = serverWithHistory();
  server.nextLife = () => {
    server.nextLife = () => undefined;
    server.down = true;
    return { fromClient: Infinity, toClient: 1 };
  };
  return { server, to: "ben" };
}, async (chat) => {
  await chat.sees("Disconnected: ");
  chat.type("hello\r");
  await chat.sees("sending to ben: hello");
  await chat.reconnect();
  await chat.sees("ana: hello\n");
  await chat.sees("ben: news 25.");
  await chat.isIn("ben");
  assert.equal(chat.count(/ana: hello/g), 1, chat.seen);
});

test("an accepted message is shown, a refused one is explained and put back", () => ({ to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.server.frozen = true;
  chat.type("hello\r");
  await chat.sees("sending to ben: hello");
  chat.server.thaw();
  await chat.sees("ana: hello\n");
  chat.server.refuseSend = () => new ChatError("permission_denied", "Ben does not want that.");
  chat.type("hello again\r");
  await chat.sees("Not sent to ben: Ben does not want that.");
  await chat.isIn("ben", "hello again");
  assert.equal(chat.server.log.length, 1);
});

test("a draft survives arriving messages and a lost connection", () => ({ to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.type("half a thou");
  await chat.isIn("ben", "half a thou");
  chat.receive("ben", "look here");
  await chat.sees("ben: look here");
  await chat.isIn("ben", "half a thou");
  await chat.disconnect();
  await chat.sees(/offline, next try in \d+ s, Enter tries now[^]* half a thou$/);
  await chat.reconnect();
  await chat.isIn("ben", "half a thou");
  chat.type("ght\r");
  await chat.sees("ana: half a thought");
});

test("a log that was put back to an earlier state is told of, and read positions are told again", () => ({
  server: serverWithHistory(3),
  to: "ben",
}), async (chat) => {
  const { server } = chat;
  const readPositions = () =>
    server.framesRead.flatMap(({ requests }) => requests).flatMap(({ kind }) =>
      kind?.$case === "read" ? [kind.value.seq] : []
    );
  await chat.isIn("ben");
  for (const text of ["one", "two"]) {
    chat.type(`${text}\r`);
    await chat.sees(`ana: ${text}\n`);
  }
  await eventually(() => readPositions().at(-1) === 5, () => `${readPositions()}`);
  await chat.disconnect();
  server.putBack(server.head - 2);
  // Messages of the former log stay on the screen until those of the new one are there: they are not read in it.
  server.held = "listConversations";
  await chat.reconnect();
  chat.type("x");
  await chat.isIn("ben", "x");
  server.release();
  await chat.sees(/ben: news 3\.\n[^]*put back to an earlier state/);
  chat.receive("ben", "after it");
  await chat.sees("ben: after it\n");
  await eventually(() => readPositions().at(-1) === 4, () => `${readPositions()}`);
  assert.equal(readPositions().filter((seq) => seq === 5).length, 1);
});

test("a log from a backup in the place of the former one is told of, below its messages", () => ({
  server: serverWithHistory(3),
  to: "ben",
}), async (chat) => {
  const { server } = chat;
  await chat.isIn("ben");
  await chat.disconnect();
  server.restore(server.log.slice(0, 2));
  server.down = false;
  await chat.sees(/ben: news 1\.\n[^]*put back to an earlier state/);
  await chat.isIn("ben");
});

test("how far the person has read is told when there is a connection again", () => ({
  server: serverWithHistory(3),
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  const isRead = (seq: number) =>
    chat.server.framesRead.some(({ requests }) =>
      requests.some(({ kind }) => kind?.$case === "read" && kind.value.seq === seq)
    );
  await eventually(() => isRead(3), () => "the page was read");
  chat.receive("ben", "look");
  await chat.sees("ben: look\n");
  await chat.disconnect();
  await chat.reconnect();
  await eventually(() => isRead(4), () => "the message was read");
});

test("text of others does nothing to the terminal", () => ({ to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.receive("ben", "\x1b[2J\x1b]0;owned\x07evil\u202Etxt\nben: second line");
  await chat.sees(/ben: ␛\[2J␛\]0;owned␇evil\uFFFDtxt\n[^\n]* {5,}ben: second line\n/);
  chat.server.refuseSend = () => new ChatError("permission_denied", "no\x1b[2J");
  chat.type("x\r");
  await chat.sees("no␛[2J");
});

test("pasted lines are one message, sent with Enter", () => ({ to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.type("\x1b[200~one\r\ntwo\r\n\x1b[201~");
  await chat.isIn("ben", "one\ntwo");
  chat.type("\r");
  await chat.sees(/ana: one\n[^\n]* {5,}two\n/);
  assert.deepEqual(chat.server.log.map(({ text }) => text), ["one\ntwo"]);
});

test("lines for the user of --to can be submitted before the start", () => {
  const server = serverWithHistory();
  server.frozen = true;
  return { server, to: "cat" };
}, async (chat) => {
  await chat.sees(/\[(ana → )?cat[^\]]*\]$/);
  chat.type("early\r");
  chat.server.thaw();
  await chat.sees("ana: early\n");
  assert.equal(chat.server.log.at(-1)!.conversation, "ana:cat");
});

test("a line that was submitted while no conversation was chosen is sent to none that the start chooses", () => {
  const server = serverWithHistory();
  server.frozen = true;
  return { server };
}, async (chat) => {
  await chat.sees(/\[(ana \| connecting|no conversation)\]$/);
  chat.type("early\r");
  await chat.sees("No recipient.");
  chat.server.thaw();
  await chat.isIn("ben", "early");
  assert.ok(chat.server.log.every(({ text }) => text !== "early"));
});

test("a draft that was typed before the start stays", () => {
  const server = serverWithHistory();
  server.frozen = true;
  return { server };
}, async (chat) => {
  chat.type("early bird");
  await chat.sees("early bird");
  chat.server.thaw();
  await chat.isIn("ben", "early bird");
});

test("without a recipient, the text stays", () => ({}), async (chat) => {
  await chat.sees("No conversation yet. Choose one with /to NAME");
  chat.type("hello?\r");
  await chat.sees(/No recipient\. [^]*\[(ana|no conversation)\] hello\?$/);
});

test("others are told that the person is typing, and that they stopped", () => ({ to: "ben" }), async (chat) => {
  const told = () =>
    chat.server.framesRead.flatMap(({ requests }) => requests).flatMap(({ kind }) =>
      kind?.$case === "typing" ? [kind.value.stopped] : []
    );
  await chat.isIn("ben");
  chat.type("/help");
  await chat.isIn("ben", "/help");
  chat.type("\x15hello");
  await eventually(() => told().length === 1, () => `${told()}`);
  chat.type("\x15");
  await eventually(() => told().length === 2, () => `${told()}`);
  assert.deepEqual(told(), [false, true]);
});

test(
  "a message that the server postpones is told of once, and sent in the end",
  () => ({ to: "ben" }),
  async (chat) => {
    await chat.isIn("ben");
    let refusals = 0;
    chat.server.refuseSend = () => ++refusals <= 3 ? new ChatError("busy", "Wait.", { retryAfterMs: 1 }) : undefined;
    chat.type("hello\r");
    await chat.sees("ana: hello\n");
    assert.equal(refusals, 4);
    assert.equal(chat.count(/Not accepted yet, retrying: Wait\./g), 1, chat.seen);
  },
);

test("names and emoji are completed", () => ({ server: serverWithHistory(5), to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.type("/hist\tb\t");
  await chat.isIn("ben", "/history ben");
  chat.type("\x15@ca\t:tada\t");
  await chat.isIn("ben", "@cat 🎉");
});

test("the bell rings for a message elsewhere, and not for one before the person's eyes", () => ({
  server: serverWithHistory(5),
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  chat.type("x");
  await chat.isIn("ben", "x");
  chat.receive("ben", "seen");
  await chat.sees("ben: seen\n");
  chat.receive("cat", "elsewhere");
  await eventually(() => chat.terminal.bells === 1, () => `${chat.terminal.bells} bells in\n${chat.seen}`);
});

test("how far the other one is with a message is shown with it", () => ({ to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.type("hello ben\r");
  await chat.sees("ana: hello ben\n");
  const value = { conversation: "ana:ben", user: "ben", readSeq: 1, deliveredSeq: 1 };
  for (const session of chat.server.sessions) session.tell({ $case: "receipt", value });
  chat.type("/history\r");
  await chat.sees("ana: hello ben ✓✓\n");
});
