import assert from "node:assert/strict";
import { ChatClient } from "../../../src/client/chat_client.ts";
import type { ChatError } from "../../../src/core/chat_error.ts";
import { FullScreenChat, type FullScreenChatOptions } from "../../../src/terminal/full_screen/full_screen_chat.ts";
import { choosePalette } from "../../../src/terminal/full_screen/palette.ts";
import type { KeptScreen } from "../../../src/terminal/chat/preferences.ts";
import { EmulatedTerminal } from "../../support/emulated_terminal.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeChatServer } from "../../support/fake_chat_server.ts";

interface Setup {
  readonly server?: FakeChatServer;
  readonly kept?: KeptScreen;
  readonly columns?: number;
  readonly rows?: number;
  readonly to?: string;
  readonly token?: string;
}

class Chatting {
  readonly server: FakeChatServer;
  readonly terminal: EmulatedTerminal;
  readonly chat: FullScreenChat;
  readonly running: Promise<ChatError | undefined>;
  kept: KeptScreen;

  constructor({ server = new FakeChatServer(), kept = {}, columns = 80, rows = 24, to, token }: Setup) {
    this.server = server;
    this.kept = kept;
    this.terminal = new EmulatedTerminal({ columns, rows });
    const options: FullScreenChatOptions = {
      device: this.terminal,
      palette: choosePalette({ noColor: undefined, term: "xterm-256color" }),
      user: "ana",
      address: server.transport.address,
      to,
      store: { read: () => this.kept, update: (change) => this.kept = change(this.kept) },
      client: (onEvent) =>
        new ChatClient({
          transport: server.transport,
          token: token ?? "token-ana",
          client: "test",
          onEvent,
          backoff: { initialMs: 20, maxMs: 40 },
        }),
      keepCredentials: () => Promise.resolve(),
      loggedOut: () => Promise.resolve(),
    };
    this.chat = new FullScreenChat(options);
    this.running = this.chat.run();
  }

  /** Without times of messages. */
  get seen(): string {
    return this.terminal.lines.map((line) => line.trimEnd()).join("\n").replace(/\d\d:\d\d(?= \d)/g, "");
  }

  sees(expected: RegExp): Promise<void> {
    return eventually(() => expected.test(this.seen), () => `${expected} in\n${this.seen}`);
  }
}

async function chatting(setup: Setup, use: (chatting: Chatting) => Promise<void>): Promise<void> {
  const each = new Chatting(setup);
  try {
    await use(each);
  } finally {
    each.terminal.hangUp();
    each.server.down = true;
    await each.running;
    assert.equal(each.terminal.raw, false, "the terminal was not given back");
    each.terminal[Symbol.dispose]();
  }
}

function serverWithHistory(count = 25): FakeChatServer {
  const server = new FakeChatServer();
  server.cursor("ana/");
  server.append("ana", "cat", "old news");
  for (let i = 1; i <= count; i++) server.append("ben", "ana", `news ${i}.`);
  server.moveCursor("ana/", server.head);
  return server;
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

Deno.test("what is typed is sent, what comes is shown, and what comes elsewhere is marked and turned to", async () => {
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

Deno.test("what is submitted before it is known where it goes waits for that", async () => {
  const server = serverWithHistory();
  server.frozen = true;
  await chatting({ server }, async (chat) => {
    chat.terminal.type("early\r");
    await chat.sees(/\[nobody\]/);
    server.thaw();
    await chat.sees(/ana: early/);
    assert.equal(server.log.at(-1)!.conversation, "ana:ben");
  });
});

Deno.test("each conversation has a draft of its own, which outlives the program", async () => {
  const server = serverWithHistory();
  let kept: KeptScreen = {};
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
    kept = chat.kept;
  });
  server.down = false;
  await chatting({ to: "ben", server, kept }, async (chat) => {
    await chat.sees(/\[ben\] for ben$/);
    chat.terminal.type("\x1b2");
    await chat.sees(/\[cat\] for cat$/);
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

Deno.test("a lost connection is counted down in the status bar, the draft stays", async () => {
  await chatting({ to: "ben" }, async (chat) => {
    await chat.sees(/\[ben\]$/);
    chat.terminal.type("half a thou");
    chat.server.down = true;
    chat.server.cut();
    await chat.sees(/offline, next try in \d+ s, Enter tries now[^\n]*\n\[ben\] half a thou$/);
    chat.server.down = false;
    await chat.sees(/Connected again[^]*\[ben\] half a thou$/);
    chat.terminal.type("ght\r");
    await chat.sees(/ana: half a thought/);
  });
});

Deno.test("a log that was put back to an earlier state is told of, below the messages that are left", async () => {
  const server = serverWithHistory(3);
  await chatting({ to: "ben", server }, async (chat) => {
    await chat.sees(/\[ben\]$/);
    chat.terminal.type("of a lost future\r");
    await chat.sees(/ana: of a lost future/);
    server.down = true;
    server.cut();
    await chat.sees(/Disconnected: /);
    server.putBack(server.head - 1);
    server.down = false;
    await chat.sees(/ben: news 3\.[^]*put back to an earlier state/);
    assert.doesNotMatch(chat.seen, /lost future/);
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
    await chat.sees(/Not connected/);
    assert.match(chat.seen, /\[ben\]$/, "there is nothing to show of dan");
    server.down = false;
    await chat.sees(/Connected again\./);
    server.append("ben", "ana", "and after it");
    server.deliverAll();
    await chat.sees(/and after it/);
  });
});

Deno.test("what others write moves nothing on the screen", async () => {
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

Deno.test("a long paste asks, a short one does not, and both are one message", async () => {
  await chatting({ to: "ben" }, async (chat) => {
    await chat.sees(/\[ben\]$/);
    const long = Array.from({ length: 30 }, (_, i) => `line ${i}`).join("\r");
    chat.terminal.type(`\x1b[200~${long}\x1b[201~`);
    await chat.sees(/Paste 30 lines, \d+ characters\? \[y\/n\]$/);
    chat.terminal.type("n");
    await chat.sees(/Not pasted\.\n\[ben\]$/);
    chat.terminal.type(`\x1b[200~${long}\x1b[201~`);
    await chat.sees(/\[y\/n\]$/);
    chat.terminal.type("y");
    await chat.sees(/line 29$/);
    chat.terminal.type("\r");
    await eventually(() => chat.server.log.length === 1, () => "it was sent");
    chat.terminal.type("\x1b[200~one\rtwo\x1b[201~");
    await chat.sees(/one\ntwo$/);
    chat.terminal.type(" three\\\rfour\x1b\rfive\r");
    await eventually(() => chat.server.log.length === 2, () => "it was sent");
    assert.deepEqual(chat.server.log.map(({ text }) => text.split("\n").length), [30, 4]);
  });
});

Deno.test("Tab completes commands, names and emoji, and Ctrl-R finds what was sent", async () => {
  await chatting({ to: "ben", server: serverWithHistory() }, async (chat) => {
    await chat.sees(/\[ben\]$/);
    chat.terminal.type("/hist\tb\t");
    await chat.sees(/\[ben\] \/history ben$/);
    chat.terminal.type("\x15@ca\t:tada\t");
    await chat.sees(/\[ben\] @cat 🎉$/);
    chat.terminal.type("\x15:smil\t");
    await chat.sees(/:smile: [^\n]*\n\[ben\] :smil/);
    chat.terminal.type("\x15first thing\rsecond thing\r");
    await chat.sees(/ana: second thing/);
    chat.terminal.type("\x12thing");
    await chat.sees(/search "thing": second thing$/);
    chat.terminal.type("\x12");
    await chat.sees(/search "thing": first thing$/);
    chat.terminal.type("\r");
    await chat.sees(/\[ben\] first thing$/);
    chat.terminal.type("\x12zzz\x07");
    await chat.sees(/\[ben\] first thing$/);
  });
});

Deno.test("commands work, and what they say stands between the messages", async () => {
  await chatting({ to: "ben", server: serverWithHistory() }, async (chat) => {
    await chat.sees(/\[ben\]$/);
    chat.terminal.type("/whoami\r");
    await chat.sees(/You are ana on device/);
    chat.terminal.type("/hlep\r");
    await chat.sees(/Did you mean \/help\?/);
    chat.terminal.type("/msg cat hi cat\rand again\r");
    await chat.sees(/ana: hi cat\n[^\n]*ana: and again\n/);
    assert.deepEqual(chat.server.log.slice(-2).map(({ conversation }) => conversation), ["ana:cat", "ana:cat"]);
    chat.terminal.type("/set notify on\r");
    await chat.sees(/OSC 9 tell the desktop/);
    assert.equal(chat.kept.notify, "osc9");
    chat.terminal.type("/quit\r");
    assert.equal(await chat.running, undefined);
  });
});

Deno.test("an error that ends the client ends the chat", async () => {
  await chatting({ token: "dead" }, async (chat) => {
    assert.equal((await chat.running)?.code, "unauthenticated");
  });
});

Deno.test("what could not be sent before the end is said on the terminal as it was", async () => {
  await chatting({ to: "ben" }, async (chat) => {
    await chat.sees(/\[ben\]$/);
    chat.server.frozen = true;
    chat.terminal.type("too late\r");
    await chat.sees(/sending to ben: too late/);
    chat.terminal.type("\x04");
    assert.equal(await chat.running, undefined);
    await chat.sees(/^Not sent to ben: [^\n]*\nIt was: too late$/);
  });
});

Deno.test("how far the other one is with a message is shown behind it", async () => {
  await chatting({ to: "ben" }, async (ana) => {
    await ana.sees(/\[ben\]/);
    ana.terminal.type("hello ben\r");
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
