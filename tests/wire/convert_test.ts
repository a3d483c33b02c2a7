import assert from "node:assert/strict";
import { ChatError } from "../../src/core/chat_error.ts";
import type { ConversationSummary } from "../../src/core/messages/message_store.ts";
import { toHistoryResponse, toWireConversation, toWireError } from "../../src/wire/convert.ts";
import { wireMessage } from "../support/servers/wire_values.ts";

const message = {
  position: 12,
  conversation: "ana:ben",
  seq: 7,
  acceptedAt: 1_735_689_600_000,
  id: "01941f29-7c00-7aaa-8aaa-aaaaaaaaaaaa",
  sender: "ana",
  text: "hello",
  ordinal: 5,
};
const onWire = wireMessage({
  position: 12,
  conversation: "ana:ben",
  seq: 7,
  acceptedAtMs: 1_735_689_600_000,
  id: "01941f29-7c00-7aaa-8aaa-aaaaaaaaaaaa",
  sender: "ana",
  text: "hello",
  ordinal: 5,
});

Deno.test("an error for a user keeps its text", () => {
  const error = new ChatError("busy", "Try again.", { retryAfterMs: 1_500 });
  assert.deepEqual(toWireError(error), { code: "busy", message: "Try again.", retryAfterMs: 1_500 });
  assert.equal(toWireError(new ChatError("not_found", "There is none.")).retryAfterMs, 0);
});

Deno.test("an unexpected error loses its detail", () => {
  for (const thrown of [new TypeError("secret path /home"), "secret", undefined, { message: "secret" }]) {
    const { code, message, retryAfterMs } = toWireError(thrown);
    assert.deepEqual([code, retryAfterMs], ["internal", 0]);
    assert.doesNotMatch(message, /secret/);
  }
});

Deno.test("a page of history names the part of the log that it covers", () => {
  const messages = [{ ...message, seq: 6 }, message];
  assert.deepEqual(
    toHistoryResponse({ messages, firstSeq: 5, lastSeq: 7, headSeq: 9, startSeq: 2, more: true, moreAfter: true }),
    {
      messages: [{ ...onWire, seq: 6 }, onWire],
      firstSeq: 5,
      lastSeq: 7,
      headSeq: 9,
      more: true,
      startSeq: 2,
      moreAfter: true,
    },
  );
  assert.deepEqual(
    toHistoryResponse({
      messages: [],
      firstSeq: 0,
      lastSeq: 0,
      headSeq: 9,
      startSeq: 1,
      more: false,
      moreAfter: false,
    }),
    {
      messages: [],
      firstSeq: 0,
      lastSeq: 0,
      headSeq: 9,
      more: false,
      startSeq: 1,
      moreAfter: false,
    },
  );
});

Deno.test("a direct conversation is addressed by the name of the other user", () => {
  const summary: ConversationSummary = {
    conversation: "ana:ben",
    headSeq: 7,
    position: 12,
    last: message,
    room: undefined,
    role: "member",
    invitedBy: undefined,
    unread: 2,
    mentions: 1,
    readSeq: 5,
    peerReadSeq: 0,
    peerDeliveredSeq: 0,
  };
  const { address, last } = toWireConversation(summary, { user: "ben", profile: { displayName: "", status: "" } });
  assert.deepEqual([address, last], ["ana", onWire]);
});
