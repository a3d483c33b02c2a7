import assert from "node:assert/strict";
import { ChatError } from "../../src/core/chat_error.ts";
import { silentLog } from "../../src/core/log.ts";
import { BackgroundWorker } from "../../src/host/background_worker.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { eventually } from "../support/waiting/eventually.ts";

const entry = new URL("../support/processes/odd_worker.ts", import.meta.url).href;

interface Echo {
  settings: unknown;
  input: unknown;
  born: string;
}

type EchoJob = (settings: string) => (input: string) => Echo;

function oddWorker(options: { entry?: string; deadlineMs?: number } = {}) {
  return new BackgroundWorker<EchoJob>({
    job: "search",
    settings: "some settings",
    deadlineMs: 60_000,
    log: silentLog,
    entry,
    ...options,
  });
}

Deno.test("one worker runs tasks one at a time, with its settings", async () => {
  using worker = oddWorker();
  const all = ["one", "two", "three"].map((input) => worker.run(input));
  const done = await Promise.all(all);
  assert.deepEqual(done.map(({ input }) => input), ["one", "two", "three"]);
  assert.deepEqual(new Set(done.map(({ settings }) => settings)), new Set(["some settings"]));
  assert.equal(new Set(done.map(({ born }) => born)).size, 1);
});

Deno.test("a task that takes too long is abandoned, and the next gets a new worker", async () => {
  using worker = oddWorker({ deadlineMs: 5_000 });
  const { born } = await worker.run("one");
  const hanging = worker.run("hang");
  await rejectsWith("limit_reached", hanging);
  assert.notEqual((await worker.run("two")).born, born);
});

Deno.test("tasks are refused while two workers continue abandoned tasks", async () => {
  using worker = oddWorker({ deadlineMs: 2_000 });
  for (let count = 0; count < 2; count++) await rejectsWith("limit_reached", worker.run("hang"));
  await Promise.all(["one", "two"].map((input) => rejectsWith("busy", worker.run(input))));
});

Deno.test("a worker that finished its abandoned task makes room for another", async () => {
  using worker = oddWorker({ deadlineMs: 1_000 });
  for (let count = 0; count < 2; count++) await rejectsWith("limit_reached", worker.run("dawdle"));
  await eventually(async () => {
    const answer = await worker.run("one").catch((error) => error);
    return !(answer instanceof ChatError);
  });
});

Deno.test("a task fails with its worker, waiting tasks get a new worker, and a ChatError keeps its code", async () => {
  using worker = oddWorker();
  const { born } = await worker.run("one");
  for (const input of ["die", "fail"]) {
    const failing = worker.run(input);
    const waiting = worker.run("two");
    await assert.rejects(failing, /as told/);
    assert.notEqual((await waiting).born, born);
  }
  const refused = await rejectsWith("not_found", worker.run("refuse"));
  assert.equal(refused.message, "There is none.");
});

Deno.test("close() refuses running, waiting and later tasks", async () => {
  const worker = oddWorker();
  // Handled before they reject: an unhandled rejection ends the program.
  const refused = [worker.run("hang"), worker.run("one")].map((each) => rejectsWith("unavailable", each));
  worker[Symbol.dispose]();
  await Promise.all(refused);
  await rejectsWith("unavailable", worker.run("two"));
  worker[Symbol.dispose]();
});

Deno.test("a task fails when the program cannot be loaded", async () => {
  using worker = oddWorker({ entry: new URL("no_such_file.ts", entry).href });
  await assert.rejects(worker.run("one"), /died/);
});

Deno.test({
  name: "a task without the permission to load the program is refused, and the log names the permission",
  permissions: { read: false },
  async fn() {
    const logged: unknown[] = [];
    const log = { ...silentLog, error: (_event: string, details: unknown) => void logged.push(details) };
    using worker = new BackgroundWorker<EchoJob>({ job: "search", settings: "", deadlineMs: 1_000, log, entry });
    await rejectsWith("unavailable", worker.run({} as never));
    assert.match(JSON.stringify(logged), /--allow-read=[^"]+odd_worker\.ts,/);
  },
});
