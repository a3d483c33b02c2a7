import assert from "node:assert/strict";
import { standardRooms, Town } from "../../../../src/bench/workloads/people/town.ts";

const names = Array.from({ length: 1_050 }, (_, i) => `bench-${i}`);

Deno.test("a town has rooms of 5 to 500 different members, three for each person, the same in every run", () => {
  const town = new Town(1_050, standardRooms);
  assert.deepEqual(town.rooms, new Town(1_050, standardRooms).rooms);
  assert.equal(town.rooms.length, 218);
  const sizes = town.rooms.map(({ members }) => members.length);
  assert.deepEqual([Math.min(...sizes), Math.max(...sizes)], [5, 500]);
  for (const { members, others } of town.rooms) {
    assert.equal(new Set(members).size, members.length);
    assert.ok(members.every((person) => person >= 0 && person < 1_050));
    assert.equal(others, members.length - 1);
  }
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) / 1_050 > 3);
});

Deno.test("people write to rooms that they are in, and otherwise to one other person", () => {
  const town = new Town(1_050, standardRooms);
  const counts = { direct: 0, small: 0, middle: 0, large: 0 };
  for (let i = 0; i < 21_000; i++) {
    const person = i % 1_050;
    const { to, others } = town.place(person, names);
    const room = town.rooms.find((room) => room.to === to);
    if (room === undefined) assert.ok(names.includes(to) && to !== names[person] && others === 1);
    else assert.ok(room.members.includes(person) && others === room.members.length - 1);
    counts[others === 1 ? "direct" : others < 20 ? "small" : others < 100 ? "middle" : "large"]++;
  }
  const { direct, small, middle, large } = counts;
  assert.ok(direct > small && small > middle && middle > large && large > 0, JSON.stringify(counts));
});

Deno.test("people without rooms write to each other", () => {
  const town = new Town(60, []);
  assert.deepEqual(new Set(Array.from({ length: 200 }, () => town.place(0, names).others)), new Set([1]));
});
