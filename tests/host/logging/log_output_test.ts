import assert from "node:assert/strict";
import { LogOutput, type LogSink } from "../../../src/host/logging/log_output.ts";

/** A pipe that accepts writes only while it is read. */
class Pipe implements LogSink {
  text = "";
  writes: number[] = [];
  /** The errors of the next writes; undefined lets one succeed. */
  readonly failures: (Error | undefined)[] = [];
  /** The most bytes that one write accepts. */
  atMost = Infinity;
  #open = Promise.withResolvers<void>();

  async write(bytes: Uint8Array): Promise<number> {
    await this.#open.promise;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const taken = bytes.subarray(0, this.atMost);
    this.text += new TextDecoder().decode(taken);
    this.writes.push(taken.length);
    return taken.length;
  }

  get lines(): string[] {
    return this.text.trimEnd().split("\n");
  }

  read(): void {
    this.#open.resolve();
  }

  stick(): void {
    this.#open = Promise.withResolvers();
  }
}

function open(options: { maxWaitingBytes?: number } = {}) {
  const pipe = new Pipe();
  const output = new LogOutput(pipe, { describeLoss: (lines) => `left out ${lines}`, retryMs: 1, ...options });
  return { pipe, output };
}

Deno.test("lines are written whole and in order, many in one write", async () => {
  const { pipe, output } = open();
  const lines = Array.from({ length: 1000 }, (_, index) => `line ${index} ${"x".repeat(index % 50)}`);
  for (const line of lines) output.write(line);
  pipe.read();
  await output.flush();
  assert.deepEqual(pipe.lines, lines);
  assert.ok(pipe.writes.length < 20, String(pipe.writes.length));
  // A larger write would not be atomic on a pipe that the supervisor also writes to.
  assert.ok(pipe.writes.every((bytes) => bytes <= 4096));
  assert.equal(output.dropped, 0);
});

Deno.test("a blocked pipe queues lines up to a bound, and further lines are counted and reported later", async () => {
  const { pipe, output } = open({ maxWaitingBytes: 1000 });
  for (let index = 100; index < 400; index++) output.write(`line: ${index}`);
  assert.equal(output.dropped, 200);
  pipe.read();
  await output.flush();
  output.write("later");
  await output.flush();
  const kept = Array.from({ length: 100 }, (_, index) => `line: ${index + 100}`);
  assert.deepEqual(pipe.lines, [...kept, "left out 200", "later"]);
  assert.equal(output.dropped, 200);
});

Deno.test("a slow reader gets runs of lines, not a report after each", async () => {
  const { pipe, output } = open({ maxWaitingBytes: 16 * 1024 });
  pipe.read();
  let written = 0;
  // The pipe takes one write of at most 4 KiB in a turn; 80 KiB are written meanwhile.
  for (let turn = 0; turn < 40; turn++) {
    for (let index = 0; index < 1000; index++) output.write(`${String(written++).padEnd(79)}`);
    await Promise.resolve();
  }
  await output.flush();
  const notes = pipe.lines.filter((line) => line.startsWith("left out"));
  const told = notes.reduce((sum, note) => sum + Number(note.split(" ")[2]), 0);
  assert.equal(told, output.dropped);
  assert.equal(pipe.lines.length - notes.length + told, written);
  assert.ok(notes.length > 0 && notes.length * 50 < pipe.lines.length, `${notes.length} of ${pipe.lines.length}`);
  const numbers = pipe.lines.filter((line) => !line.startsWith("left out")).map(Number);
  assert.deepEqual(numbers, numbers.toSorted((one, other) => one - other));
});

Deno.test("a line longer than the bound is dropped, and later lines are written", async () => {
  const { pipe, output } = open({ maxWaitingBytes: 1000 });
  pipe.read();
  for (const line of ["x".repeat(1000), "one", "two"]) {
    output.write(line);
    await output.flush();
  }
  assert.deepEqual(pipe.lines, ["left out 1", "one", "two"]);
  pipe.stick();
  for (const line of ["three", "x".repeat(1000), "four"]) output.write(line);
  pipe.read();
  await output.flush();
  assert.deepEqual(pipe.lines.slice(3), ["three", "left out 1", "four"]);
  assert.equal(output.dropped, 2);
});

Deno.test("flush() gives up on a pipe that stays blocked", async () => {
  const { pipe, output } = open();
  output.write("one");
  await output.flush(10);
  assert.equal(pipe.text, "");
  pipe.read();
  await output.flush();
  assert.equal(pipe.text, "one\n");
});

Deno.test("lines are dropped and counted after the reader is gone", async () => {
  const { pipe, output } = open();
  pipe.failures.push(new Deno.errors.BrokenPipe("gone"));
  pipe.read();
  output.write("one");
  output.write("two");
  await output.flush();
  output.write("three");
  await output.flush();
  assert.deepEqual([pipe.text, pipe.failures.length, output.dropped], ["", 0, 3]);
});

Deno.test("a full disk loses lines, and the next written line reports how many", async () => {
  const { pipe, output } = open();
  pipe.failures.push(...Array.from({ length: 3 }, () => new Error("ENOSPC")));
  pipe.read();
  for (const line of ["one", "two", "three"]) {
    output.write(line);
    await output.flush();
  }
  assert.deepEqual(pipe.lines, ["left out 2", "three"]);
  assert.equal(output.dropped, 2);
});

Deno.test("a partly written line is ended before the next", async () => {
  const { pipe, output } = open();
  pipe.atMost = 2;
  pipe.failures.push(undefined, undefined, new Error("ENOSPC"));
  pipe.read();
  output.write("a long line");
  await output.flush();
  pipe.atMost = Infinity;
  output.write("next");
  await output.flush();
  assert.deepEqual(pipe.lines, ["a lo", "left out 1", "next"]);
});

Deno.test("a pipe that another process made non-blocking is tried again while it is full", async () => {
  const { pipe, output } = open();
  pipe.failures.push(new Deno.errors.WouldBlock(""), new Deno.errors.WouldBlock(""));
  pipe.read();
  output.write("one");
  await output.flush();
  assert.equal(pipe.text, "one\n");
  assert.equal(output.dropped, 0);
});
