import assert from "node:assert/strict";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { ItemBytes } from "../../src/wire/item_bytes.ts";

const numberTag = (3 << 3) | 0;
const stringTag = (4 << 3) | 2;
const outerTag = (5 << 3) | 2;

const number = fc.oneof(
  fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  fc.integer({ min: 0, max: 52 }).chain((bits) => fc.constantFrom(2 ** bits - 1, 2 ** bits, 2 ** bits + 1)),
);
const string = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.tuple(fc.constantFrom("x", "é", "€", "🙂"), fc.constantFrom(42, 43, 64, 127, 128, 160, 161, 8_000, 30_000))
    .map(([unit, times]) => unit.repeat(times)),
);
const fields = fc.array(fc.oneof(number, string), { maxLength: 12 });

function write(bytes: ItemBytes, values: readonly (number | string)[], before: number): Uint8Array {
  bytes.begin(
    values.length,
    values.reduce<number>((sum, each) => sum + (typeof each === "string" ? each.length : 0), 0),
  );
  for (const value of values) {
    if (typeof value === "number") bytes.number(numberTag, value);
    else bytes.string(stringTag, value);
  }
  bytes.within(outerTag);
  bytes.numberBefore(numberTag, before);
  bytes.within(outerTag);
  return bytes.end();
}

function expected(values: readonly (number | string)[], before: number): Uint8Array {
  const writer = new BinaryWriter().uint32(outerTag).fork();
  if (before !== 0) writer.uint32(numberTag).uint64(before);
  writer.uint32(outerTag).fork();
  for (const value of values) {
    if (value === 0 || value === "") continue;
    if (typeof value === "number") writer.uint32(numberTag).uint64(value);
    else writer.uint32(stringTag).string(value);
  }
  return writer.join().join().finish();
}

Deno.test("items have the bytes that the library writes, and are never overwritten", () => {
  const bytes = new ItemBytes();
  fc.assert(fc.property(fc.array(fc.tuple(fields, number), { maxLength: 10 }), (items) => {
    const written = items.map(([values, before]) => write(bytes, values, before));
    assert.deepEqual(written, items.map(([values, before]) => expected(values, before)));
  }));
});

Deno.test("bool() writes true and omits false", () => {
  const bytes = new ItemBytes();
  bytes.begin(2, 0);
  bytes.bool(numberTag, true);
  bytes.bool(numberTag, false);
  assert.deepEqual(bytes.end(), new Uint8Array([numberTag, 1]));
});
