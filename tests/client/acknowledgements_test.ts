import assert from "node:assert/strict";
import { Acknowledgements, windowBytesOf } from "../../src/client/acknowledgements.ts";
import { decodeFrame, type ReceivedFrame } from "../../src/client/received_frame.ts";
import type { Message } from "../../src/core/messages/message.ts";
import { PresenceState } from "../../src/gen/chatd/v1/chat.ts";
import { type FrameContent, FrameWriter } from "../../src/session/frame_writer.ts";
import { toSendResponse } from "../../src/wire/convert.ts";
import { EncodedFrame } from "../../src/wire/server_frame.ts";
import { encodeItem, encodeMessageItem, encodeReply } from "../../src/wire/server_items.ts";
import { wireMessage } from "../support/servers/wire_values.ts";

const windowBytes = 256 * 1024;

const message: Message = {
  position: 1,
  conversation: "ana:ben",
  seq: 1,
  id: "01890a5d-ac96-774b-bcce-b302099a8057",
  sender: "ben",
  acceptedAt: 1_700_000_000_000,
  text: "",
  ordinal: 1,
};

type Add = (writer: FrameWriter, round: number) => void;

const found = Array.from({ length: 50 }, (_, seq) => wireMessage({ seq, text: "word ".repeat(80) }));
const page = { messages: found, nextBeforePosition: 1, more: true, indexedThrough: 1, indexedUntilMs: 1, head: 1 };
const presence = { user: "ben", online: true, state: PresenceState.ONLINE };
const attachment = { name: "n".repeat(255), mediaType: "m".repeat(100), size: 1, sha256: "00".repeat(32) };
const deliver = (message: Message): Add => (writer, position) =>
  writer.deliver(encodeMessageItem({ ...message, position }), position);

const adds: Record<string, Add> = {
  "messages of one character": deliver({ ...message, text: "x" }),
  "messages of characters of three bytes": deliver({ ...message, text: "€".repeat(1_000) }),
  "messages with a file": deliver({ ...message, attachment }),
  "replies to searches": (writer, requestId) => writer.add(encodeReply(requestId, { $case: "search", value: page })),
  "replies to sends": (writer, requestId) =>
    writer.add(encodeReply(requestId, { $case: "send", value: toSendResponse({ ...message, duplicate: false }) })),
  "notices": (writer) => writer.add(encodeItem({ $case: "presence", value: presence })),
};

/** Sends `count` items in frames of at most `together`. */
function framesOf(add: Add, { count, together }: { count: number; together: number }) {
  const sent: { frame: ReceivedFrame; content: FrameContent }[] = [];
  const send = (items: readonly Uint8Array[], content: FrameContent) => {
    const bytes = new EncodedFrame(items, { through: content.through, receipt: sent.length + 1 }).toBytes();
    sent.push({ frame: decodeFrame(bytes), content });
  };
  const writer = new FrameWriter({ send }, () => {});
  for (let item = 1; item <= count; item++) {
    add(writer, item);
    if (item % together === 0) writer.flush();
  }
  writer.flush();
  return sent;
}

for (const [kind, add] of Object.entries(adds)) {
  Deno.test(`the client counts a frame with ${kind} as the server does`, () => {
    for (const { frame, content: { deliveryBytes, otherBytes } } of framesOf(add, { count: 60, together: 7 })) {
      const beyond = windowBytesOf(frame) - deliveryBytes - otherBytes;
      assert.ok(beyond >= 0 && beyond <= 16, `${beyond} bytes more than the server counts`);
    }
  });

  Deno.test(`${kind} are acknowledged before half of the server's window is full`, () => {
    const acks = new Acknowledgements();
    acks.windowBytes = windowBytes;
    let counted = 0;
    for (const { frame, content } of framesOf(add, { count: 6_000, together: 1 })) {
      acks.add(frame);
      counted += content.deliveryBytes + content.otherBytes;
      if (acks.isDue) break;
    }
    assert.ok(acks.isDue);
    assert.ok(counted <= windowBytes / 2, `${counted} bytes`);
  });
}
