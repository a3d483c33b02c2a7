import assert from "node:assert/strict";
import { HashQueue } from "../../../src/core/accounts/hash_queue.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";

function taskList() {
  const started: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const task = (name: string) => {
    gates.set(name, Promise.withResolvers());
    return async () => {
      started.push(name);
      await gates.get(name)?.promise;
    };
  };
  return { started, finish: (name: string) => gates.get(name)?.resolve(), task };
}

Deno.test("the queue starts another origin's task before more of one that is running", async () => {
  const queue = new HashQueue({ running: 1, waiting: 4 });
  const { started, finish, task } = taskList();
  const all = [
    queue.run("flood", task("flood 1")),
    queue.run("flood", task("flood 2")),
    queue.run("flood", task("flood 3")),
    queue.run("ana", task("ana")),
  ];
  for (const name of ["flood 1", "ana", "flood 2", "flood 3"]) finish(name);
  await Promise.all(all);
  assert.deepEqual(started, ["flood 1", "ana", "flood 2", "flood 3"]);
});

Deno.test("a full queue makes way for an origin that has less in it", async () => {
  const queue = new HashQueue({ running: 1, waiting: 2 });
  const { started, finish, task } = taskList();
  const first = queue.run("flood", task("flood 1"));
  const second = queue.run("flood", task("flood 2"));
  const third = rejectsWith("busy", queue.run("flood", task("flood 3")));
  const ana = queue.run("ana", task("ana"));
  await third;
  await rejectsWith("busy", queue.run("flood", task("flood 4")));
  await rejectsWith("busy", queue.run("ana", task("ana again")));
  for (const name of ["flood 1", "ana", "flood 2"]) finish(name);
  await Promise.all([first, ana, second]);
  assert.deepEqual(started, ["flood 1", "ana", "flood 2"]);
});

Deno.test("a task that waited too long is busy, and never starts", async () => {
  const queue = new HashQueue({ running: 1, waiting: 2, maxWaitMs: 1 });
  const { started, finish, task } = taskList();
  const first = queue.run("ana", task("first"));
  await rejectsWith("busy", queue.run("ben", task("second")));
  finish("first");
  await first;
  assert.deepEqual(started, ["first"]);
});

Deno.test("a task that fails leaves its place", async () => {
  const queue = new HashQueue({ running: 1 });
  await assert.rejects(queue.run("ana", () => Promise.reject(new Error("no"))), /no/);
  assert.equal(await queue.run("ana", () => Promise.resolve("yes")), "yes");
});
