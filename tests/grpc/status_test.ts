import assert from "node:assert/strict";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ChatError } from "../../src/core/chat_error.ts";
import { toReceivedError } from "../../src/grpc/client/received_error.ts";
import { statusOf } from "../../src/grpc/client/service_error.ts";
import { toStatus } from "../../src/grpc/status.ts";

/** The error that a client of grpc-js makes of a status. */
function received(code: status, details: string, metadata: Record<string, string> = {}): ChatError {
  const error: ServiceError = Object.assign(new Error(details), { code, details, metadata: new Metadata() });
  for (const [key, value] of Object.entries(metadata)) error.metadata.set(key, value);
  return toReceivedError(statusOf(error));
}

Deno.test("an error goes through a status unchanged", () => {
  const error = new ChatError("busy", "Too much waits: try again.", { retryAfterMs: 1_500.2 });
  const { code, details = "", metadata } = toStatus(error);
  assert.equal(code, status.UNAVAILABLE);
  const arrived = received(code, details, Object.fromEntries(metadata!));
  assert.deepEqual([arrived.code, arrived.message, arrived.retryAfterMs], ["busy", error.message, 1_501]);
});

Deno.test("an error that nobody expected is a status without its detail", () => {
  const { code, details } = toStatus(new Error("secret path"));
  assert.equal(code, status.INTERNAL);
  assert.doesNotMatch(details!, /secret/);
});

Deno.test("a status without a code of the chat is understood as well as it can be", () => {
  const codeOf = (code: status, details = "", metadata = {}) => received(code, details, metadata).code;
  assert.equal(codeOf(status.UNAVAILABLE), "unavailable");
  assert.equal(codeOf(status.RESOURCE_EXHAUSTED), "rate_limited");
  assert.equal(
    codeOf(status.RESOURCE_EXHAUSTED, "Received message larger than max (70000 vs 65536)"),
    "invalid_argument",
  );
  // "<html": a proxy whose server is away.
  assert.equal(
    codeOf(status.RESOURCE_EXHAUSTED, "Received message larger than max (1752460652 vs 4194304)"),
    "unavailable",
  );
  assert.equal(codeOf(status.DATA_LOSS), "internal");
  for (const unknown of ["of_a_newer_server", "constructor", ""]) {
    assert.equal(codeOf(status.NOT_FOUND, "", { "chatd-error-code": unknown }), "not_found");
  }
});

Deno.test("what a server says is one harmless line, and a wait that it asks for has an end", () => {
  const words = "\x1b]0;title\x07\r\nforged \u202e";
  const arrived = received(status.UNAVAILABLE, words, { "chatd-retry-after-ms": "1e40" });
  assert.equal(arrived.message, "␛]0;title␇␍␊forged \uFFFD");
  assert.equal(arrived.retryAfterMs, 600_000);
  const nonsense = received(status.UNAVAILABLE, "later", { "chatd-retry-after-ms": "soon" });
  assert.equal(nonsense.retryAfterMs, undefined);
});
