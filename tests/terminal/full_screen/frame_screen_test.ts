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
