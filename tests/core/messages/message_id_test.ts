import assert from "node:assert/strict";
import fc from "fast-check";
import type { ChatErrorCode } from "../../../src/core/chat_error.ts";
import {
  checkMessageIdTime,
  createMessageId,
  messageIdLeadMs,
  messageIdLifetimeMs,
  messageIdOf,
  messageIdTime,
  parseMessageId,
} from "../../../src/core/messages/message_id.ts";
import { throwsWith } from "../../support/checks/chat_error_assertions.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";

const now = Date.UTC(2025, 0, 1);

Deno.test("a message id is a UUIDv7 that holds its time", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (time) => {
    const id = createMessageId(time);
    assert.equal(parseMessageId(id), id);
    assert.equal(messageIdTime(id), time);
  }));
});

Deno.test("message ids sort by their time, and are unique", () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => createMessageId(now + index));
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(Array.from({ length: 1_000 }, () => createMessageId(now))).size, 1_000);
});

Deno.test("parseMessageId() ignores case", () => {
  const id = createMessageId(now);
  assert.equal(parseMessageId(id.toUpperCase()), id);
});

Deno.test("parseMessageId() refuses other text, and repeats only its beginning", () => {
  const id = createMessageId(now);
  const version4 = "3b241101-e2bb-4255-8caf-4136c566a962";
  const otherVariant = id.slice(0, 19) + "0" + id.slice(20);
  for (const wrong of ["", "x", version4, otherVariant, ` ${id}`, `${id}\n`, `{${id}}`, id.replaceAll("-", "")]) {
    throwsWith("invalid_argument", () => parseMessageId(wrong));
  }
  const error = throwsWith("invalid_argument", () => parseMessageId("\u001b".repeat(60_000)));
  assert.ok(error.message.length < 500 && !error.message.includes("\u001b"));
});

Deno.test("an id is valid from 30 days in the past to 24 hours in the future, to the millisecond", () => {
  const at = (time: number) => checkMessageIdTime(createMessageId(time), new FakeClock(now));
  at(now);
  at(now - messageIdLifetimeMs);
  at(now + messageIdLeadMs);
  throwsWith("message_id_expired", () => at(now - messageIdLifetimeMs - 1));
  throwsWith("message_id_in_future", () => at(now + messageIdLeadMs + 1));
});

Deno.test("messageIdOf() depends on nothing but the time and the digest", () => {
  const digest = new Uint8Array(32).fill(0xab);
  const id = messageIdOf(1_700_000_000_123, digest);
  assert.equal(parseMessageId(id), id);
  assert.equal(messageIdTime(id), 1_700_000_000_123);
  assert.equal(messageIdOf(1_700_000_000_123, digest), id);
  assert.notEqual(messageIdOf(1_700_000_000_124, digest), id);
  assert.notEqual(messageIdOf(1_700_000_000_123, digest.map((byte) => byte ^ 1)), id);
  assert.ok(digest.every((byte) => byte === 0xab));
});

const year = 365 * 24 * 60 * 60 * 1000;

/** The refusal of an id made at that time, while the clock of the server differs from the expected time. */
function refusalOf(made: number, code: ChatErrorCode, expected?: number): string {
  const clock = new FakeClock(now, { expected });
  return throwsWith(code, () => checkMessageIdTime(createMessageId(made), clock)).message;
}

Deno.test("the refusal of an id names both times and the clock that is wrong", () => {
  for (const [made, code] of [[now - year, "message_id_expired"], [now + year, "message_id_in_future"]] as const) {
    const message = refusalOf(made, code);
    for (const time of [made, now]) assert.ok(message.includes(new Date(time).toISOString()), message);
    assert.match(message, /set the clock of your machine/);
    assert.match(refusalOf(made, code, made), /the server's clock is wrong/);
  }
});

Deno.test("an id made now is valid while a far later time is expected, because that time may be wrong", () => {
  for (const made of [now - messageIdLeadMs, now, now + messageIdLeadMs]) {
    checkMessageIdTime(createMessageId(made), new FakeClock(now, { expected: now + year }));
  }
});

Deno.test("an id that may have been forgotten is refused while the clock of the server is behind", () => {
  const made = now - messageIdLifetimeMs + 1;
  checkMessageIdTime(createMessageId(made), new FakeClock(now));
  const message = refusalOf(made, "message_id_expired", now + year);
  for (const time of [made, now, now + year]) assert.ok(message.includes(new Date(time).toISOString()), message);
  assert.match(message, /the server's clock is wrong/);
});
