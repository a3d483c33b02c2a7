import assert from "node:assert/strict";
import type { Key } from "../../../src/terminal/input/key_decoder.ts";
import { readKeys } from "../../../src/terminal/input/key_reader.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";

const utf8 = new TextEncoder();

/** A keyboard whose keys come in the order of calls, and the keys that were read from it. */
class Keyboard implements Disposable {
  readonly keys: Key[] = [];
  readonly reading: Promise<void>;
  #next = Promise.withResolvers<Uint8Array | undefined>();
  readonly #stop = new AbortController();

  constructor() {
    this.reading = this.#read();
  }

  press(bytes: string): void {
    this.#next.resolve(utf8.encode(bytes));
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #read(): Promise<void> {
    const device = {
      read: async (signal: AbortSignal) => {
        signal.addEventListener("abort", () => this.#next.resolve(undefined));
        const bytes = await this.#next.promise;
        this.#next = Promise.withResolvers();
        return bytes;
      },
    };
    for await (const keys of readKeys(device, this.#stop.signal)) this.keys.push(...keys);
  }
}

const escape: Key = { kind: "screen", key: "cancel" };

Deno.test("Esc is a key of its own when nothing follows it for a moment, and what is typed then is text", async () => {
  using time = new FakeTime();
  using keyboard = new Keyboard();
  keyboard.press("\x1b");
  await time.tick(99);
  assert.deepEqual(keyboard.keys, []);
  await time.tick(1);
  assert.deepEqual(keyboard.keys, [escape]);
  await time.tick(4_000);
  keyboard.press("apples");
  await time.tick(0);
  assert.deepEqual(keyboard.keys, [escape, { kind: "text", text: "apples" }]);
  assert.equal(time.pending, 0);
});

Deno.test("a key that a slow link cuts in two is one key", async () => {
  using time = new FakeTime();
  using keyboard = new Keyboard();
  for (const [start, end] of [["\x1b", "[A"], ["\x1b[", "A"], ["\x1bO", "A"]]) {
    keyboard.press(start);
    await time.tick(start === "\x1b" ? 90 : 490);
    keyboard.press(end);
    await time.tick(1_000);
  }
  assert.deepEqual(keyboard.keys, Array.from({ length: 3 }, () => ({ kind: "command", command: "up" })));
});

Deno.test("a report of the mouse stays whole however late its end comes", async () => {
  using time = new FakeTime();
  using keyboard = new Keyboard();
  keyboard.press("\x1b[<64;1");
  await time.tick(60_000);
  keyboard.press("2;3M");
  await time.tick(0);
  assert.deepEqual(keyboard.keys, [{ kind: "screen", key: "wheel-up" }]);
});

Deno.test("Alt-[ swallows nothing that is typed later", async () => {
  using time = new FakeTime();
  using keyboard = new Keyboard();
  keyboard.press("\x1b[");
  await time.tick(500);
  keyboard.press("apples");
  await time.tick(0);
  assert.deepEqual(keyboard.keys, [{ kind: "text", text: "apples" }]);
});

Deno.test("the end of the reader ends the read that is open", async () => {
  using time = new FakeTime();
  const keyboard = new Keyboard();
  keyboard.press("\x1b");
  await time.tick(0);
  keyboard[Symbol.dispose]();
  await time.tick(100);
  await keyboard.reading;
});
