import assert from "node:assert/strict";
import { basePieces, frameMessage, MessageError, MessageReader } from "../../../src/grpc/http2/messages.ts";

const maxBytes = 64 * 1024;
const maxPieces = basePieces + maxBytes / 1_024;
const message = frameMessage(new Uint8Array(maxBytes));

/** Reads the message in pieces of so many octets, as DATA frames bring them. @returns how often it came */
function readInPieces(reader: MessageReader, bytes: number): number {
  let messages = 0;
  for (let at = 0; at < message.length; at += bytes) reader.read(message.subarray(at, at + bytes), () => messages++);
  return messages;
}

Deno.test("messages come in as many pieces as clients and proxies cut them into", () => {
  const reader = new MessageReader(maxBytes);
  for (let count = 0; count < 3; count++) assert.equal(readInPieces(reader, 256), 1);
});

Deno.test("a message in more pieces than that is refused, which would cost a frame for each octet", () => {
  const reader = new MessageReader(maxBytes);
  for (let at = 0; at < maxPieces; at++) reader.read(message.subarray(at, at + 1), () => assert.fail());
  assert.throws(
    () => reader.read(message.subarray(maxPieces, maxPieces + 1), () => assert.fail()),
    (error) => error instanceof MessageError && error.kind === "malformed",
  );
});
