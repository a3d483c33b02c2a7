import assert from "node:assert/strict";
import type { ClientState } from "../../../../src/client/chat_client.ts";
import { ChatError } from "../../../../src/core/chat_error.ts";
import { ReadMarks } from "../../../../src/terminal/chat/person/read_marks.ts";
import { ManualTimers } from "../../../support/fakes/manual_timers.ts";

const offline: ClientState = { kind: "offline", reason: new ChatError("unavailable", "No."), retryAt: 0 };
const online = { kind: "online" } as ClientState;

function marks() {
  const timers = new ManualTimers();
  const attempts: string[] = [];
  const client = {
    state: online,
    failure: undefined as ChatError | undefined,
    people: {
      read: (address: string, seq: number) => {
        attempts.push(`${address} ${seq}`);
        return client.failure === undefined ? Promise.resolve() : Promise.reject(client.failure);
      },
    },
  };
  return { timers, attempts, client, marks: new ReadMarks(client as never, timers) };
}

Deno.test("positions are told once, the last of a moment", async () => {
  const { marks: read, timers, attempts } = marks();
  read.read("ben", 1);
  read.read("ben", 2);
  await timers.advance(500);
  read.read("ben", 2);
  read.read("ben", 1);
  await timers.advance(60_000);
  assert.deepEqual(attempts, ["ben 2"]);
});

Deno.test("what was read without a connection is told over the next one", async () => {
  const { marks: read, timers, attempts, client } = marks();
  client.state = offline;
  read.read("ben", 2);
  await timers.advance(60_000);
  assert.deepEqual([attempts, timers.pending], [[], 0]);
  client.state = online;
  read.connected();
  await timers.advance(500);
  assert.deepEqual(attempts, ["ben 2"]);
});

Deno.test("a failed attempt is repeated, though the connection stays", async () => {
  const { marks: read, timers, attempts, client } = marks();
  client.failure = new ChatError("busy", "Wait.");
  read.read("ben", 2);
  await timers.advance(500);
  client.failure = undefined;
  read.read("ben", 2);
  await timers.advance(5_000);
  await timers.advance(60_000);
  assert.deepEqual(attempts, ["ben 2", "ben 2"]);
});

Deno.test("a position that the server refuses for good is not repeated", async () => {
  const { marks: read, timers, attempts, client } = marks();
  client.failure = new ChatError("not_found", "No such room.");
  read.read("+ops", 2);
  await timers.advance(60_000);
  assert.deepEqual([attempts, timers.pending], [["+ops 2"], 0]);
});

Deno.test("positions of a log that was put back are told again in the new one", async () => {
  const { marks: read, timers, attempts } = marks();
  read.read("ben", 9);
  await timers.advance(500);
  read.forget();
  read.read("ben", 4);
  await timers.advance(500);
  assert.deepEqual(attempts, ["ben 9", "ben 4"]);
});

Deno.test("at the end, positions are told at once, newer ones after those that are on their way", async () => {
  const { marks: read, timers, attempts, client } = marks();
  const answer = Promise.withResolvers<void>();
  const first = client.people.read;
  client.people.read = (address, seq) => first(address, seq).then(() => seq === 1 ? answer.promise : undefined);
  read.read("ben", 1);
  await timers.advance(500);
  read.read("ben", 2);
  read.read("+ops", 7);
  const told = read.tellNow();
  answer.resolve();
  await told;
  assert.deepEqual(attempts, ["ben 1", "+ops 7", "ben 2"]);
});
