import assert from "node:assert/strict";
import { type Moves, PendingMoves } from "../../../src/core/messages/pending_moves.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";

const conversation = "ana:ben";

/** The moves of a commit, in its order: "ui 3" for a cursor, "ana 3" for a read position, "ana 3 own" for an own one. */
function described(moves: Moves): string[] {
  return [...moves.values()].map((move) =>
    move.kind === "move_cursor"
      ? `${move.consumer} ${move.position}`
      : `${move.user} ${move.seq}${move.ownOnly ? " own" : ""}`
  );
}

function open() {
  const time = new FakeTime();
  const counted = { due: 0 };
  const moves = new PendingMoves(() => void counted.due++);
  /** Takes the moves for a commit that ends at once. */
  const commit = () => {
    const taken = moves.take();
    moves.settled();
    return described(taken);
  };
  return { time, counted, moves, commit, [Symbol.dispose]: () => time[Symbol.dispose]() };
}

Deno.test("a commit takes all read positions, and cursors only when they are due", async () => {
  using test = open();
  const { time, counted, moves, commit } = test;
  moves.moveCursor("d1", "ui", 7);
  moves.moveRead(conversation, "ana", 1);
  moves.moveRead(conversation, "ana", 3);
  moves.moveRead(conversation, "ana", 2);
  assert.equal(moves.isDue, false);
  await time.tick(499);
  assert.equal(counted.due, 0);
  await time.tick(1);
  assert.deepEqual([counted.due, moves.isDue], [1, true]);
  assert.deepEqual(commit(), ["ana 3"]);
  assert.equal(moves.isDue, false);
  await time.tick(1_500);
  assert.deepEqual([counted.due, moves.isDue], [2, true]);
  assert.deepEqual(commit(), ["ui 7"]);
  assert.deepEqual([moves.isDue, time.pending], [false, 0]);
});

Deno.test("own messages move a read position after those that users set, whichever came first", async () => {
  using test = open();
  const { time, moves, commit } = test;
  moves.moveOwnRead(conversation, "ana", 4);
  moves.moveOwnRead(conversation, "ana", 5);
  await time.tick(500);
  moves.moveRead(conversation, "ana", 3);
  assert.deepEqual(commit(), ["ana 3", "ana 5 own"]);
  assert.equal(time.pending, 0);
});

Deno.test("moves that are put back give way to newer ones, and keep their order", () => {
  using test = open();
  const { time, moves, commit } = test;
  moves.moveRead(conversation, "ana", 3);
  moves.moveRead(conversation, "ben", 3);
  moves.moveCursor("d1", "ui", 3);
  moves.moveCursor("d1", "tail", 3);
  moves.makeDue();
  const taken = moves.take();
  moves.moveRead(conversation, "ana", 5);
  moves.moveOwnRead(conversation, "ben", 6);
  moves.moveCursor("d1", "ui", 5);
  moves.makeDue();
  moves.settled();
  moves.putBack(taken);
  assert.equal(moves.isDue, true);
  moves.makeDue();
  assert.deepEqual(commit(), ["ana 5", "ben 3", "ben 6 own", "ui 5", "tail 3"]);
  assert.equal(time.pending, 0);
});

Deno.test("a read position that is being committed is not set again, and may be set again if it comes back", () => {
  using test = open();
  const { moves, commit } = test;
  moves.moveRead(conversation, "ana", 3);
  moves.take();
  moves.moveRead(conversation, "ana", 3);
  assert.deepEqual(commit(), []);
  moves.moveRead(conversation, "ana", 3);
  assert.deepEqual(commit(), ["ana 3"]);
});

Deno.test("waitingCursor() returns the highest position that waits or is being committed", () => {
  using test = open();
  const { moves, commit } = test;
  assert.equal(moves.waitingCursor("d1", "ui"), undefined);
  moves.moveCursor("d1", "ui", 5);
  moves.moveCursor("d1", "ui", 4);
  moves.moveCursor("d2", "ui", 9);
  assert.equal(moves.waitingCursor("d1", "ui"), 5);
  moves.makeDue();
  moves.take();
  assert.equal(moves.waitingCursor("d1", "ui"), 5);
  assert.equal(moves.waitingCursor("d1", "tail"), undefined);
  moves.moveCursor("d1", "ui", 3);
  assert.equal(moves.waitingCursor("d1", "ui"), 5);
  moves.moveCursor("d1", "ui", 6);
  assert.equal(moves.waitingCursor("d1", "ui"), 6);
  moves.settled();
  moves.makeDue();
  assert.deepEqual(commit(), ["ui 6"]);
  assert.equal(moves.waitingCursor("d1", "ui"), undefined);
});

Deno.test("makeDue() leaves no timer", () => {
  using test = open();
  const { time, moves, commit } = test;
  moves.makeDue();
  assert.equal(moves.isDue, false);
  moves.moveOwnRead(conversation, "ana", 1);
  moves.moveRead(conversation, "ben", 1);
  moves.moveCursor("d1", "ui", 1);
  moves.makeDue();
  assert.deepEqual([time.pending, moves.isDue], [0, true]);
  assert.deepEqual(commit(), ["ben 1", "ana 1 own", "ui 1"]);
});
