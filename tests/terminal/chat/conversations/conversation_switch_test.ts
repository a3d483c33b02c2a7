/** A conversation is chosen by the key that the person presses, whatever the server does. The same with every face. */
import assert from "node:assert/strict";
import { ChatError } from "../../../../src/core/chat_error.ts";
import { type Conversation, Role } from "../../../../src/gen/chatd/v1/chat.ts";
import type { SavedPreferences } from "../../../../src/terminal/chat/person/preferences.ts";
import type { FakeChatServer } from "../../../support/fakes/fake_chat_server.ts";
import {
  type ChatAtTerminal,
  type ChatSetup,
  chatting,
  faceNames,
  serverWithHistory,
} from "../../../support/servers/chat_at_terminal.ts";
import { wireConversation } from "../../../support/servers/wire_values.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const keys = { up: "\x1b[A", down: "\x1b[B", ctrlU: "\x15", ctrlC: "\x03", ctrlR: "\x12", ctrlG: "\x07" };
const altUp = "\x1b[1;3A";
const altDown = "\x1b[1;3B";
const alt = (key: string) => `\x1b${key}`;

const roomId = `+${"k2".repeat(13)}`;

function room(name = "ops"): Conversation {
  return wireConversation({
    address: roomId,
    conversation: roomId,
    room: {
      id: roomId,
      name,
      public: true,
      historyVisible: false,
      topic: "",
      members: 2,
      createdAtMs: 0,
      mentionAll: Role.MODERATOR,
    },
  });
}

/** Tests a behaviour with every face: ana is with ben, and cat and dan are the second and third of the list. */
function test(
  behaviour: string,
  use: (chat: ChatAtTerminal) => Promise<void>,
  setup: Partial<ChatSetup> = {},
): void {
  for (const face of faceNames) {
    Deno.test(`${behaviour} (${face})`, () =>
      chatting({ face, server: serverOfThree(), to: "ben", columns: 100, rows: 40, ...setup }, async (chat) => {
        await chat.isIn(setup.to ?? "ben");
        await use(chat);
      }));
  }
}

function serverOfThree(): FakeChatServer {
  const server = serverWithHistory(5);
  server.users.add("dan");
  server.log = [];
  server.append("dan", "ana", "dan was here");
  server.append("ana", "cat", "old news");
  for (let i = 1; i <= 5; i++) server.append("ben", "ana", `news ${i}.`);
  server.moveCursor("ana/", server.head);
  return server;
}

async function isSent(chat: ChatAtTerminal, text: string, conversation: string): Promise<void> {
  const found = () => chat.server.log.filter((message) => message.text === text);
  await eventually(() => found().length > 0, () => `${text} in\n${chat.seen}`);
  assert.deepEqual(found().map((message) => message.conversation), [conversation]);
}

test("Alt-2, a text and Enter go to the second conversation, though the server stalls", async (chat) => {
  chat.server.frozen = true;
  chat.type(`${alt("2")}ok\r`);
  await chat.sees("sending to cat: ok");
  await chat.isIn("cat");
  chat.server.thaw();
  await isSent(chat, "ok", "ana:cat");
});

test("a line after /to NAME goes there, though the server stalls", async (chat) => {
  chat.server.frozen = true;
  chat.type("/to cat\rok\r/to dan\rfine\r");
  await chat.sees("sending to cat: ok");
  await chat.sees("sending to dan: fine");
  await chat.isIn("dan");
  chat.server.thaw();
  await isSent(chat, "ok", "ana:cat");
  await isSent(chat, "fine", "ana:dan");
});

test("the key for the next unread conversation counts at once", async (chat) => {
  chat.receive("dan", "are you there?");
  await chat.sees(/dan +1│|are you there/);
  chat.server.frozen = true;
  chat.type(`${alt("a")}yes\r`);
  await chat.sees("sending to dan: yes");
  chat.server.thaw();
  await isSent(chat, "yes", "ana:dan");
});

test("commands are about the conversation that they were entered in", async (chat) => {
  chat.server.frozen = true;
  chat.type(`${alt("2")}/delete 1\r/react 1 👍\r/edit 1 newer news\r${alt("1")}/reply 2 indeed\r`);
  await chat.isIn("ben");
  chat.server.thaw();
  await isSent(chat, "indeed", "ana:ben");
  assert.deepEqual(chat.requests("delete").map(({ to, seq }) => [to, seq]), [["cat", 1]]);
  assert.deepEqual(chat.requests("react").map(({ to }) => to), ["cat"]);
  assert.deepEqual(chat.requests("edit").map(({ to }) => to), ["cat"]);
});

test("/file is about the conversation that it was entered in, and its text goes back there", async (chat) => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "secret");
  chat.server.held = "history";
  chat.type(`${alt("2")}/file ${path} for cat alone\r${alt("1")}`);
  await chat.sees(/failed: This server has no files\./);
  await chat.isIn("ben");
  chat.type(alt("2"));
  await chat.isIn("cat", `/file ${path} for cat alone`);
  chat.server.release();
  await Deno.remove(path);
});

test("/msg sends to the name in it, whichever conversation is chosen after it", async (chat) => {
  chat.server.frozen = true;
  chat.type(`/msg dan for dan\r${alt("2")}`);
  await chat.sees("sending to dan: for dan");
  await chat.isIn("cat");
  chat.type("for cat\r");
  chat.server.thaw();
  await isSent(chat, "for dan", "ana:dan");
  await isSent(chat, "for cat", "ana:cat");
});

test("a page that comes late is not shown in another conversation", async (chat) => {
  chat.server.held = "history";
  chat.type(alt("2"));
  await chat.isIn("cat");
  await chat.sees("loading");
  chat.type(alt("3"));
  await chat.isIn("dan");
  await eventually(() => chat.server.waiting.length === 2, () => "both pages are asked for");
  chat.server.release();
  await chat.sees("dan: dan was here");
  await eventually(() => !chat.seen.includes("loading"), () => chat.seen);
  assert.doesNotMatch(chat.seen, /old news/);
});

test("a message that arrives while a page is on its way is shown once, below the page", async (chat) => {
  chat.server.held = "history";
  chat.type(alt("2"));
  await eventually(() => chat.server.waiting.length === 1, () => "the page is asked for");
  chat.receive("cat", "just now");
  chat.type("/ping\r");
  await chat.sees("The server answered in");
  chat.server.release();
  await chat.sees(/ana: old news\n[^]*cat: just now/);
  await eventually(() => !chat.seen.includes("loading"), () => chat.seen);
  assert.equal(chat.seen.match(/cat: just now/g)?.length, 1, chat.seen);
});

test("a conversation that cannot be loaded stays chosen, and is loaded over the next connection", async (chat) => {
  await chat.disconnect();
  chat.type(alt("2"));
  await chat.sees(/Not connected[^]*cat[^\n]*$/);
  chat.type("later\r");
  await chat.sees("sending to cat: later");
  await chat.reconnect();
  await chat.sees("ana: old news");
  await isSent(chat, "later", "ana:cat");
});

test("a user who does not exist stays chosen, and the text goes back to the draft for them", async (chat) => {
  chat.type("/to nemo\r");
  await chat.isIn("nemo");
  chat.type("hello?\r");
  await chat.sees('Not sent to nemo: There is no user "nemo".');
  await chat.isIn("nemo", "hello?");
  chat.type(alt("`"));
  await chat.isIn("ben");
  chat.type(alt("`"));
  await chat.isIn("nemo", "hello?");
});

test("a room whose name is not known yet can be written to at once", async (chat) => {
  chat.server.roomsOf = () => [room()];
  chat.server.held = "getConversation";
  chat.type("/to #ops\rfor ops\r");
  await chat.sees(/#ops …\]$/);
  chat.type(`more${alt("2")}`);
  await chat.isIn("cat");
  await chat.sees("sending to #ops: for ops");
  chat.server.release();
  await isSent(chat, "for ops", roomId);
  chat.type("/to #ops\r");
  await chat.isIn("#ops", "more");
});

test("the name of a room turns into the room while it is on the screen, with its draft", async (chat) => {
  chat.server.roomsOf = () => [room()];
  chat.server.held = "getConversation";
  chat.type("/to #ops\rhalf a thou");
  await chat.sees(/#ops …\] half a thou$/);
  chat.server.release();
  await chat.isIn("#ops", "half a thou");
  chat.type("ght\r");
  await isSent(chat, "half a thought", roomId);
});

test("lines for a room that does not exist go back to the draft for it", async (chat) => {
  chat.server.held = "getConversation";
  chat.type("/to #opz\rfor opz\r");
  await chat.sees(/#opz …\]$/);
  chat.server.release();
  await chat.sees("Not sent to #opz: There is no conversation");
  await chat.sees(/#opz \?\] for opz$/);
  chat.type(`${keys.ctrlU}/delete 3\r`);
  await chat.sees("You are in no conversation");
  chat.type("/msg dan still here\r");
  await isSent(chat, "still here", "ana:dan");
  assert.equal(chat.requests("delete").length, 0);
});

test("/join goes to the room at once, and what is written meanwhile is sent there", async (chat) => {
  chat.server.openRooms = [room()];
  chat.server.held = "joinRoom";
  chat.type("/join #ops\rhello ops\r");
  await chat.sees(/#ops …\]$/);
  chat.type(`${alt("2")}hello cat\r`);
  await chat.isIn("cat");
  chat.server.release();
  await isSent(chat, "hello ops", roomId);
  await isSent(chat, "hello cat", "ana:cat");
  await chat.isIn("cat");
});

test("when /join fails, the lines after it are sent nowhere", async (chat) => {
  chat.type("/join #opz\rhello opz\r");
  await chat.sees('There is no room "#opz".');
  await chat.sees(/#opz \?\] hello opz$/);
  chat.type(alt("`"));
  await chat.isIn("ben");
});

test("a refused text goes back to its own conversation, while another one is on the screen", async (chat) => {
  chat.server.frozen = true;
  chat.type(`for ben\r${alt("2")}for cat`);
  await chat.isIn("cat", "for cat");
  chat.server.refuseSend = () => new ChatError("permission_denied", "Ben does not want that.");
  chat.server.thaw();
  await chat.sees(/Not sent to ben: Ben does not want that\. The text is in the draft for\s[^b]*ben\./);
  await chat.isIn("cat", "for cat");
  chat.type(alt("1"));
  await chat.isIn("ben", "for ben");
});

test("a refused text does not replace another draft, and can be recalled", async (chat) => {
  chat.server.frozen = true;
  chat.type("first\rsecond\rthird");
  await chat.isIn("ben", "third");
  chat.server.refuseSend = () => new ChatError("permission_denied", "No.");
  chat.server.thaw();
  await chat.sees("It was: second (↑ brings it back)");
  await chat.isIn("ben", "third");
  chat.type(keys.up);
  await chat.isIn("ben", "second");
  chat.type(keys.up);
  await chat.isIn("ben", "first");
  chat.type(keys.down.repeat(2));
  await chat.isIn("ben", "third");
});

test("a recalled line stays in its conversation", async (chat) => {
  chat.type("sent to ben\r");
  await chat.sees("ana: sent to ben");
  chat.type(`new for ben${keys.up}`);
  await chat.isIn("ben", "sent to ben");
  chat.type(alt("2"));
  await chat.isIn("cat");
  chat.type(keys.down);
  await chat.isIn("cat");
  chat.type("for cat");
  await chat.isIn("cat", "for cat");
  chat.type(alt("1"));
  await chat.isIn("ben", "sent to ben");
  chat.type(keys.down);
  await chat.isIn("ben", "new for ben");
});

test("a text that is typed over a recalled line is kept", async (chat) => {
  chat.type("first\r");
  await chat.sees("ana: first");
  chat.type(`a draft${keys.up}${keys.ctrlU}new text${keys.down}`);
  await chat.isIn("ben", "a draft");
  chat.type(keys.up);
  await chat.isIn("ben", "new text");
  chat.type("\r");
  await isSent(chat, "new text", "ana:ben");
  await chat.isIn("ben", "a draft");
});

test("Ctrl-C keeps the draft among the lines to recall", async (chat) => {
  chat.type(`a draft${keys.ctrlC}`);
  await chat.isIn("ben");
  chat.type(keys.up);
  await chat.isIn("ben", "a draft");
});

test("a question about a paste waits in the conversation that it was asked in", async (chat) => {
  const pasted = Array.from({ length: 30 }, (_, i) => `line ${i}`).join("\r");
  chat.type(`\x1b[200~${pasted}\x1b[201~`);
  await chat.sees(/Paste 30 lines, \d+ characters\? \[y\/n\]$/);
  chat.type(`${alt("2")}y\r`);
  await isSent(chat, "y", "ana:cat");
  chat.type(alt("`"));
  await chat.sees(/\[y\/n\]$/);
  chat.type("y");
  await chat.sees(/line 29$/);
});

test("a search in the lines belongs to one conversation", async (chat) => {
  chat.type("a secret for ben\r");
  await chat.sees("ana: a secret for ben");
  chat.type(`${keys.ctrlR}secret`);
  await chat.sees(/search "secret": a secret for ben$/);
  chat.type(alt("2"));
  await chat.isIn("cat");
  chat.type(`${keys.ctrlR}secret`);
  await chat.sees(/search "secret":$/);
  chat.type(`${keys.ctrlG}${alt("1")}`);
  await chat.sees(/search "secret": a secret for ben$/);
  chat.type(keys.ctrlG);
  await chat.isIn("ben");
});

test("a line that a search found leaves the draft for later", async (chat) => {
  chat.type(`sent before\r`);
  await chat.sees("ana: sent before");
  chat.type(`a draft${keys.ctrlR}before\r`);
  await chat.isIn("ben", "sent before");
  chat.type("\r");
  await chat.isIn("ben", "a draft");
});

test("the list of completions belongs to one conversation", async (chat) => {
  chat.type(":smil\t");
  await chat.sees(/:smile: [^\n]*\n[^\n]* :smil/);
  chat.type(alt("2"));
  await chat.isIn("cat");
  await eventually(() => !chat.seen.includes(":smile:"), () => chat.seen);
  chat.type(alt("1"));
  await chat.sees(/:smile: [^\n]*\n[^\n]* :smil/);
});

test("text that was cut in one conversation is not pasted in another", async (chat) => {
  chat.type(`for ben${keys.ctrlU}${alt("2")}\x19!`);
  await chat.isIn("cat", "!");
  chat.type(`${alt("1")}\x19`);
  await chat.isIn("ben", "for ben");
});

test("keys go to the conversation below, above, and to the last one", async (chat) => {
  for (const [key, label] of [[altDown, "cat"], [altDown, "dan"], [altDown, "ben"], [altUp, "dan"], ["\x10", "cat"]]) {
    chat.type(key);
    await chat.isIn(label);
  }
  for (const [key, label] of [["\x0e", "dan"], [alt("`"), "cat"], [alt("`"), "dan"], [alt("3"), "dan"]]) {
    chat.type(key);
    await chat.isIn(label);
  }
});

test("/edit N fills in the text of the message, in the conversation that it was entered in", async (chat) => {
  chat.type("/to cat\r");
  await chat.sees("ana: old news");
  chat.server.held = "history";
  chat.type(`/edit 1\r`);
  await eventually(() => chat.server.waiting.length === 1, () => "the message is asked for");
  chat.type(alt("1"));
  await chat.isIn("ben");
  chat.server.release();
  await chat.sees("The draft for cat is now: /edit 1 old news");
  await chat.isIn("ben");
  chat.type(alt("2"));
  await chat.isIn("cat", "/edit 1 old news");
  chat.type(" indeed\r");
  await eventually(() => chat.requests("edit").length === 1, () => chat.seen);
  assert.deepEqual(chat.requests("edit").map(({ to, seq, text }) => [to, seq, text]), [["cat", 1, "old news indeed"]]);
  chat.type(`${alt("1")}/edit 2\r`);
  await chat.sees("Message 2 is not yours.");
});

test("Up in an empty line fills in the last own message, and then the lines before it", async (chat) => {
  chat.type(alt("2"));
  await chat.sees("ana: old news");
  chat.type(keys.up);
  await chat.isIn("cat", "/edit 1 old news");
  chat.type(keys.down);
  await chat.isIn("cat");
  chat.type("one\rtwo\r");
  await chat.sees("ana: two");
  chat.type(keys.up);
  await chat.isIn("cat", "/edit 3 two");
  chat.type(keys.up.repeat(2));
  await chat.isIn("cat", "one");
  chat.type(keys.down.repeat(3));
  await chat.isIn("cat");
  chat.type("/ping\r");
  await chat.sees("The server answered in");
  chat.type(keys.up);
  await chat.isIn("cat", "/ping");
});

test("drafts of all conversations outlive the program", async (chat) => {
  chat.type(`for ben${alt("2")}for cat`);
  await chat.isIn("cat", "for cat");
  chat.terminal.hangUp();
  await chat.running;
  assert.deepEqual(chat.saved.drafts, { "ana:ben": "for ben", "ana:cat": "for cat" });
});

test("a draft that waits while a line is recalled outlives the program", async (chat) => {
  chat.type("sent\r");
  await chat.sees("ana: sent");
  chat.type(`a draft${keys.up}`);
  await chat.isIn("ben", "sent");
  chat.terminal.hangUp();
  await chat.running;
  assert.deepEqual(chat.saved.drafts, { "ana:ben": "a draft" });
});

test("a draft for a room whose name was never resolved is there once the room is known", async (chat) => {
  chat.server.roomsOf = () => [room()];
  chat.type("/to #ops\r");
  await chat.isIn("#ops", "written offline");
  chat.terminal.hangUp();
  await chat.running;
  assert.deepEqual(chat.saved.drafts, { [roomId]: "written offline" });
}, { saved: { drafts: { "#ops": "written offline" } } });

test("a draft for the name of a room is there when the room is known already", async (chat) => {
  chat.server.roomsOf = () => [room()];
  chat.type("/conversations\r");
  await chat.sees(/ #ops$/m);
  chat.type("/to #ops\r");
  await chat.isIn("#ops", "written offline");
}, { saved: { drafts: { "#ops": "written offline" } } });

test("a question about a paste stays with a conversation that text without one joins", async (chat) => {
  chat.server.roomsOf = () => [room()];
  chat.type("/to #ops\r");
  await chat.isIn("#ops");
  chat.type(`${alt("`")}\x1b[200~${"line\n".repeat(30)}\x1b[201~`);
  await chat.sees(/Paste \d+ lines/);
  chat.type(`${alt("`")}/leave\r`);
  await chat.sees(/\[(ana|no conversation)\]$/);
  chat.type("written nowhere");
  await chat.sees("written nowhere");
  chat.type(alt("`"));
  await chat.sees(/Paste \d+ lines/);
  chat.type("n");
  await chat.isIn("ben", "written nowhere");
});

const saved: SavedPreferences = { drafts: { "ana:ben": "kept for ben" } };

for (const face of faceNames) {
  Deno.test(`text that is typed before there is a conversation joins the draft of the first one (${face})`, async () => {
    const server = serverOfThree();
    server.frozen = true;
    await chatting({ face, server, saved }, async (chat) => {
      chat.type("typed early");
      await chat.sees("typed early");
      server.thaw();
      await chat.isIn("ben", "kept for ben\ntyped early");
    });
  });

  Deno.test(`text that was typed without a conversation is shown at the end (${face})`, async () => {
    const server = serverOfThree();
    server.log = [];
    await chatting({ face, server }, async (chat) => {
      await chat.sees("No conversation yet.");
      chat.type("typed for no one");
      await chat.sees("typed for no one");
      chat.terminal.hangUp();
      await chat.running;
      assert.match(chat.seen, /there was no recipient: typed for no one$/);
    });
  });
}
