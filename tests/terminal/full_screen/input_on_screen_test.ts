/** The input line of the full screen. */
import assert from "node:assert/strict";
import {
  type ChatAtTerminal,
  type ChatSetup,
  chatting as chattingWith,
  serverWithHistory,
} from "../../support/servers/chat_at_terminal.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";
import { eventually } from "../../support/waiting/eventually.ts";

function chatting(setup: Partial<ChatSetup>, use: (chat: ChatAtTerminal) => Promise<void>): Promise<void> {
  return chattingWith({ face: "full screen", columns: 80, rows: 24, ...setup }, use);
}

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

Deno.test("Tab completes commands, names and emoji, and Ctrl-R finds sent lines", async () => {
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

Deno.test("Esc, and what is typed seconds later, is text for the same conversation", async () => {
  await chatting({ to: "ben", server: serverWithHistory() }, async (chat) => {
    await chat.isIn("ben");
    chat.type("\x12x");
    await chat.sees(/search "x": *$/);
    // The search ends when the terminal sends nothing more.
    chat.type("\x1b");
    await chat.isIn("ben");
    chat.type("apples");
    await chat.isIn("ben", "apples");
  });
});

Deno.test("up moves within a draft that wraps, before it recalls", async () => {
  await chatting({ to: "ben", columns: 60 }, async (chat) => {
    await chat.isIn("ben");
    chat.type(`sent before\r`);
    await chat.sees(/ana: sent before/);
    chat.type("x".repeat(70));
    await chat.sees(/\[ben\] x{53}\nx{17}$/);
    chat.type("\x1b[AY");
    await chat.sees(/\[ben\] x{11}Yx{41}\nx{18}$/);
    chat.type("\x1b[A");
    await chat.sees(/\[ben\] sent before$/);
    chat.type("\x1f");
    await chat.sees(/\[ben\] x{11}Yx{41}\nx{18}$/);
  });
});

Deno.test("the cursor is behind what was typed, whatever the terminal takes for the width of an emoji", async () => {
  for (const face of ["full screen", "line"] as const) {
    await chatting({ face, to: "ben", columns: 80 }, async (chat) => {
      await chat.isIn("ben");
      const start = chat.terminal.lines.at(-1)!.length;
      for (const [typed, cells] of [["❤️", 2], ["👍🏽", 2], ["👩‍👩‍👧‍👦", 2], ["🇩🇪", 2], ["e\u0301", 1], ["漢", 2]] as const) {
        chat.type(`${typed}z`);
        const at = () => ({ cursor: chat.terminal.cursor.column - start, z: chat.terminal.columnOf("z") - start });
        await eventually(
          () => at().cursor === cells + 1 && at().z === cells,
          () => `${face}: z behind ${typed} in column ${cells}, not ${JSON.stringify(at())}`,
        );
        chat.type("\x15");
        await chat.isIn("ben");
      }
    });
  }
});

Deno.test("Tab completes the path of a file, in both commands that take one", async () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(`${folder.path}/my notes.txt`, "x");
  await chatting({ to: "ben", columns: 160 }, async (chat) => {
    await chat.isIn("ben");
    chat.type(`/file ${folder.path}/m\t`);
    await chat.sees(`[ben] /file ${folder.path}/my\\ notes.txt`);
    chat.type(`\x15/save 3 ${folder.path}/m\t`);
    await chat.sees(`[ben] /save 3 ${folder.path}/my\\ notes.txt`);
  });
});

Deno.test("in a window of three rows or two, the input line stays, with the name of the recipient", async () => {
  await chatting({ to: "ben", server: serverWithHistory() }, async (chat) => {
    await chat.isIn("ben");
    for (const rows of [3, 2]) {
      chat.terminal.resize(30, rows);
      chat.type("x");
      await chat.isIn("ben", "x".repeat(4 - rows));
    }
  });
});
