import assert from "node:assert/strict";
import { ChatClient } from "../../../src/client/chat_client.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { LineFace } from "../../../src/terminal/line/editing_console.ts";
import { PlainFace } from "../../../src/terminal/line/dumb_console.ts";
import { chooseStyle } from "../../../src/terminal/text/style.ts";
import { TerminalChat, type TerminalChatOptions } from "../../../src/terminal/chat/terminal_chat.ts";
import { EmulatedTerminal } from "../../support/emulated_terminal.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeChatServer, fakePassword } from "../../support/fake_chat_server.ts";

class Chatting {
  readonly server: FakeChatServer;
  readonly terminal = new EmulatedTerminal({ columns: 100, rows: 40 });
  readonly chat: TerminalChat;
  readonly kept: string[] = [];
  readonly running: Promise<ChatError | undefined>;

  constructor(server: FakeChatServer, options: Partial<TerminalChatOptions> & { dumb?: boolean; token?: string } = {}) {
    this.server = server;
    const style = chooseStyle({ noColor: "1", term: "xterm" });
    this.chat = new TerminalChat({
      face: (face) =>
        options.dumb ? new PlainFace(this.terminal) : new LineFace({ device: this.terminal, style, ...face }),
      style,
      user: "ana",
      address: server.transport.address,
      client: (onEvent) =>
        new ChatClient({
          transport: server.transport,
          token: options.token ?? "token-ana",
          client: "test",
          onEvent,
          backoff: { initialMs: 20, maxMs: 40 },
        }),
      keepCredentials: ({ token }) => Promise.resolve(void this.kept.push(token)),
      loggedOut: () => Promise.resolve(void this.kept.push("logged out")),
      ...options,
    });
    this.running = this.chat.run();
  }

  get seen(): string {
    return this.terminal.lines.join("\n").replace(/\d\d:\d\d (?=\S)/g, "");
  }

  sees(expected: string | RegExp): Promise<void> {
    return eventually(
      () => typeof expected === "string" ? this.seen.includes(expected) : expected.test(this.seen),
      () => `${expected} in\n${this.seen}`,
    );
  }
}

async function chatting(
  use: (chatting: Chatting) => Promise<void>,
  setup: { server?: FakeChatServer } & ConstructorParameters<typeof Chatting>[1] = {},
): Promise<void> {
  const { server = new FakeChatServer(), ...options } = setup;
  const each = new Chatting(server, options);
  try {
    await use(each);
  } finally {
    each.terminal.hangUp();
    server.down = true;
    await each.running;
    assert.equal(each.terminal.raw, false, "the terminal was not given back");
    each.terminal[Symbol.dispose]();
  }
}

function serverWithHistory(): FakeChatServer {
  const server = new FakeChatServer();
  server.cursor("ana/");
  server.append("ana", "cat", "old news");
  for (let i = 1; i <= 25; i++) server.append("ben", "ana", `news ${i}`);
  server.moveCursor("ana/", server.head);
  return server;
}

Deno.test("the start shows the server, the last conversation's recent messages, and then what was missed", async () => {
  const server = serverWithHistory();
  server.append("ben", "ana", "while you slept");
  server.append("cat", "ana", "me too");
  await chatting(async (chat) => {
    await chat.sees("[ana → cat]");
    await chat.sees("cat: me too");
    assert.match(chat.seen, /Connected to 127\.0\.0\.1:50051 \(fake\/1\) as ana/);
    const order = ["ana: old news", "--- missed while you were away ---", "[ben] ben: while you slept", "cat: me too"];
    const at = order.map((text) => chat.seen.indexOf(text));
    assert.deepEqual(at, at.toSorted((a, b) => a - b));
    assert.ok(at.every((index) => index >= 0), chat.seen);
    assert.equal(chat.seen.split("me too").length, 2, "shown once");
  }, { server });
});

Deno.test("--to chooses whom to write to, and twenty messages are shown", async () => {
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    await chat.sees("ben: news 25");
    assert.ok(chat.seen.includes("ben: news 6\n"));
    assert.ok(!chat.seen.includes("ben: news 5\n"));
  }, { server: serverWithHistory(), to: "ben" });
});

Deno.test("an own message is shown when it is accepted, a refused one is explained and put back", async () => {
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    chat.server.frozen = true;
    chat.terminal.type("hello\r");
    await chat.sees(/ {2}sending to ben: hello\n\[ana → ben\]/);
    chat.server.thaw();
    await chat.sees(/ana: hello\n\[ana → ben\] $/);
    chat.server.refuseSend = () => new ChatError("permission_denied", "Ben does not want that.");
    chat.terminal.type("hello again\r");
    await chat.sees(/Not sent to ben: Ben does not want that\.\n\[ana → ben\] hello again$/);
    assert.equal(chat.server.log.length, 1);
  }, { to: "ben" });
});

Deno.test("a draft survives what arrives, and a lost connection with its countdown", async () => {
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    chat.terminal.type("half a thou");
    await chat.sees("half a thou");
    chat.server.append("ben", "ana", "look here");
    chat.server.deliverAll();
    await chat.sees(/ben: look here\n\[ana → ben\] half a thou$/);
    chat.server.down = true;
    chat.server.cut();
    await chat.sees(/Disconnected: .*\n.*\[ana → ben \| offline, next try in \d+ s, Enter tries now\] half a thou$/s);
    chat.server.down = false;
    await chat.sees(/Connected again\.\n\[ana → ben\] half a thou$/);
    chat.terminal.type("ght\r");
    await chat.sees("ana: half a thought");
  }, { to: "ben" });
});

Deno.test("what others write does nothing to the terminal", async () => {
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    chat.server.append("ben", "ana", "\x1b[2J\x1b]0;owned\x07evil\u202Etxt\nben: second line");
    chat.server.deliverAll();
    await chat.sees("ben: ␛[2J␛]0;owned␇evil\uFFFDtxt\n      ben: second line");
    chat.server.refuseSend = () => new ChatError("permission_denied", "no\x1b[2J");
    chat.terminal.type("x\r");
    await chat.sees("no␛[2J");
  }, { to: "ben" });
});

Deno.test("pasted lines are one message, sent with Enter", async () => {
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    chat.terminal.type("\x1b[200~one\r\ntwo\r\n\x1b[201~");
    await chat.sees(/\[ana → ben\] one\ntwo$/);
    chat.terminal.type("\r");
    await chat.sees("ana: one\n      two");
    assert.deepEqual(chat.server.log.map(({ text }) => text), ["one\ntwo"]);
  }, { to: "ben" });
});

Deno.test("commands do what they say", async () => {
  const does: [string, string | RegExp][] = [
    ["/help", "/history [NAME] [N]"],
    ["/users", "Online: ana\nOffline: ben, cat"],
    ["/whoami", 'You are ana on device "a terminal" (device-1).'],
    ["/ping", /The server answered in \d+\.\d ms\./],
    ["/to ben", "[ana → ben]"],
    ["/history 2", "24 ben: news 24\n25 ben: news 25\n"],
    ["/history cat", "[cat] ana: old news"],
    ["/sent 5", "ana: old news"],
    ["/search news", /Found \(there is more before this[^]*25 ben: news 25\n/],
    ["/search news old", /Found:\n[^]*\[cat\] ana: old news/],
    ["/search snow", "Nothing was found."],
    ["/search", "Write: /search WORDS"],
    ["//slashed", "ana: /slashed"],
    ["/hlep", "There is no command /hlep. Did you mean /help?"],
    ["/history ben 0", '"0" is not a number from 1 to 200.'],
    ["/to", "Write: /to NAME"],
    ["/constructor", "There is no command /constructor."],
  ];
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    for (const [command, expected] of does) {
      chat.terminal.type(`\x0c${command}\r`);
      await chat.sees(expected);
    }
    chat.terminal.type("/quit\r");
    assert.equal(await chat.running, undefined);
  }, { server: serverWithHistory() });
});

Deno.test("without anybody to write to, the text stays", async () => {
  await chatting(async (chat) => {
    await chat.sees("/to NAME chooses whom to write to");
    chat.terminal.type("hello?\r");
    await chat.sees(/Whom is it for\? .*\n\[ana\] hello\?$/);
  });
});

Deno.test("Ctrl-C clears the draft, then says how to leave, then leaves; Ctrl-D leaves", async () => {
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    chat.terminal.type("draft");
    await chat.sees("draft");
    chat.terminal.type("\x03");
    await chat.sees(/\[ana → ben\] $/);
    chat.terminal.type("\x03");
    await chat.sees("Press Ctrl-C again");
    chat.terminal.type("\x03");
    assert.equal(await chat.running, undefined);
  }, { to: "ben" });
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    chat.terminal.type("\x04");
    assert.equal(await chat.running, undefined);
  }, { to: "ben" });
});

Deno.test("an error that ends the client ends the chat", async () => {
  await chatting(async (chat) => {
    assert.equal((await chat.running)?.code, "unauthenticated");
  }, { token: "dead" });
  const server = new FakeChatServer();
  server.down = true;
  await chatting(async (chat) => {
    assert.equal((await chat.running)?.code, "unavailable");
  }, { server });
});

Deno.test("what could not be sent before the end is said", async () => {
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    chat.server.frozen = true;
    chat.terminal.type("too late\r");
    await chat.sees("sending to ben: too late");
    chat.terminal.type("\x04");
    assert.equal(await chat.running, undefined);
    assert.match(chat.seen, /Not sent to ben: .*\nIt was: too late$/);
  }, { to: "ben" });
});

Deno.test("a terminal that can only write lines gets lines", async () => {
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    chat.terminal.type("hello\n");
    await chat.sees("ana: hello");
    chat.server.append("ben", "ana", "hi");
    chat.server.deliverAll();
    await chat.sees("ben: hi");
    chat.terminal.hangUp();
    assert.equal(await chat.running, undefined);
  }, { to: "ben", dumb: true });
});

Deno.test("/deleteaccount wants the own name and the password, and then forgets the login", async () => {
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    chat.terminal.type("/deleteaccount ben\r");
    await chat.sees("write: /deleteaccount ana");
    chat.terminal.type("/deleteaccount ana\r");
    await chat.sees(/nobody gets your name again[^]*Password: $/);
    chat.terminal.type("wrong\r");
    await chat.sees("The password is wrong.");
    assert.deepEqual(chat.kept, []);
    chat.terminal.type("/deleteaccount ana\r");
    await chat.sees(/is wrong[^]*Password: $/);
    chat.terminal.type(`${fakePassword}\r`);
    assert.equal(await chat.running, undefined);
    assert.deepEqual(chat.kept, ["logged out"]);
    assert.match(chat.seen, /Your account is deleted\./);
  }, { to: "ben" });
});

Deno.test("/history says that older messages are not kept", async () => {
  const server = serverWithHistory();
  server.keptFrom = 24;
  await chatting(async (chat) => {
    await chat.sees("[ana → ben]");
    chat.terminal.type("/history\r");
    await chat.sees(/\(Nothing is kept from before this\.\)\n24 ben: news 24\n25 ben: news 25\n/);
    server.keptFrom = 26;
    chat.terminal.type("/history\r");
    await chat.sees("Nothing of what was said is kept.");
  }, { server, to: "ben" });
});
