/** The behaviour of a chat at a terminal, the same with every face. */
import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { type Conversation, Role } from "../../../src/gen/chatd/v1/chat.ts";
import {
  type ChatAtTerminal,
  type ChatSetup,
  chatting,
  faceNames,
  serverWithHistory,
} from "../../support/servers/chat_at_terminal.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { FakeChatServer, fakePassword } from "../../support/fakes/fake_chat_server.ts";
import { wireConversation } from "../../support/servers/wire_values.ts";

const roomId = `+${"k2".repeat(13)}`;

function room(change: Partial<Conversation> = {}): Conversation {
  return wireConversation({
    address: roomId,
    conversation: roomId,
    room: {
      id: roomId,
      name: "ops",
      public: false,
      historyVisible: false,
      topic: "",
      members: 2,
      createdAtMs: 0,
      mentionAll: Role.MODERATOR,
    },
    ...change,
  });
}

const invitation = room({ role: Role.INVITED, invitedBy: "ben", position: 99 });
const invitationText = /ben invited you to #ops\+k2k\. To accept: \/join #ops\+k2k\. To/g;

/** How often a text is seen. */
function count({ seen }: ChatAtTerminal, text: RegExp): number {
  return seen.replace(/\n[^\n│]*│ ? */g, " ").match(text)?.length ?? 0;
}

/** Tests a behaviour with every face. */
function test(
  behaviour: string,
  setup: () => Omit<ChatSetup, "face">,
  use: (chat: ChatAtTerminal) => Promise<void>,
): void {
  for (const face of faceNames) Deno.test(`${behaviour} (${face})`, () => chatting({ ...setup(), face }, use));
}

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
  assert.equal(count(chat, /while you slept/g), 1, chat.seen);
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
  assert.equal(count(chat, /ana: hello/g), 1, chat.seen);
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

test("an invitation that came while the client was disconnected is shown, once", () => ({
  server: serverWithHistory(5),
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  await chat.disconnect();
  chat.server.roomsOf = () => [invitation];
  await chat.reconnect();
  await eventually(() => count(chat, invitationText) === 1, () => chat.seen);
  chat.server.cut();
  await eventually(() => count(chat, /Connected again\./g) === 2, () => chat.seen);
  chat.type("/ping\r");
  await chat.sees("The server answered in");
  assert.equal(count(chat, invitationText), 1, chat.seen);
});

test("an invitation is shown when it comes, and again when it comes after it was declined", () => ({
  server: serverWithHistory(5),
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  let revision = 0;
  const change = (rooms: Conversation[]) => {
    chat.server.roomsOf = () => rooms;
    const value = { revision: ++revision, conversation: roomId };
    for (const session of chat.server.sessions) session.tell({ $case: "stateChanged", value });
  };
  change([invitation]);
  await eventually(() => count(chat, invitationText) === 1, () => chat.seen);
  chat.type("/leave #ops\r");
  await eventually(() => chat.server.roomsOf("ana").length === 0, () => "the invitation was declined");
  change([invitation]);
  await eventually(() => count(chat, invitationText) === 2, () => chat.seen);
});

test("a display name is shown after the account name in lists and alerts, and follows changes", () => {
  const server = serverWithHistory(5);
  server.profiles.set("ben", { displayName: "Ben Ito", status: "" });
  return { server, to: "cat" };
}, async (chat) => {
  await chat.isIn("cat");
  chat.type("/conversations\r");
  await chat.sees("  ben · Ben Ito\n");
  chat.server.profiles.set("ben", { displayName: "cat", status: "" });
  const value = { revision: 1, conversation: "ana:ben" };
  for (const session of chat.server.sessions) session.tell({ $case: "stateChanged", value });
  chat.type("/conversations\r");
  await chat.sees("  ben · cat\n");
  chat.type("/set notify on\r");
  await chat.sees("Desktop notifications are on");
  let written = "";
  const write = chat.terminal.write.bind(chat.terminal);
  chat.terminal.write = (text) => {
    written += text;
    return write(text);
  };
  chat.receive("ben", "hello");
  await eventually(() => written.includes("\x1b]9;ben · cat: hello\x1b\\"), () => JSON.stringify(written));
});

test("a lost notice of a change has all conversations loaded again", () => ({
  server: serverWithHistory(5),
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  chat.server.roomsOf = () => [invitation];
  const value = { revision: 7, conversation: "ana:ben" };
  for (const session of chat.server.sessions) session.tell({ $case: "stateChanged", value });
  await eventually(() => count(chat, invitationText) === 1, () => chat.seen);
});

test("messages of a room that was not known come under its name, in order", () => ({
  server: serverWithHistory(5),
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  chat.server.roomsOf = () => [room()];
  chat.receive("cat", "first", roomId);
  chat.receive("cat", "second", roomId);
  await chat.sees("#ops+k2k");
  chat.type("/to #ops\r");
  await chat.isIn("#ops+k2k");
  await chat.sees(/cat: first\n[^]*cat: second\n/);
  assert.doesNotMatch(chat.seen, /\[\+k2/);
});

test("leaving the current room leaves no conversation to write to", () => {
  const server = serverWithHistory(5);
  server.roomsOf = () => [room({ position: 99 })];
  return { server, to: roomId };
}, async (chat) => {
  await chat.isIn("#ops+k2k");
  chat.type("/leave\r");
  await chat.sees(/\[(ana|no conversation)\]$/);
  chat.type("hello?\r");
  await chat.sees("No recipient.");
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

test("/me sends a text in italics", () => ({ server: serverWithHistory(), to: "ben" }), async (chat) => {
  await chat.isIn("ben");
  chat.type("/me waves\r");
  await chat.sees(/ana: _?waves_?/);
  assert.equal(chat.server.log.at(-1)!.text, "_waves_");
});

test("commands do as they say", () => ({ server: serverWithHistory(), to: "ben", rows: 120 }), async (chat) => {
  const answers: [string, string | RegExp][] = [
    ["/help", "/history [NAME] [N or DATE]"],
    ["/help", /Ctrl-U, Ctrl-K, Ctrl-W/],
    ["/help reply", / {2}\/reply N TEXT +Reply to message N/],
    ["/help /part", /\/leave \[#ROOM\] [^]*Also: \/part/],
    ["/help BAN", "/ban NAME"],
    ["/help banned", "/unban NAME"],
    ["/help xyzzy", 'Nothing in /help contains "xyzzy".'],
    ["/query", "Usage: /to NAME"],
    ["/me", "Usage: /me TEXT"],
    ["/users", /Online: ana\n[^\n]*Offline: ben, cat/],
    ["/whoami", 'You are ana on device "a terminal" (device-1).'],
    ["/set name Ana   López", "  name Ana   López"],
    ["/set status at lunch", "  status at lunch"],
    ["/whoami", 'You are ana · Ana   López — at lunch on device "a terminal" (device-1).'],
    ["/users", /Offline: ben, cat\n[^\n]*ana · Ana {3}López — at lunch\n/],
    ["/set name -", "  name -: others see your account name alone"],
    ["/set name", "Usage: /set receipts on|off"],
    ["/ping", /The server answered in \d+\.\d ms\./],
    ["/history 2", /24 ben: news 24\.\n[^\n]*25 ben: news 25\.\n/],
    ["/history cat", "[cat] ana: old news"],
    ["/sent 5", "ana: old news"],
    ["/search news", /Found \(for earlier matches[^]*25 ben: news/],
    ["/search snow", "No messages found."],
    ["/search", "Usage: /search WORDS"],
    ["//slashed", "ana: /slashed"],
    ["/hlep", "There is no command /hlep. Did you mean /help?"],
    ["/history ben 0", '"0" is not a number from 1 to 200.'],
    ["/to", "Usage: /to NAME"],
    ["/constructor", "There is no command /constructor."],
    ["/set notify on", "Desktop notifications are on"],
    ["/msg cat hi cat\rand again", /ana: hi cat\n[^]*ana: and again\n/],
  ];
  await chat.isIn("ben");
  for (const [command, expected] of answers) {
    chat.type(`\x0c${command}\r`);
    await chat.sees(expected);
  }
  assert.deepEqual(chat.server.log.slice(-2).map(({ conversation }) => conversation), ["ana:cat", "ana:cat"]);
  assert.equal(chat.saved.notify, "osc9");
  chat.type("/quit\r");
  assert.equal(await chat.running, undefined);
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
    assert.equal(count(chat, /Not accepted yet, retrying: Wait\./g), 1, chat.seen);
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

test("/deleteaccount wants the own name and the password, and then forgets the login", () => ({
  to: "ben",
}), async (chat) => {
  await chat.isIn("ben");
  chat.type("/deleteaccount ben\r");
  await chat.sees("type: /deleteaccount ana");
  chat.type("/deleteaccount ana\r");
  await chat.sees(/your name cannot be used again[^]*Password: ?$/);
  chat.type("wrong\r");
  await chat.sees("The password is wrong.");
  assert.deepEqual(chat.logins, []);
  chat.type("/deleteaccount ana\r");
  await chat.sees(/is wrong[^]*Password:$/);
  chat.type(`${fakePassword}\r`);
  assert.equal(await chat.running, undefined);
  assert.deepEqual(chat.logins, ["logged out"]);
  assert.match(chat.seen, /Your account is deleted\.$/);
});

test("/history tells that older messages are not kept", () => {
  const server = serverWithHistory();
  server.keptFrom = 24;
  return { server, to: "ben" };
}, async (chat) => {
  await chat.isIn("ben");
  chat.type("/history\r");
  await chat.sees(/\(Earlier messages are not kept\.\)\n[^]*24 ben: news 24\.\n[^\n]*25 ben: news 25\.\n/);
  chat.server.keptFrom = 26;
  chat.type("/history\r");
  await chat.sees("These messages are no longer kept.");
});
