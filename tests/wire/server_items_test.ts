import assert from "node:assert/strict";
import fc from "fast-check";
import type { LogEvent } from "../../src/core/messages/log_event.ts";
import type { Message } from "../../src/core/messages/message.ts";
import { PresenceState } from "../../src/gen/chatd/v1/chat.ts";
import { type Item, ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { fromWireMessage, toSendResponse, toWireMessage } from "../../src/wire/convert.ts";
import { EncodedFrame } from "../../src/wire/server_frame.ts";
import { encodeItem, encodeMessageItem, encodeSendReply } from "../../src/wire/server_items.ts";

const position = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const receipt = fc.nat({ max: 0xffff_ffff });
const text = fc.string({ unit: "binary" });
const plain = { noNullPrototype: true };
const role = fc.constantFrom("owner" as const, "moderator" as const, "member" as const);
const event: fc.Arbitrary<LogEvent> = fc.oneof(
  fc.record({ kind: fc.constantFrom("edited" as const, "deleted" as const), target: position }, plain),
  fc.record({ kind: fc.constant("reacted" as const), target: position, emoji: text, removed: fc.boolean() }, plain),
  fc.record({ kind: fc.constant("pinned" as const), target: position, removed: fc.boolean() }, plain),
  fc.record({ kind: fc.constantFrom("joined" as const, "left" as const, "topic_changed" as const) }, plain),
  fc.record({ kind: fc.constantFrom("invited" as const, "unbanned" as const), user: text }, plain),
  fc.record({ kind: fc.constant("removed" as const), user: text, banned: fc.boolean() }, plain),
  fc.record(
    { kind: fc.constant("room_created" as const), isPublic: fc.boolean(), historyVisible: fc.boolean() },
    plain,
  ),
  fc.record({
    kind: fc.constant("room_changed" as const),
    isPublic: fc.boolean(),
    historyVisible: fc.boolean(),
    mentionAll: role,
    byOperator: fc.boolean(),
  }, plain),
  fc.record({ kind: fc.constant("role_changed" as const), user: text, role }, plain),
);
const positive = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const messageFields = {
  position,
  conversation: text,
  seq: position,
  acceptedAt: position,
  id: text,
  sender: text,
  text,
  ordinal: position,
  event,
  replyTo: positive,
  automatic: fc.constant(true as const),
  editedAt: positive,
  deleted: fc.constant(true),
  withheld: fc.constant(true),
  pinned: fc.constant(true),
  audience: fc.constantFrom("room" as const, "here" as const),
  naming: fc.constantFrom("new" as const, "kept" as const),
  attachment: fc.record({ name: text, mediaType: text, size: position, sha256: fc.constant("ab".repeat(32)) }, plain),
};
const required = ["position", "conversation", "seq", "acceptedAt", "id", "sender", "text", "ordinal"] as const;
const message: fc.Arbitrary<Message> = fc.record(messageFields, { requiredKeys: [...required], ...plain });

const kind: fc.Arbitrary<NonNullable<Item["kind"]>> = fc.oneof(
  message.map((value) => ({ $case: "message" as const, value: toWireMessage(value) })),
  fc.tuple(text, fc.boolean()).map(([user, online]) => ({
    $case: "presence" as const,
    value: { user, online, state: online ? PresenceState.ONLINE : PresenceState.OFFLINE },
  })),
  fc.tuple(text, text, position).map(([code, message, retryAfterMs]) => ({
    $case: "reply" as const,
    value: { requestId: 1, result: { $case: "error" as const, value: { code, message, retryAfterMs } } },
  })),
  fc.constant({ $case: "reply" as const, value: { requestId: 0, result: { $case: "ping" as const, value: {} } } }),
  fc.constant({ $case: "sessionEnded" as const, value: { error: undefined } }),
);

Deno.test("a frame is a sequence of encoded items, byte for byte", () => {
  fc.assert(fc.property(fc.array(kind, { maxLength: 20 }), position, receipt, (kinds, through, receipt) => {
    const frame = { items: kinds.map((kind) => ({ kind })), through, receipt };
    const bytes = new EncodedFrame(kinds.map(encodeItem), { through, receipt }).toBytes();
    assert.deepEqual(bytes, ServerFrame.encode(frame).finish());
    assert.deepEqual(ServerFrame.decode(bytes), frame);
  }));
});

Deno.test("a message is encoded once for all its receivers", () => {
  fc.assert(fc.property(message, (message) => {
    const item = encodeMessageItem(message);
    assert.equal(encodeMessageItem(message), item);
    assert.deepEqual(item, encodeItem({ $case: "message", value: toWireMessage(message) }));
  }));
});

Deno.test("a plain message is encoded as by the generated code", () => {
  const { event: _event, attachment: _attachment, ...scalars } = messageFields;
  fc.assert(fc.property(fc.record(scalars, { requiredKeys: [...required], ...plain }), (message) => {
    assert.deepEqual(encodeMessageItem(message), encodeItem({ $case: "message", value: toWireMessage(message) }));
  }));
});

Deno.test("the reply to a send is encoded as by the generated code", () => {
  const accepted = fc.record({
    position,
    conversation: text,
    seq: position,
    acceptedAt: position,
    duplicate: fc.boolean(),
  });
  fc.assert(fc.property(position, accepted, (requestId, accepted) => {
    const result = { $case: "send" as const, value: toSendResponse(accepted) };
    assert.deepEqual(
      encodeSendReply(requestId, accepted),
      encodeItem({ $case: "reply", value: { requestId, result } }),
    );
  }));
});

Deno.test("an item that cannot be encoded does not change the next one", () => {
  const whole = { $case: "presence" as const, value: { user: "ana", online: true, state: PresenceState.ONLINE } };
  const before = encodeItem(whole);
  assert.throws(() =>
    encodeItem({ $case: "receipt", value: { conversation: "c", user: "ana", readSeq: 0.5, deliveredSeq: 0 } })
  );
  assert.deepEqual(encodeItem(whole), before);
});

Deno.test("a message is the same after the wire", () => {
  fc.assert(fc.property(message, (message) => {
    const { kind } =
      ServerFrame.decode(new EncodedFrame([encodeMessageItem(message)], { through: 0, receipt: 0 }).toBytes()).items[0];
    assert.equal(kind?.$case, "message");
    assert.deepEqual(fromWireMessage((kind as Extract<typeof kind, { $case: "message" }>).value), message);
  }));
});
