// deno-lint-ignore-file no-control-regex -- the sequences that the terminal gets
/** Parts of a log in the pane: the message that the person went to, notes beside it, and the way back. */
import assert from "node:assert/strict";
import { type ChatAtTerminal, chatting, serverWithHistory } from "../../support/servers/chat_at_terminal.ts";
import { eventually } from "../../support/waiting/eventually.ts";

const altShiftJ = "\x1bJ";
const ctrlEnd = "\x1b[1;5F";

/** Ana is with ben, who wrote 300 messages. */
function withBen(use: (chat: ChatAtTerminal) => Promise<void>, size = { columns: 80, rows: 24 }): Promise<void> {
  return chatting({ face: "full screen", to: "ben", server: serverWithHistory(300), ...size }, async (chat) => {
    await chat.sees(/300 ben: news 300\.\n/);
    await use(chat);
  });
}

for (const size of [{ columns: 40, rows: 10 }, { columns: 80, rows: 24 }, { columns: 200, rows: 60 }]) {
  Deno.test(`/jump N points the message out, with some before it, at ${size.columns}×${size.rows}`, async () => {
    await withBen(async (chat) => {
      chat.type("/jump 60\r");
      await chat.sees(/58 ben: news 58\.\n[^\n]*59 ben: news 59\.\n[^\n]*60 ben: news 60\.\n[^\n]*61 ben: news 61\.\n/);
      await eventually(() => /\x1b\[7m\d\d:\d\d 60\x1b/.test(chat.terminal.written), () => "reverse video");
      assert.doesNotMatch(chat.terminal.written, /\x1b\[7m\d\d:\d\d 61\x1b/);
      // In a narrow window, the delay may take its place.
      if (size.columns >= 80) await chat.sees(/↓ more below/);
    }, size);
  });
}

for (const [key, typed] of [["Ctrl-End", ctrlEnd], ["Enter in an empty line", "\r"], ["Alt-Shift-J", altShiftJ]]) {
  Deno.test(`${key} goes from a message to the newest`, async () => {
    await withBen(async (chat) => {
      chat.type("/jump 60\r");
      await chat.sees(/more below/);
      chat.type(typed);
      await chat.sees(/300 ben: news 300\.\n/);
      assert.doesNotMatch(chat.seen, /more below/);
    });
  });
}

Deno.test("a message near the newest is pointed out, and the pane follows arriving ones", async () => {
  await withBen(async (chat) => {
    chat.type("/jump 299\r");
    await eventually(() => /\x1b\[7m\d\d:\d\d 299\x1b/.test(chat.terminal.written), () => chat.seen);
    chat.receive("ben", "just now");
    await chat.sees(/ben: just now\n/);
    assert.doesNotMatch(chat.seen, /more below/);
  });
});

Deno.test("answers of commands are seen where the person is, not below the newest message", async () => {
  await withBen(async (chat) => {
    chat.type("/jump 60\r");
    await chat.sees(/60 ben: news 60\.\n[^]*more below/);
    chat.type("/jump 999\r");
    await chat.sees(/There is no message 999 with ben\./);
    assert.match(chat.seen, /60 ben: news 60\.\n/);
    assert.match(chat.seen, /more below/);
    chat.type("/ping\r");
    await chat.sees(/The server answered in [^]*more below/);
  });
});

Deno.test("after a lost connection, the pane is where it was", async () => {
  await withBen(async (chat) => {
    chat.type("/jump 60\r");
    await chat.sees(/60 ben: news 60\.\n[^]*more below/);
    await chat.disconnect();
    for (let i = 1; i <= 150; i++) chat.server.append("ben", "ana", `missed ${i}.`);
    const edit = { kind: { $case: "edited" as const, value: { seq: 61 } } };
    Object.assign(chat.server.append("ben", "ana", "corrected"), { event: edit });
    Object.assign(chat.server.log.find(({ seq, sender }) => seq === 61 && sender === "ben")!, { text: "corrected" });
    await chat.reconnect();
    await chat.sees(/60 ben: news 60\.\n[^\n]*61 ben: corrected[^]*more below/);
    chat.type(ctrlEnd);
    await chat.sees(/450 ben: missed 150\.\n/);
  });
});

Deno.test("notes below the newest message come back with it", async () => {
  await withBen(async (chat) => {
    chat.type("/search news 200.\r");
    await chat.sees(/r1 200 ben: news 200\.\n/);
    chat.type("/jump 60\r");
    await chat.sees(/60 ben: news 60\.\n/);
    assert.doesNotMatch(chat.seen, /r1 200/);
    for (let pages = 0; pages < 60 && chat.seen.includes("more below"); pages++) {
      const before = chat.seen;
      chat.type("\x1b[6~");
      await eventually(() => chat.seen !== before, () => `another screen than\n${before}`);
    }
    await chat.sees(/300 ben: news 300\.\n[^]*r1 200 ben: news 200\.\n/);
  });
});

Deno.test("/clear empties the pane, and PgUp brings the messages back", async () => {
  await withBen(async (chat) => {
    chat.type("/clear\r");
    await eventually(() => !/news/.test(chat.seen), () => chat.seen);
    await chat.disconnect();
    await chat.reconnect();
    chat.type("\x1b2");
    await chat.sees(/ana: old news\n/);
    chat.type("\x1b1");
    await chat.isIn("ben");
    chat.receive("ben", "after the clearing");
    await chat.sees(/after the clearing\n/);
    assert.doesNotMatch(chat.seen, /news 300/);
    chat.type("\x1b[5~");
    await chat.sees(/295 ben: news 295\.\n[^\n]*296 ben: news 296\.\n/);
  });
});

Deno.test("/clear while the person reads old messages empties the pane before the newest are loaded", async () => {
  await withBen(async (chat) => {
    chat.type("/jump 60\r");
    await chat.sees(/60 ben: news 60\.\n[^]*more below/);
    chat.server.held = "history";
    chat.type("/clear\r");
    await eventually(() => !/news/.test(chat.seen), () => chat.seen);
    chat.type("a draft");
    await chat.isIn("ben", "a draft");
    chat.server.release();
    chat.receive("ben", "just now");
    await chat.sees(/ben: just now\n/);
    assert.doesNotMatch(chat.seen, /news/);
  });
});

Deno.test("/clear while the person reads old messages shows those that arrive", async () => {
  await withBen(async (chat) => {
    chat.type("/jump 60\r");
    await chat.sees(/more below/);
    chat.type("/clear\r");
    await eventually(() => !/news/.test(chat.seen), () => chat.seen);
    chat.receive("ben", "after the clearing");
    await chat.sees(/after the clearing\n/);
    assert.doesNotMatch(chat.seen, /more below/);
  });
});

/** Ana's read position with ben, as the chat knows it. */
function readWithBen(chat: ChatAtTerminal): number | undefined {
  return chat.context.state.list.get("ana:ben")?.readSeq;
}

Deno.test("messages that a jump passes over are read once the person has scrolled down to the newest", async () => {
  await chatting({ face: "full screen", to: "cat", server: serverWithHistory(300) }, async (chat) => {
    await chat.sees("ana: old news");
    chat.receive("ben", "the newest");
    await chat.sees(/ben +1/);
    chat.type("/jump ben 100\r");
    await chat.sees(/100 ben: news 100\.\n/);
    for (let pages = 0; pages < 60 && !chat.seen.includes("301 ben: the newest\n"); pages++) {
      const before = chat.seen;
      chat.type("\x1b[6~");
      await eventually(() => chat.seen !== before, () => `another screen than\n${before}`);
    }
    await eventually(() => readWithBen(chat) === 301, () => `${readWithBen(chat)}`);
  });
});

Deno.test("/clear leaves unread messages that the person did not see, and shows them", async () => {
  await withBen(async (chat) => {
    await eventually(() => readWithBen(chat) === 300, () => `${readWithBen(chat)}`);
    chat.type("/jump 60\r");
    await chat.sees(/more below/);
    chat.receive("ben", "not seen yet");
    await eventually(() => chat.context.state.list.get("ana:ben")?.unread === 1, () => chat.seen);
    chat.type("/clear\r");
    await chat.sees(/301 ben: not seen yet\n/);
    assert.doesNotMatch(chat.seen, /news 300/);
    await eventually(() => readWithBen(chat) === 301, () => `${readWithBen(chat)}`);
  });
});

Deno.test("the line of unread messages is above the first that arrived while the person was at an older one", async () => {
  await withBen(async (chat) => {
    chat.type("/jump 60\r");
    await chat.sees(/more below/);
    chat.receive("ben", "first unread");
    chat.receive("ben", "second unread");
    await eventually(() => chat.context.state.list.get("ana:ben")?.unread === 2, () => chat.seen);
    chat.type(ctrlEnd);
    await chat.sees(/300 ben: news 300\.\n[^]*─ unread ─[^\n]*\n[^\n]*301 ben: first unread\n/);
  });
});

Deno.test("pages of reactions alone are passed over, to older messages and to newer ones", async () => {
  const server = serverWithHistory(120);
  for (let i = 0; i < 250; i++) {
    const value = { seq: 120, emoji: "👍", removed: i % 2 === 1 };
    Object.assign(server.append("ben", "ana", ""), { event: { kind: { $case: "reacted", value } } });
  }
  server.moveCursor("ana/", server.head);
  await chatting({ face: "full screen", to: "ben", server, columns: 80, rows: 24 }, async (chat) => {
    await chat.sees(/119 ben: news 119\.\n[^\n]*120 ben: news 120\./);
    for (let i = 1; i <= 5; i++) server.append("ben", "ana", `late ${i}.`);
    server.deliverAll();
    await chat.sees(/late 5\.\n/);
    chat.type("/jump 100\r");
    await chat.sees(/100 ben: news 100\.\n[^]*more below/);
    for (let i = 0; i < 4; i++) chat.type("\x1b[6~");
    await eventually(() => {
      chat.type("\x1b[6~");
      return /late 5\.\n/.test(chat.seen);
    }, () => chat.seen);
    for (let i = 0; i < 3; i++) chat.type("\x1b[5~");
    await chat.sees(/120 ben: news 120\./);
  });
});
