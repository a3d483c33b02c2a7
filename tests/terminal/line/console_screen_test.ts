import assert from "node:assert/strict";
import fc from "fast-check";
import { Composer } from "../../../src/terminal/input/composer.ts";
import { layoutInput } from "../../../src/terminal/input/input_layout.ts";
import { ConsoleScreen } from "../../../src/terminal/line/console_screen.ts";
import { EditingConsole } from "../../../src/terminal/line/editing_console.ts";
import { chooseStyle } from "../../../src/terminal/text/style.ts";
import { EmulatedTerminal } from "../../support/fakes/emulated_terminal.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { settle } from "../../support/fakes/manual_timers.ts";

const style = chooseStyle({ noColor: undefined, term: "xterm" });

function consoleOn(device: EmulatedTerminal): EditingConsole {
  const nothing = () => {};
  const composer = new Composer({ complete: () => [], offer: () => undefined });
  return new EditingConsole({
    device,
    style,
    composers: { now: composer, apply: (key, shape) => composer.apply(key, shape) },
    person: { submit: nothing, edited: nothing },
    onScreenKey: nothing,
    onInput: nothing,
    onFocus: nothing,
  });
}

async function drawn(screen: ConsoleScreen): Promise<void> {
  await settle();
  await screen.print([]);
}

Deno.test("lines are printed above the draft, which stays as it is", async () => {
  using terminal = new EmulatedTerminal({ columns: 20, rows: 6 });
  const screen = new ConsoleScreen(terminal, style);
  screen.update({ prompt: "[ana] ", text: "a draft of 漢字 over rows", cursor: 5, pending: ["  sending"] });
  await screen.print(["one", "two is longer than the terminal"]);
  assert.deepEqual(terminal.lines, [
    "one",
    "two is longer than t",
    "he terminal",
    "  sending",
    "[ana] a draft of 漢",
    "字 over rows",
  ]);
  assert.deepEqual(terminal.cursor, { row: 4, column: 11 });
  screen.update({ pending: [], text: "", cursor: 0 });
  await drawn(screen);
  assert.deepEqual(terminal.lines.slice(-1), ["[ana] "]);
  await screen.close();
  assert.deepEqual(terminal.lines, ["one", "two is longer than t", "he terminal"]);
  assert.equal(terminal.cursor.column, 0);
});

Deno.test("a change during a write is drawn afterwards", async () => {
  using terminal = new EmulatedTerminal({ columns: 20, rows: 6 });
  const screen = new ConsoleScreen(terminal, style);
  let change: (() => void) | undefined;
  const write = terminal.write.bind(terminal);
  terminal.write = async (text) => {
    await write(text);
    const now = change;
    change = undefined;
    // As late as a promise can tell that the write is done.
    if (now) queueMicrotask(() => queueMicrotask(() => queueMicrotask(now)));
  };
  for (let i = 0; i < 5; i++) {
    change = () => screen.update({ prompt: "> ", text: `draft ${i}`, cursor: 7 });
    await screen.print([`line ${i}`]);
    await settle();
    await settle();
    assert.equal(terminal.lines.at(-1), `> draft ${i}`);
  }
  await screen.close();
});

Deno.test("a draft higher than the window shows the rows around the cursor", () => {
  const text = Array.from({ length: 30 }, (_, i) => `row ${i}`).join("\n");
  const end = layoutInput("> ", { text, cursor: text.length }, { columns: 20, rows: 4 });
  assert.deepEqual(end.rows, ["row 26", "row 27", "row 28", "row 29"]);
  assert.equal(end.cursorRow, 3);
  const start = layoutInput("> ", { text, cursor: 0 }, { columns: 20, rows: 4 });
  assert.deepEqual(start.rows, ["> row 0", "row 1", "row 2", "row 3"]);
  assert.deepEqual([start.cursorRow, start.cursorColumn], [0, 2]);
});

Deno.test("any printing, typing and resizing leaves the transcript whole and the draft below it", async () => {
  const size = fc.record({ columns: fc.integer({ min: 10, max: 60 }), rows: fc.integer({ min: 4, max: 12 }) });
  const text = fc.string({ unit: fc.constantFrom(..."abc 漢é"), maxLength: 70 });
  const step = fc.oneof(
    fc.record({ print: fc.string({ unit: fc.constantFrom(..."xyz 字"), minLength: 1, maxLength: 70 }) }),
    fc.record({ draft: text, at: fc.nat(70) }),
    fc.record({ pending: fc.array(fc.constant("  sending"), { maxLength: 2 }) }),
  );
  await fc.assert(
    fc.asyncProperty(size, fc.array(step, { maxLength: 20 }), async (size, steps) => {
      using terminal = new EmulatedTerminal(size);
      const screen = new ConsoleScreen(terminal, style);
      const printed: string[] = [];
      let draft = { text: "", cursor: 0 };
      let pending: string[] = [];
      const prompt = "> ";
      screen.update({ prompt });
      for (const [i, each] of steps.entries()) {
        if ("print" in each) {
          printed.push(`${i}:${each.print}.`);
          await screen.print(printed.slice(-1));
        } else if ("draft" in each) {
          draft = { text: each.draft, cursor: Math.min(each.at, each.draft.length) };
          screen.update(draft);
        } else {
          pending = each.pending;
          screen.update({ pending });
        }
        await drawn(screen);
        const area = layoutInput(prompt, draft, { ...size, rows: Math.max(1, size.rows - pending.length) });
        const below = [...pending.slice(0, size.rows - 2), ...area.rows];
        const all = terminal.lines.map((line) => line.trimEnd()).join("");
        const expected = [...printed, ...below].map((line) => line.trimEnd()).join("");
        assert.equal(all.replaceAll(" ", ""), expected.replaceAll(" ", ""));
        assert.equal(terminal.cursor.column, area.cursorColumn);
      }
      await screen.close();
      assert.equal(terminal.lines.join("").replaceAll(" ", ""), printed.join("").replaceAll(" ", ""));
    }),
    { numRuns: 60 },
  );
});

Deno.test("a window that gets narrower or wider takes nothing of the transcript away", async () => {
  for (const columns of [12, 17, 23, 39, 60]) {
    using terminal = new EmulatedTerminal({ columns: 40, rows: 15 });
    const input = consoleOn(terminal);
    const leave = new AbortController();
    const reading = input.read(leave.signal);
    input.setPrompt("[ana → ben] ");
    terminal.type("a draft that is long enough to take two rows");
    await input.print(["first line", "second line"]);
    await eventually(() => terminal.lines.join("").endsWith("rows"), () => terminal.lines.join("\n"));
    terminal.resize(columns, 15);
    await input.print(["third line"]);
    assert.deepEqual(terminal.lines.slice(0, 3), ["first line", "second line", "third line"], `${columns} columns`);
    assert.match(terminal.lines.slice(3).join(""), /^\[ana.*two rows$/, `${columns} columns`);
    leave.abort();
    await reading;
    await input.close();
  }
});

Deno.test("after a suspension from outside, lines of the shell stay, and the draft is below them", async () => {
  for (const shell of ["\r\n[1]+ Stopped\r\n$ fg\r\n", ""]) {
    using terminal = new EmulatedTerminal({ columns: 20, rows: 15 });
    const input = consoleOn(terminal);
    const leave = new AbortController();
    const reading = input.read(leave.signal);
    input.setPrompt("[ana → ben] ");
    terminal.type("a draft of three rows, which take more lines");
    await input.print(["first line"]);
    await eventually(() => terminal.lines.join("").endsWith("lines"), () => terminal.lines.join("\n"));
    await terminal.continueAfter(shell);
    await input.print(["second line"]);
    const seen = terminal.lines.join("\n");
    if (shell !== "") assert.match(seen, /Stopped\n\$ fg\nsecond line\n\[ana → ben\] a draft[^]*lines$/);
    else assert.match(seen, /^first line\nsecond line\n\[ana → ben\] a draft[^]*lines$/);
    leave.abort();
    await reading;
    await input.close();
  }
});

Deno.test("a terminal that does not say where its cursor is gets drawn on all the same", async () => {
  using terminal = new EmulatedTerminal({ columns: 40, rows: 15 });
  const screen = new ConsoleScreen(terminal, style);
  screen.update({ prompt: "> ", text: "draft", cursor: 5 });
  await screen.print(["first line"]);
  terminal.resize(30, 15);
  await screen.print(["second line"]);
  assert.deepEqual(terminal.lines, ["first line", "second line", "> draft"]);
  await screen.close();
});

Deno.test("an input area that stays as it is is not drawn again", async () => {
  using terminal = new EmulatedTerminal({ columns: 40, rows: 6 });
  const screen = new ConsoleScreen(terminal, style);
  const area = { prompt: "[ana] ", text: "a draft", cursor: 3, pending: ["  sending"] };
  screen.update(area);
  await drawn(screen);
  const before = terminal.writes;
  screen.update({ ...area, pending: [...area.pending] });
  screen.update({});
  await settle();
  assert.equal(terminal.writes, before);
  await screen.close();
});

Deno.test("a crash ends the modes that the screen set, unless it gave the terminal back", async () => {
  using terminal = new EmulatedTerminal({ columns: 40, rows: 15 });
  const written: string[] = [];
  const screen = new ConsoleScreen(Object.assign(terminal, { writeNow: (text: string) => written.push(text) }), style);
  await screen.print(["hello"]);
  assert.equal(terminal.reportsFocus, true);
  dispatchEvent(new Event("unload"));
  assert.deepEqual(written, ["\x1b[?1004l\x1b[?2004l\x1b[?25h"]);
  await screen.close();
  assert.equal(terminal.reportsFocus, false);
  dispatchEvent(new Event("unload"));
  assert.equal(written.length, 1);
});

Deno.test("a change after the terminal was given back leaves the cursor visible", async () => {
  using terminal = new EmulatedTerminal({ columns: 20, rows: 6 });
  const screen = new ConsoleScreen(terminal, style);
  screen.update({ prompt: "> ", text: "a draft", cursor: 7 });
  await drawn(screen);
  await screen.close();
  const written: string[] = [];
  const write = terminal.write.bind(terminal);
  terminal.write = async (text) => {
    written.push(text);
    await write(text);
  };
  screen.update({ prompt: "[ana] " });
  await drawn(screen);
  await screen.print(["a last note"]);
  assert.equal(written.join("").includes("\x1b[?25l"), false);
  assert.equal(terminal.lines.at(-1), "a last note");
});
