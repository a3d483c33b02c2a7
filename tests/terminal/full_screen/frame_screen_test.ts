import assert from "node:assert/strict";
import type { ChatClient } from "../../../src/client/chat_client.ts";
import type { Frame } from "../../../src/terminal/full_screen/frame.ts";
import { FrameScreen } from "../../../src/terminal/full_screen/frame_screen.ts";
import { StatusBar } from "../../../src/terminal/full_screen/status_bar.ts";
import { EmulatedTerminal } from "../../support/fakes/emulated_terminal.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";

/** The text that a device was given, in the order of writes. */
class Recorder extends EmulatedTerminal {
  chunks: string[] = [];

  override write(text: string): Promise<void> {
    this.chunks.push(text);
    return Promise.resolve();
  }
}

Deno.test("an idle screen writes nothing but the time, once a minute", async () => {
  using terminal = new Recorder({ columns: 60, rows: 3 });
  const { now } = Date;
  let wallMs = Date.UTC(2026, 0, 1, 12, 0, 0);
  let lagMs = 10;
  Date.now = () => wallMs;
  const client = { state: { kind: "online" }, ping: () => Promise.resolve(lagMs++) } as unknown as ChatClient;
  const status = new StatusBar({ client, me: "ana", changed: () => {} });
  const left = () => status.text({ isAway: false, typing: "", below: "", loading: false }).left;
  await eventually(() => left().includes("10 ms"), left);
  using time = new FakeTime();
  const screen = new FrameScreen({
    device: terminal,
    compose: (): Frame => {
      const { left, right } = status.text({ isAway: false, typing: "", below: "", loading: false });
      return { rows: [[{ column: 0, text: left }], [{ column: 0, text: right }], []], cursor: { row: 2, column: 0 } };
    },
  });
  try {
    await screen.take();
    await time.tick(100);
    const writesOfMinutes: number[] = [];
    for (let minute = 0; minute < 3; minute++) {
      terminal.chunks = [];
      for (let second = 0; second < 60; second++) {
        wallMs += 1_000;
        screen.invalidate();
        await time.tick(1_000);
      }
      writesOfMinutes.push(terminal.chunks.length);
    }
    assert.deepEqual(writesOfMinutes, [1, 1, 1]);
    assert.match(terminal.chunks[0], /\d\d:03/);
  } finally {
    Date.now = now;
    status.close();
    await screen.release();
  }
});

Deno.test("after a suspension from outside, the screen, its modes and its title are as before", async () => {
  using terminal = new EmulatedTerminal({ columns: 40, rows: 3 });
  const screen = new FrameScreen({
    device: terminal,
    compose: (): Frame => ({
      rows: [[{ column: 0, text: "first" }], [], [{ column: 0, text: "> draft" }]],
      cursor: { row: 2, column: 7 },
      title: "chatd",
      mouse: true,
    }),
  });
  const isDrawn = () =>
    terminal.isAlternate && terminal.lines.join("\n") === "first\n\n> draft" && terminal.title === "chatd" &&
    terminal.reportsMouse && terminal.reportsFocus && terminal.cursor.column === 7;
  await terminal.write("before\r\n");
  await screen.take();
  await eventually(isDrawn, () => terminal.lines.join("\n"));
  // As after `reset`, or after a program of its own screen.
  await terminal.continueAfter("\x1b[?1000l\x1b[?1004l\x1b[?2004l\x1b[?1049l\x1b]2;sh\x07[1]+ Stopped\r\n$ fg\r\n");
  await eventually(isDrawn, () => terminal.lines.join("\n"));
  // As after a shell that wrote into the screen of the chat.
  await terminal.continueAfter("\x1b[2;3r\x1b[31m[1]+ Stopped\r\n$ fg\r\n");
  await eventually(isDrawn, () => terminal.lines.join("\n"));
  await screen.release();
  assert.deepEqual([terminal.isAlternate, terminal.reportsMouse, terminal.lines[0]], [false, false, "before"]);
});

Deno.test("everything that the screen turned on is off when the terminal is given back", async () => {
  using time = new FakeTime();
  using terminal = new Recorder({ columns: 20, rows: 2 });
  const screen = new FrameScreen({
    device: terminal,
    compose: (): Frame => ({ rows: [[], []], cursor: { row: 0, column: 0 }, title: "chatd", mouse: true }),
  });
  await screen.take();
  await time.tick(100);
  await screen.release();
  const all = terminal.chunks.join("");
  const left = new Map<string, string>();
  // deno-lint-ignore no-control-regex -- the private modes of the terminal
  for (const [, mode, change] of all.matchAll(/\x1b\[\?(\d+)([hl])/g)) left.set(mode, change);
  assert.deepEqual(Object.fromEntries([...left].filter(([, change]) => change === "h")), {
    // Wrapping, the cursor and alternate scroll are on as before.
    7: "h",
    25: "h",
    1007: "h",
  });
  assert.equal(left.get("1000"), "l");
  assert.equal(left.get("1006"), "l");
  assert.ok(all.startsWith("\x1b[22;2t"), "the title is kept");
  assert.ok(all.endsWith("\x1b[23;2t"), "the title is restored");
});
