import assert from "node:assert/strict";
import { type ChatAtTerminal, chatting, serverWithHistory } from "../../support/servers/chat_at_terminal.ts";

Deno.test("recent messages come before those that were missed, under a line that marks them", async () => {
  const server = serverWithHistory();
  server.append("ben", "ana", "while you slept");
  server.append("cat", "ana", "me too");
  await chatting({ face: "line", server }, async (chat) => {
    await chat.isIn("cat");
    await chat.sees("cat: me too");
    const order = ["ana: old news", "--- missed while you were away ---", "[ben] ben: while you slept", "cat: me too"];
    const at = order.map((text) => chat.seen.indexOf(text));
    assert.deepEqual(at, at.toSorted((a, b) => a - b));
    assert.ok(at.every((index) => index >= 0), chat.seen);
  });
});

Deno.test("twenty messages are printed of the conversation that one turns to", async () => {
  await chatting({ face: "line", server: serverWithHistory(), to: "ben" }, async (chat) => {
    await chat.isIn("ben");
    await chat.sees("ben: news 25.");
    assert.ok(chat.seen.includes("ben: news 6.\n"));
    assert.ok(!chat.seen.includes("ben: news 5.\n"));
  });
});

Deno.test("an unsent message stands above the prompt, an accepted one in the transcript", async () => {
  await chatting({ face: "line", to: "ben" }, async (chat) => {
    await chat.isIn("ben");
    chat.server.frozen = true;
    chat.type("hello\r");
    await chat.sees(/ {2}sending to ben: hello\n\[ana → ben\]/);
    chat.server.thaw();
    await chat.sees(/ana: hello\n\[ana → ben\]$/);
  });
});

Deno.test("the prompt shows the state of the connection and typing users", async () => {
  await chatting({ face: "line", to: "ben" }, async (chat) => {
    await chat.isIn("ben");
    const value = { conversation: "ana:ben", user: "ben", stopped: false };
    for (const session of chat.server.sessions) session.tell({ $case: "typing", value });
    await chat.sees(/\[ana → ben \| ben is typing\]$/);
    await chat.disconnect();
    await chat.sees(/\[ana → ben \| offline, next try in \d+ s, Enter tries now\]$/);
    await chat.reconnect();
    await chat.isIn("ben");
  });
});

Deno.test("users that stay online over a lost connection are not announced again", async () => {
  await chatting({ face: "line", to: "ben" }, async (chat) => {
    const tell = (user: string, online: boolean) => {
      for (const session of chat.server.sessions) session.tellPresence(user, online);
    };
    await chat.isIn("ben");
    tell("ben", true);
    await chat.sees("ben is online.\n");
    await chat.disconnect();
    await chat.reconnect();
    tell("ben", true);
    tell("cat", true);
    await chat.sees("cat is online.\n");
    tell("ben", false);
    await chat.sees("ben is offline.\n");
    assert.equal(chat.seen.split("ben is online.").length, 2, chat.seen);
  });
});

Deno.test("a message that is in the printed page is not printed again when it is delivered", async () => {
  const server = serverWithHistory(3);
  await chatting({ face: "line", server, to: "cat" }, async (chat) => {
    await chat.isIn("cat");
    // It is in the log before /to ben asks for the page, and delivered after the answer.
    server.append("ben", "ana", "in between");
    chat.type("/to ben\r");
    await chat.isIn("ben");
    chat.receive("ben", "after it");
    await chat.sees("ben: after it\n");
    assert.equal(linesOf(chat, /^\d+ ben: in between$/).length, 1, chat.seen);
  });
});

Deno.test("a terminal that can only write lines gets lines", async () => {
  await chatting({ face: "dumb", to: "ben" }, async (chat) => {
    await chat.sees("[ana → ben]");
    chat.type("hello\n");
    await chat.sees("ana: hello");
    chat.receive("ben", "hi");
    await chat.sees("ben: hi");
    chat.type("/passwd\n");
    await chat.sees("Current password:");
    assert.equal(chat.terminal.raw, true);
    chat.type("\x03");
    await chat.sees("Your password was not changed.");
    chat.terminal.hangUp();
    assert.equal(await chat.running, undefined);
  });
});

function linesOf({ seen }: ChatAtTerminal, pattern: RegExp): string[] {
  return seen.split("\n").filter((line) => pattern.test(line));
}

Deno.test("line mode takes neither the screen nor the mouse nor the title, and adds messages as whole lines", async () => {
  await chatting({ face: "line", to: "ben" }, async (chat) => {
    await chat.isIn("ben");
    const written: string[] = [];
    const write = chat.terminal.write.bind(chat.terminal);
    chat.terminal.write = (text) => {
      written.push(text);
      return write(text);
    };
    chat.type("half a line");
    await chat.isIn("ben", "half a line");
    chat.receive("ben", "hello");
    await chat.sees(/ben: hello\n\[ana → ben\] half a line$/);
    // deno-lint-ignore no-control-regex -- styles
    const all = written.join("").replaceAll(/\x1b\[\d+m/g, "");
    // deno-lint-ignore no-control-regex -- sequences that move the cursor to a place of the screen, or set a title
    assert.doesNotMatch(all, /\x1b\[\d+;\d+H|\x1b\[\?(?:1049|1000|1006)h|\x1b\]2;/);
    assert.equal(all.split("ben: hello").length, 2, "the message is written once");
    assert.equal(chat.terminal.reportsMouse, false);
    assert.equal(chat.terminal.title, "");
  });
});

Deno.test("a dumb terminal gets lines alone: no sequence, and nothing twice", async () => {
  await chatting({ face: "dumb", to: "ben" }, async (chat) => {
    const written: string[] = [];
    const write = chat.terminal.write.bind(chat.terminal);
    chat.terminal.write = (text) => {
      written.push(text);
      return write(text);
    };
    await chat.sees("[ana → ben]");
    chat.receive("ben", "hello");
    await chat.sees("ben: hello");
    chat.receive("ben", "again");
    await chat.sees("ben: again");
    const all = written.join("").replaceAll("\x07", "");
    // deno-lint-ignore no-control-regex -- all that is no line
    assert.doesNotMatch(all, /[\x00-\x09\x0b-\x1f]/);
    assert.equal(all.split("ben: hello").length, 2);
  });
});
