import assert from "node:assert/strict";
import fc from "fast-check";
import { createMessageId, isMessageId, messageIdTime } from "../../../src/core/messages/message_id.ts";
import {
  idOfBytes,
  messageIdLength,
  putIdBytes,
  putIdText,
  readMessageIdTime,
} from "../../../src/core/messages/message_id_bytes.ts";

const encoder = new TextEncoder();

Deno.test("the text of an id and its 16 bytes follow from each other", () => {
  const id = createMessageId();
  const bytes = new Uint8Array(18);
  putIdBytes(bytes, 1, encoder.encode(`...${id}`), 3);
  assert.deepEqual(bytes, Uint8Array.of(0, ...Uint8Array.fromHex(id.replaceAll("-", "")), 0));
  assert.equal(idOfBytes(bytes.subarray(1, 17)), id);
  const text = new Uint8Array(messageIdLength + 2);
  putIdText(text, 1, bytes.subarray(1, 17));
  assert.equal(new TextDecoder().decode(text), `\0${id}\0`);
});

Deno.test("readMessageIdTime() knows exactly the ids that parseMessageId() accepts, in lower case", () => {
  const changed = fc.tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.nat({ max: 35 }), fc.nat({ max: 255 }));
  fc.assert(fc.property(changed, ([time, at, byte]) => {
    const id = createMessageId(time);
    const bytes = encoder.encode(`..${id}`);
    assert.equal(readMessageIdTime(bytes, 2), time);
    bytes[2 + at] = byte;
    const text = new TextDecoder("latin1").decode(bytes.subarray(2));
    assert.equal(readMessageIdTime(bytes, 2), isMessageId(text) ? messageIdTime(text) : -1);
  }));
});
