import assert from "node:assert/strict";
import { RecentMap } from "../../src/core/recent_map.ts";

function filled(capacity: number, keys: string): RecentMap<string, string> {
  const map = new RecentMap<string, string>(capacity);
  for (const key of keys) map.set(key, key.toUpperCase());
  return map;
}

function keysOf(map: RecentMap<string, string>): string {
  return [..."abcdef"].filter((key) => map.peek(key) !== undefined).join("");
}

Deno.test("a recent map forgets what was used longest ago", () => {
  const map = filled(3, "abc");
  assert.equal(map.get("a"), "A");
  map.set("d", "D");
  assert.equal(keysOf(map), "acd");
  assert.equal(map.peek("c"), "C");
  map.set("e", "E");
  assert.equal(keysOf(map), "ade");
});

Deno.test("setting a key again changes its value, and counts as use", () => {
  const map = filled(2, "ab");
  map.set("a", "again");
  assert.equal(map.size, 2);
  map.set("c", "C");
  assert.equal(keysOf(map), "ac");
  assert.equal(map.get("a"), "again");
  map.delete("a");
  assert.equal(map.get("a"), undefined);
});

Deno.test("setting a key again in a full map forgets none", () => {
  const map = new RecentMap<string, number>(2);
  map.set("one", 1);
  map.set("two", 2);
  map.set("two", 3);
  assert.deepEqual([map.get("one"), map.get("two")], [1, 3]);
});

Deno.test("updating a key changes its value, and does not count as use", () => {
  const map = filled(2, "ab");
  map.update("a", "again");
  assert.equal(map.peek("a"), "again");
  map.update("c", "C");
  assert.equal(keysOf(map), "bc");
});

Deno.test("what is to be kept stays, also beyond the capacity", () => {
  const map = new RecentMap<string, string>(2);
  const keeps = (key: string) => "abd".includes(key);
  for (const key of "abc") map.set(key, key, keeps);
  assert.equal(keysOf(map), "abc");
  map.set("d", "d", keeps);
  assert.equal(keysOf(map), "abd");
  map.set("e", "e", () => false);
  assert.equal(map.size, 2);
  assert.equal(map.peek("e"), "e");
});

Deno.test("a map full of keys to be kept looks at few of them for each further one, and shrinks once they may go", () => {
  const map = new RecentMap<number, number>(10);
  let looks = 0;
  let mustStay = true;
  const keeps = () => {
    looks++;
    return mustStay;
  };
  for (let key = 0; key < 1_000; key++) map.set(key, key, keeps);
  assert.equal(map.size, 1_000);
  assert.ok(looks <= 8 * 1_000, `${looks} looks`);
  mustStay = false;
  for (let key = 1_000; key < 1_150; key++) map.set(key, key, keeps);
  assert.equal(map.size, 10);
  assert.equal(map.peek(1_149), 1_149);
});
