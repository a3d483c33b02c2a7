import assert from "node:assert/strict";
import { placeOf, scanFrame, textOf } from "../../../src/bench/driver/frame_scan.ts";
import { ServerFrame } from "../../../src/gen/chatd/v1/session.ts";
import { Message } from "../../../src/gen/chatd/v1/chat.ts";
import { toBytes } from "../../../src/grpc/http2/octets.ts";
import { EncodedFrame } from "../../../src/wire/server_frame.ts";
import { encodeItem, encodeMessageItem, encodeReply } from "../../../src/wire/server_items.ts";

const accepted = {
  position: 70_000,
  conversation: "ana:ben",
  seq: 300,
  acceptedAtMs: 1_800_000_000_000,
  duplicate: false,
};
const message = {
  position: 3_000_000_000,
  conversation: "ana:ben",
  seq: 200,
  id: "0190b2f0-7c1a-7000-8000-0123456789ab",
  sender: "ana",
  acceptedAt: 1_800_000_000_000,
  text: "hello ".repeat(40),
  ordinal: 150,
};
const refusal = { code: "busy", message: "Too many requests wait.", retryAfterMs: 20 };

/** Scans a frame that has other bytes around it. */
function scan(frame: Uint8Array) {
  const bytes = new Uint8Array(frame.length + 20).fill(0xff);
  bytes.set(frame, 10);
  const messages: Uint8Array[] = [];
  const others: Uint8Array[] = [];
  const scanned = scanFrame(bytes, 10, 10 + frame.length, {
    onMessage: (bytes, from, to) => messages.push(bytes.slice(from, to)),
    onOther: (bytes, from, to) => others.push(bytes.slice(from, to)),
  });
  return { scanned, messages, others };
}

Deno.test("scanFrame() finds what the decoder finds, in a frame with all kinds of items", () => {
  const items = [
    encodeReply(1, { $case: "send", value: accepted }),
    encodeReply(70_000, { $case: "send", value: { ...accepted, duplicate: true } }),
    encodeMessageItem(message),
    encodeReply(3, { $case: "typing", value: {} }),
    encodeReply(4, { $case: "error", value: refusal }),
    encodeItem({ $case: "typing", value: { conversation: "ana:ben", user: "ben", stopped: false } }),
    encodeItem({ $case: "sessionEnded", value: { error: refusal } }),
  ];
  const frame = toBytes(new EncodedFrame(items, { through: 3_000_000_000, receipt: 0xfedc_ba98 }));
  const { scanned, messages, others } = scan(frame);
  assert.deepEqual(scanned, { accepted: 2, answered: 1, others: 6, hasMessages: true, receipt: 0xfedc_ba98 });
  const decoded = ServerFrame.decode(frame);
  assert.equal(decoded.receipt, scanned.receipt);
  assert.deepEqual(messages.map((bytes) => Message.decode(bytes)), [
    decoded.items[2].kind!.value,
  ]);
  assert.equal(others.length, 3);
});

Deno.test("scanFrame() reads a frame without items, and refuses another field", () => {
  assert.deepEqual(scan(new Uint8Array(0)).scanned.receipt, 0);
  assert.throws(() => scan(Uint8Array.of(0x22, 0)), RangeError);
});

Deno.test("placeOf() and textOf() find the fields of a message", () => {
  const { messages: [bytes] } = scan(encodeMessageItem(message));
  const place = placeOf(bytes, 0, bytes.length);
  const text = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));
  assert.deepEqual([place.position, place.seq, place.isEvent], [3_000_000_000, 200, false]);
  assert.equal(text(place.conversationFrom, place.conversationTo), "ana:ben");
  assert.equal(text(place.senderFrom, place.senderTo), "ana");
  assert.equal(text(place.textFrom, place.textFrom + message.text.length), message.text);
  assert.equal(textOf(bytes, 0, bytes.length), place.textFrom);
});

Deno.test("placeOf() knows events, which have no text of a person", () => {
  const joined = { ...message, text: "", event: { kind: "joined" } } as const;
  const { messages: [bytes] } = scan(encodeMessageItem(joined));
  assert.equal(placeOf(bytes, 0, bytes.length).isEvent, true);
  assert.equal(textOf(bytes, 0, bytes.length), -1);
});
