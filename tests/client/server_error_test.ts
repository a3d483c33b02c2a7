import assert from "node:assert/strict";
import fc from "fast-check";
import { isChatErrorCode, reportedError } from "../../src/core/chat_error.ts";
import { serverError } from "../../src/client/server_error.ts";

// deno-lint-ignore no-control-regex -- this test is about control characters
const controls = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u2028\u2029]/;

Deno.test("the text of a server's error is one line without control characters", () => {
  const words = fc.array(fc.oneof(
    fc.constantFrom("\x1b]0;title\x07", "\x1b[2J", "\r\nforged", "\x9b31m", "\u202e", "\u2066", "\u2028"),
    fc.string({ unit: "binary" }),
  )).map((parts) => parts.join(""));
  fc.assert(fc.property(words, words, (message, code) => {
    assert.doesNotMatch(reportedError({ code: "busy", message, retryAfterMs: undefined }).message, controls);
    assert.doesNotMatch(serverError({ code, message, retryAfterMs: 0 }).message, controls);
    assert.doesNotMatch(serverError({ code, message: "", retryAfterMs: 0 }).message, controls);
  }));
  const long = reportedError({ code: "busy", message: "x".repeat(1_000_000), retryAfterMs: undefined });
  assert.equal(long.message.length, 2_000);
});

Deno.test("a server can make a client wait for 10 minutes at most", () => {
  const wait = (retryAfterMs: number | undefined) =>
    reportedError({ code: "busy", message: "later", retryAfterMs }).retryAfterMs;
  assert.equal(wait(1_500), 1_500);
  assert.deepEqual([2 ** 40, Infinity, 600_001].map(wait), [600_000, 600_000, 600_000]);
  assert.deepEqual([undefined, NaN, 0, -1, -Infinity].map(wait), Array(5).fill(undefined));
});

Deno.test("an unknown code becomes internal", () => {
  assert.equal(isChatErrorCode("slow_consumer"), true);
  for (const other of ["", "constructor", "of_a_newer_server", undefined, 7]) {
    assert.equal(isChatErrorCode(other), false);
  }
  assert.equal(serverError({ code: "of_a_newer_server", message: "?", retryAfterMs: 0 }).code, "internal");
});
