import assert from "node:assert/strict";
import {
  PromptInterrupted,
  promptNewPassword,
  promptPassword,
  type PromptTerminal,
} from "../../../src/terminal/input/password_prompt.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";

class FakeTerminal implements PromptTerminal {
  raw = false;
  shown = "";
  readonly #reads: Uint8Array[];

  constructor(...reads: (string | number[])[]) {
    this.#reads = reads.map((read) => typeof read === "string" ? new TextEncoder().encode(read) : new Uint8Array(read));
  }

  isTerminal(): boolean {
    return true;
  }

  setRaw(raw: boolean): void {
    this.raw = raw;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    assert.ok(this.raw);
    const bytes = this.#reads.shift();
    if (bytes === undefined) return Promise.resolve(null);
    buffer.set(bytes);
    return Promise.resolve(bytes.length);
  }

  write(text: string): void {
    this.shown += text;
  }
}

Deno.test("promptPassword() reads a line without showing it", async () => {
  const terminal = new FakeTerminal("sec", "ret\r");
  assert.equal(await promptPassword("Password: ", terminal), "secret");
  assert.equal(terminal.shown, "Password: \r\n");
  assert.equal(terminal.raw, false);
});

Deno.test("promptPassword() edits with backspace and Ctrl-U, and skips keys such as arrows", async () => {
  const table: [string, string][] = [
    ["abc\x7f\x7fd\r", "ad"],
    ["\x7fa\r", "a"],
    ["a🔑\x7fb\r", "ab"],
    ["wrong\x15right\r", "right"],
    ["a\x1b[Ab\x1b[1;5Cc\x1bOPd\r", "abcd"],
    ["a\tb\r", "ab"],
    ["with space\n", "with space"],
    ["no newline\x04", "no newline"],
  ];
  for (const [keys, password] of table) assert.equal(await promptPassword("", new FakeTerminal(keys)), password);
});

Deno.test("promptPassword() puts together a character that comes in two reads", async () => {
  assert.equal(await promptPassword("", new FakeTerminal([0x61, 0xc3], [0xa4, 0x0d])), "aä");
});

Deno.test("promptPassword() gives the terminal back when it is interrupted", async () => {
  for (const keys of ["abc\x03", "\x04", ""]) {
    const terminal = new FakeTerminal(keys);
    await assert.rejects(promptPassword("", terminal), PromptInterrupted);
    assert.equal(terminal.raw, false);
  }
});

Deno.test("promptPassword() refuses where there is no terminal", async () => {
  const terminal = new FakeTerminal("secret\r");
  terminal.isTerminal = () => false;
  assert.match((await rejectsWith("invalid_argument", promptPassword("", terminal))).message, /--password-file/);
  assert.equal(terminal.shown, "");
});

Deno.test("promptNewPassword() asks twice, also when both answers come at once", async () => {
  const questions = { first: "New: ", again: "Again: " };
  const terminal = new FakeTerminal("secret\rsecret\r");
  assert.equal(await promptNewPassword(questions, terminal), "secret");
  assert.equal(terminal.shown, "New: \r\nAgain: \r\n");
  assert.equal(await promptNewPassword(questions, new FakeTerminal("secret\r\n", "secret\r\n")), "secret");
  await rejectsWith("invalid_argument", promptNewPassword(questions, new FakeTerminal("secret\rother\r")));
});

Deno.test("Esc some time before the password belongs to no key of it", async () => {
  using time = new FakeTime();
  const terminal = new FakeTerminal("\x1b", "apples\r");
  const read = terminal.read.bind(terminal);
  terminal.read = async (buffer) => {
    await time.tick(4_000);
    return await read(buffer);
  };
  assert.equal(await promptPassword("Password: ", terminal), "apples");
});
