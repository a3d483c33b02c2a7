/** Drafts, lines to recall and questions belong to one conversation each. The same with every face. */
import assert from "node:assert/strict";
import { ChatError } from "../../../../src/core/chat_error.ts";
import type { SavedPreferences } from "../../../../src/terminal/chat/person/preferences.ts";
import { chatting, faceNames } from "../../../support/servers/chat_at_terminal.ts";
import { alt, isSent, room, serverOfThree, test } from "../../../support/servers/three_conversations.ts";
import { roomId } from "../../../support/servers/wire_values.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const keys = { up: "\x1b[A", down: "\x1b[B", ctrlU: "\x15", ctrlC: "\x03", ctrlR: "\x12", ctrlG: "\x07" };

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
