import assert from "node:assert/strict";
import fc from "fast-check";
import type { Message } from "../../src/core/message.ts";
import { type Item, ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { toWireMessage } from "../../src/wire/convert.ts";
import { encodeItem, encodeMessageItem, encodeServerFrame } from "../../src/wire/server_items.ts";

const position = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const receipt = fc.nat({ max: 0xffff_ffff });
const text = fc.string({ unit: "binary" });
const message: fc.Arbitrary<Message> = fc.record({
  position,
  conversation: text,
  seq: position,
  acceptedAt: position,
  id: text,
  sender: text,
  text,
});

const kind: fc.Arbitrary<NonNullable<Item["kind"]>> = fc.oneof(
  message.map((value) => ({ $case: "message" as const, value: toWireMessage(value) })),
  fc.tuple(text, fc.boolean()).map(([user, online]) => ({ $case: "presence" as const, value: { user, online } })),
  fc.tuple(text, text, position).map(([code, message, retryAfterMs]) => ({
    $case: "reply" as const,
    value: { requestId: 1, result: { $case: "error" as const, value: { code, message, retryAfterMs } } },
  })),
  fc.constant({ $case: "reply" as const, value: { requestId: 0, result: { $case: "ping" as const, value: {} } } }),
  fc.constant({ $case: "sessionEnded" as const, value: { error: undefined } }),
);

Deno.test("items one after the other are a frame, byte for byte", () => {
  fc.assert(fc.property(fc.array(kind, { maxLength: 20 }), position, receipt, (kinds, through, receipt) => {
    const frame = { items: kinds.map((kind) => ({ kind })), through, receipt };
    const bytes = encodeServerFrame(kinds.map(encodeItem), { through, receipt });
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
