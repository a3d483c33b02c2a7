/** A conversation is chosen by the key that the person presses, whatever the server does. The same with every face. */
import assert from "node:assert/strict";
import { chatting, faceNames } from "../../../support/servers/chat_at_terminal.ts";
import { alt, isSent, room, serverOfThree, test } from "../../../support/servers/three_conversations.ts";
import { roomId } from "../../../support/servers/wire_values.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const keys = { up: "\x1b[A", down: "\x1b[B", ctrlU: "\x15", ctrlC: "\x03", ctrlR: "\x12", ctrlG: "\x07" };
const altUp = "\x1b[1;3A";
const altDown = "\x1b[1;3B";

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

for (const face of faceNames) {
  Deno.test(`/join before the conversations are loaded goes to the room (${face})`, async () => {
    const server = serverOfThree();
    server.held = "listConversations";
    server.openRooms = [room()];
    await chatting({ face, server }, async (chat) => {
      await eventually(() => server.waiting.length > 0, () => "the list is asked for");
      chat.type("/join #ops\rhello ops\r");
      await chat.sees(/#ops …\]$/);
      server.release();
      await isSent(chat, "hello ops", roomId);
      await chat.isIn("#ops");
    });
  });
}

test("when /join fails, the lines after it are sent nowhere", async (chat) => {
  chat.type("/join #opz\rhello opz\r");
  await chat.sees('There is no room "#opz".');
  await chat.sees(/#opz \?\] hello opz$/);
  chat.type(alt("`"));
  await chat.isIn("ben");
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
