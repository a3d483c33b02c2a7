import assert from "node:assert/strict";
import { GrpcMessages } from "../../../src/bench/driver/grpc_messages.ts";
import { putUint32 } from "../../../src/bench/driver/http2_bytes.ts";

const texts = ["", "a", "b".repeat(300), "", "c".repeat(20_000), "last"];

/** All texts as the DATA of one call. */
function dataOfTexts(): Uint8Array {
  const parts = texts.map((text) => {
    const part = new Uint8Array(5 + text.length);
    putUint32(part, 1, text.length);
    part.set(new TextEncoder().encode(text), 5);
    return part;
  });
  return new Uint8Array(Buffer.concat(parts));
}

for (const step of [1, 4, 5, 6, 7, 299, 16_384, 100_000]) {
  Deno.test(`messages are found in DATA of ${step} octets at a time`, () => {
    const found: string[] = [];
    const messages = new GrpcMessages((bytes, from, to) => found.push(new TextDecoder().decode(bytes.slice(from, to))));
    const data = dataOfTexts();
    for (let at = 0; at < data.length; at += step) messages.add(data, at, Math.min(at + step, data.length));
    assert.deepEqual(found, texts);
  });
}
