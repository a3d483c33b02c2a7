import assert from "node:assert/strict";
import { parseConsumer, parseLimit } from "../../src/wire/limits.ts";
import { throwsWith } from "../support/checks/chat_error_assertions.ts";

Deno.test("a limit of 0 is the standard limit, and a limit beyond the maximum is refused", () => {
  const limits = { standard: 50, most: 200 };
  assert.deepEqual([0, 1, 200].map((limit) => parseLimit(limit, limits)), [50, 1, 200]);
  assert.match(throwsWith("invalid_argument", () => parseLimit(201, limits)).message, /201.*200/);
});

Deno.test("a consumer without a name is called ui", () => {
  assert.equal(parseConsumer(""), "ui");
  for (const name of ["ui", "0", "tail:alerts", "a.b_c-d:e", "a".repeat(64)]) assert.equal(parseConsumer(name), name);
});

Deno.test("the name of a consumer is safe to print", () => {
  for (const name of ["UI", "-a", "a b", "a/b", "é", "a\n", "a".repeat(65)]) {
    throwsWith("invalid_argument", () => parseConsumer(name));
  }
  const { message } = throwsWith("invalid_argument", () => parseConsumer("\u001b".repeat(60_000)));
  assert.ok(message.length < 1_000 && !message.includes("\u001b"));
});
