import assert from "node:assert/strict";
import { Attention } from "../../../../src/terminal/chat/person/attention.ts";
import { ManualTimers } from "../../../support/fakes/manual_timers.ts";

function attention() {
  const timers = new ManualTimers();
  const changes: boolean[] = [];
  return { timers, changes, attention: new Attention({ timers, onChanged: (isPresent) => changes.push(isPresent) }) };
}

Deno.test("without reports of the focus, a person is present for 30 seconds after a key", async () => {
  const { attention: person, timers, changes } = attention();
  assert.equal(person.isPresent, false);
  person.noticed();
  await timers.advance(20_000);
  person.noticed();
  await timers.advance(29_999);
  assert.equal(person.isPresent, true);
  await timers.advance(1);
  assert.deepEqual([person.isPresent, ...changes], [false, true, false]);
});

Deno.test("a terminal that lost the focus has no person until it gets it back", async () => {
  const { attention: person, timers, changes } = attention();
  person.noticed();
  person.focusReported(false);
  assert.deepEqual([changes, timers.pending], [[true, false], 0]);
  person.focusReported(true);
  await timers.advance(5 * 60_000 - 1);
  assert.equal(person.isPresent, true);
  await timers.advance(1);
  assert.deepEqual(changes, [true, false, true, false]);
});

Deno.test("the focus that a terminal had already says nothing new", async () => {
  const { attention: person, timers } = attention();
  person.focusReported(true);
  await timers.advance(5 * 60_000);
  person.focusReported(true);
  assert.equal(person.isPresent, false);
});

Deno.test("a key in a terminal that lost the focus is a sign of the person", () => {
  const { attention: person, changes } = attention();
  person.focusReported(false);
  person.noticed();
  assert.equal(person.isPresent, true);
  person.focusReported(false);
  assert.deepEqual(changes, [true, false]);
  person.close();
});
