import assert from "node:assert/strict";
import { ChatError } from "../../../../src/core/chat_error.ts";
import { Away } from "../../../../src/terminal/chat/person/away.ts";
import { ManualTimers } from "../../../support/fakes/manual_timers.ts";

function away({ fails = false } = {}) {
  const timers = new ManualTimers();
  const told: boolean[] = [];
  const people = {
    setAway: (isAway: boolean) => {
      told.push(isAway);
      return fails ? Promise.reject(new ChatError("unavailable", "Not connected.")) : Promise.resolve();
    },
  };
  return { timers, told, away: new Away({ people, timers, onChanged: () => {} }) };
}

Deno.test("an absent person is away after 5 minutes, and back when they return", async () => {
  const { away: person, timers, told } = away();
  person.presenceChanged(false);
  await timers.advance(5 * 60_000 - 1);
  assert.deepEqual(told, []);
  await timers.advance(1);
  assert.deepEqual([told, person.isAway], [[true], true]);
  person.presenceChanged(true);
  assert.deepEqual([told, person.isAway], [[true, false], false]);
});

Deno.test("a person who is absent for a moment is not away", async () => {
  const { away: person, timers, told } = away();
  person.presenceChanged(false);
  await timers.advance(60_000);
  person.presenceChanged(true);
  await timers.advance(60 * 60_000);
  assert.deepEqual([told, timers.pending], [[], 0]);
});

Deno.test("a person who said that they are away stays away until they say that they are back", async () => {
  const { away: person, timers, told } = away();
  await person.declare(true);
  person.presenceChanged(false);
  await timers.advance(60 * 60_000);
  person.presenceChanged(true);
  assert.deepEqual([told, person.isAway], [[true], true]);
  await person.declare(false);
  assert.deepEqual([told, person.isAway], [[true, false], false]);
});

Deno.test("without a connection, absence is kept, and a declaration fails", async () => {
  const { away: person, timers, told } = away({ fails: true });
  person.presenceChanged(false);
  await timers.advance(5 * 60_000);
  assert.deepEqual([told, person.isAway], [[true], true]);
  await assert.rejects(person.declare(true), ChatError);
});
