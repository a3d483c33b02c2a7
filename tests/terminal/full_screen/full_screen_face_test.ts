import assert from "node:assert/strict";
import type { SavedPreferences } from "../../../src/terminal/chat/person/preferences.ts";
import {
  type ChatAtTerminal,
  type ChatSetup,
  chatting as chattingWith,
  serverWithHistory,
} from "../../support/servers/chat_at_terminal.ts";
import { FakeChatServer } from "../../support/fakes/fake_chat_server.ts";
import { eventually } from "../../support/waiting/eventually.ts";

function chatting(setup: Partial<ChatSetup>, use: (chat: ChatAtTerminal) => Promise<void>): Promise<void> {
  return chattingWith({ face: "full screen", columns: 80, rows: 24, ...setup }, use);
}

Deno.test("the screen has the conversations, the newest messages, a status bar and an input line", async () => {
  await chatting({ server: serverWithHistory() }, async (chat) => {
    await chat.sees(/news 25\.\n/);
    await chat.sees(/ana \| online[^\n]*\d\d:\d\d *\n\[ben\]$/);
    const rows = chat.terminal.lines;
    assert.equal(rows.length, 24);
    assert.match(rows[0], /^>1.ben +│ ben$/);
    assert.match(rows[1], /^ 2.cat +│ /);
    assert.ok(
      rows.some((row) => /│ \d\d:\d\d 26 ben: news 25\.$/.test(row) || /│ \d\d:\d\d 25 ben: news 25\.$/.test(row)),
    );
  });
});

Deno.test("the title and the list name a person by the account first, and never by the display name alone", async () => {
  const server = serverWithHistory();
  server.profiles.set("ben", { displayName: "Ben Ito of the Northern Office", status: "at lunch" });
  await chatting({ to: "ben", server }, async (chat) => {
    await chat.sees(/^>1.ben · Ben I[^│]*│ ben · Ben Ito of the Northern Office — at lunch\n/);
    await chat.sees(/\[ben\]$/);
    server.profiles.set("ben", { displayName: "cat", status: "" });
    const value = { revision: 1, conversation: "ana:ben" };
    for (const session of server.sessions) session.tell({ $case: "stateChanged", value });
    await chat.sees(/^>1.ben · cat +│ ben · cat\n/);
  });
});

Deno.test("messages elsewhere are counted in the list, and a key goes to them", async () => {
  await chatting({ to: "ben", server: serverWithHistory() }, async (chat) => {
    await chat.sees(/\[ben\]$/);
    chat.terminal.type("hello 漢字 👍\r");
    await chat.sees(/ana: hello 漢字 👍\n/);
    chat.server.append("cat", "ana", "over here");
    chat.server.append("cat", "ana", "and here");
    chat.server.deliverAll();
    await chat.sees(/^ 1.cat +2│/);
    chat.terminal.type("\x1ba");
    await chat.sees(/^>1.cat +│ cat\n/);
    await chat.sees(/─── unread ─+\n[^\n]*cat: over here\n[^\n]*cat: and here\n/);
    chat.terminal.type("\x1b2");
    await chat.sees(/\[ben\]$/);
    await chat.sees(/hello 漢字/);
  });
});

Deno.test("each conversation has a draft of its own, which outlives the program", async () => {
  const server = serverWithHistory();
  let saved: SavedPreferences = {};
  await chatting({ to: "ben", server }, async (chat) => {
    await chat.sees(/\[ben\]$/);
    chat.terminal.type("for ben");
    await chat.sees(/\[ben\] for ben$/);
    chat.terminal.type("\x1b2");
    await chat.sees(/\[cat\]$/);
    chat.terminal.type("for cat");
    await chat.sees(/\[cat\] for cat$/);
    server.cut();
    await chat.sees(/Connected again\./);
    await chat.sees(/\[cat\] for cat$/);
    chat.terminal.hangUp();
    await chat.running;
    saved = chat.saved;
  });
  server.down = false;
  await chatting({ to: "ben", server, saved }, async (chat) => {
    await chat.sees(/\[ben\] for ben$/);
    chat.terminal.type("\x1b2");
    await chat.sees(/\[cat\] for cat$/);
  });
});

Deno.test("a line goes to the conversation that it was typed in, though a slow command holds it up", async () => {
  await chatting({ to: "ben", server: serverWithHistory() }, async (chat) => {
    const { server } = chat;
    await chat.sees(/\[ben\]$/);
    server.held = "search";
    chat.type("/search snow\rfor ben\r");
    await eventually(() => server.waiting.length === 1, () => "the search waits");
    chat.type("\x1b2");
    await chat.sees(/\[cat\]$/);
    server.release();
    await eventually(() => server.log.at(-1)?.text === "for ben", () => chat.seen);
    assert.equal(server.log.at(-1)!.conversation, "ana:ben");
    server.held = "search";
    chat.type("/search snow\r/to ben\rfor ben too\r");
    await eventually(() => server.waiting.length === 1, () => "the search waits");
    server.release();
    await eventually(() => server.log.at(-1)?.text === "for ben too", () => chat.seen);
    assert.equal(server.log.at(-1)!.conversation, "ana:ben");
  });
});

Deno.test("older messages come as one scrolls up, and the newest are a key away", async () => {
  await chatting({ to: "ben", server: serverWithHistory(350) }, async (chat) => {
    await chat.sees(/news 350\.\n/);
    for (let page = 0; page < 60 && !chat.seen.includes("news 1."); page++) {
      const before = chat.seen;
      chat.terminal.type("\x1b[5~");
      await eventually(() => chat.seen !== before, () => `another screen than\n${before}`);
    }
    await chat.sees(/news 1\.\n[^\n]*news 2\.\n/);
    await chat.sees(/more below/);
    chat.server.append("ben", "ana", "just now");
    chat.server.deliverAll();
    await chat.sees(/^>1.ben +1│/);
    chat.terminal.type("\x1b[1;5F");
    await chat.sees(/─── unread ─+\n[^\n]*just now\n/);
  });
});

Deno.test("without a connection, conversations that were seen lately can be looked at again", async () => {
  const server = serverWithHistory();
  server.append("dan", "ana", "never looked at");
  await chatting({ to: "ben", server }, async (chat) => {
    await chat.sees(/\[ben\]$/);
    await chat.sees(/^ 1.dan/);
    chat.terminal.type("\x1b3");
    await chat.sees(/\[cat\]$/);
    server.append("ben", "ana", "while you were with cat");
    server.deliverAll();
    await chat.sees(/^ 1.ben +1│/);
    server.down = true;
    server.cut();
    await chat.sees(/Disconnected: /);
    chat.terminal.type("\x1b1");
    await chat.sees(/\[ben\]$/);
    await chat.sees(/ben: news 25\.\n[^]*─── unread ─+\n[^\n]*while you were with cat/);
    chat.terminal.type("\x1b2");
    await chat.sees(/Not connected[^]*\[dan\]$/);
    assert.doesNotMatch(chat.seen, /never looked at/);
    server.down = false;
    await chat.sees(/dan: never looked at\n/);
    server.append("ben", "ana", "and after it");
    server.deliverAll();
    chat.terminal.type("\x1b1");
    await chat.sees(/and after it/);
  });
});

Deno.test("text of others moves nothing on the screen", async () => {
  await chatting({ to: "ben" }, async (chat) => {
    await chat.sees(/\[ben\]$/);
    chat.server.append("ben", "ana", "\x1b[2J\x1b]0;owned\x07evil\u202Etxt\nben: second line");
    chat.server.append("ben", "ana", `مرحبا 👨‍👩‍👧 ${"漢".repeat(60)} e${"\u0301".repeat(50)}`);
    chat.server.deliverAll();
    await chat.sees(/ben: ␛\[2J␛\]0;owned␇evil\uFFFDtxt\n[^\n]*│ {7}ben: second line\n/);
    await chat.sees(/漢漢/);
    const separators = chat.terminal.lines.slice(0, -2).map((line) => line.indexOf("│"));
    assert.deepEqual(new Set(separators), new Set([20]));
  });
});

Deno.test("a window of another size shows the same anew", async () => {
  await chatting({ to: "ben", server: serverWithHistory(100) }, async (chat) => {
    await chat.sees(/news 100\.\n/);
    chat.terminal.type("a draft");
    for (const [columns, rows] of [[120, 40], [40, 12], [100, 10], [80, 24]]) {
      chat.terminal.resize(columns, rows);
      await chat.sees(/\[ben\] a draft$/);
      await eventually(() => chat.terminal.lines.length === rows, () => `${rows} rows in\n${chat.seen}`);
      await chat.sees(/news 100\.\n/);
      assert.equal(chat.terminal.lines.at(-1), "[ben] a draft");
    }
  });
});

Deno.test("a receipt appears behind a message that is on the screen", async () => {
  await chatting({ to: "ben" }, async (ana) => {
    await ana.isIn("ben");
    ana.type("hello ben\r");
    await ana.sees(/ana: hello ben$/m);
    const tell = (receipt: { readSeq: number; deliveredSeq: number }) => {
      const value = { conversation: "ana:ben", user: "ben", ...receipt };
      for (const session of ana.server.sessions) session.tell({ $case: "receipt", value });
    };
    tell({ readSeq: 0, deliveredSeq: 1 });
    await ana.sees(/ana: hello ben ✓$/m);
    tell({ readSeq: 1, deliveredSeq: 0 });
    await ana.sees(/ana: hello ben ✓✓$/m);
  });
});

Deno.test("unsent lines are printed on the terminal as it was before the chat", async () => {
  await chatting({ to: "ben" }, async (chat) => {
    await chat.isIn("ben");
    chat.server.frozen = true;
    chat.type("too late\r");
    await chat.sees("sending to ben: too late");
    chat.type("\x04");
    assert.equal(await chat.running, undefined);
    await chat.sees(
      /^Perhaps not sent to ben: [^]*The\s+text\s+is\s+in\s+the\s+draft\s+for\s+ben\.\nIt was: too late$/,
    );
  });
});

Deno.test("the wheel scrolls the messages, and neither it nor a click is text", async () => {
  await chatting({ to: "ben", server: serverWithHistory(100) }, async (chat) => {
    await chat.sees(/news 100\.\n/);
    await chat.isIn("ben");
    const top = () => Number(/news (\d+)/.exec(chat.seen)?.[1]);
    const before = top();
    chat.type("\x1b[<64;40;5M".repeat(3));
    await eventually(() => top() === before - 9, () => chat.seen);
    await chat.sees(/more below/);
    chat.type("\x1b[<0;4;5M\x1b[<0;4;5m\x1b[<65;40;5M\x1b[<65;40;5M\x1b[<65;40;5M");
    await eventually(() => top() === before, () => chat.seen);
    await chat.isIn("ben");
  });
});

Deno.test("the wheel scrolls while a paste asks, and answers nothing", async () => {
  await chatting({ to: "ben", server: serverWithHistory(100) }, async (chat) => {
    await chat.sees(/news 100\.\n/);
    await chat.isIn("ben");
    chat.type(`\x1b[200~${Array.from({ length: 30 }, (_, i) => `line ${i}`).join("\r")}\x1b[201~`);
    await chat.sees(/Paste 30 lines, .*\? \[y\/n\]$/);
    chat.type("\x1b[<64;40;5M");
    await chat.sees(/more below/);
    await chat.sees(/Paste 30 lines, .*\? \[y\/n\]$/);
    chat.type("y");
    await chat.sees(/line 29$/);
  });
});

Deno.test("/set mouse off gives the mouse to the terminal, and is kept", async () => {
  let saved: SavedPreferences = {};
  const server = new FakeChatServer();
  await chatting({ to: "ben", server }, async (chat) => {
    await chat.isIn("ben");
    assert.equal(chat.terminal.reportsMouse, true);
    chat.type("/set mouse off\r");
    await eventually(() => !chat.terminal.reportsMouse, () => chat.seen);
    chat.type("/set mouse perhaps\r");
    await chat.sees("Usage: /set mouse on|off");
    saved = chat.saved;
  });
  server.down = false;
  await chatting({ to: "ben", server, saved }, async (chat) => {
    await chat.isIn("ben");
    assert.equal(chat.terminal.reportsMouse, false);
    chat.type("/set mouse on\r");
    await eventually(() => chat.terminal.reportsMouse, () => chat.seen);
    chat.terminal.hangUp();
    await chat.running;
    assert.equal(chat.terminal.reportsMouse, false);
  });
});

Deno.test("the title of the window says how much is unread, and is as before afterwards", async () => {
  await chatting({ to: "ben" }, async (chat) => {
    await chat.isIn("ben");
    await eventually(() => chat.terminal.title === "chatd ana@chat.example:7443", () => chat.terminal.title);
    chat.receive("cat", "one");
    chat.receive("cat", "two");
    await eventually(() => chat.terminal.title === "(2) chatd ana@chat.example:7443", () => chat.terminal.title);
    chat.type("\x1ba");
    await eventually(() => chat.terminal.title === "chatd ana@chat.example:7443", () => chat.terminal.title);
    chat.terminal.hangUp();
    await chat.running;
    assert.equal(chat.terminal.title, "");
  });
});

Deno.test("Alt-L shows the messages alone, with the mouse for selecting", async () => {
  await chatting({ to: "ben", columns: 60 }, async (chat) => {
    await chat.isIn("ben");
    chat.receive("ben", `see ${"a word ".repeat(12)}\nsecond line`);
    await chat.sees(/│ {7}second line/);
    chat.type("\x1bl");
    await chat.sees(/^ben\n/);
    await chat.sees(/^1 ben: see a word/m);
    await chat.sees(/^second line$/m);
    assert.ok(!chat.seen.includes("│"), chat.seen);
    assert.equal(chat.terminal.reportsMouse, false);
    chat.type("\x1bl");
    await chat.sees(/│ {7}second line/);
    assert.equal(chat.terminal.reportsMouse, true);
  });
});
