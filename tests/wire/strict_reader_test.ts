import assert from "node:assert/strict";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { RegisterRequest } from "../../src/gen/chatd/v1/auth.ts";
import { ClientFrame, ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { decodeStrictly } from "../../src/wire/strict_reader.ts";
import { throwsWith } from "../support/checks/chat_error_assertions.ts";
import { sendRequest } from "../support/servers/wire_values.ts";

function frame(text: string): Uint8Array {
  const value = sendRequest({ to: "ben", id: "an id", text });
  return ClientFrame.encode({ requests: [{ id: 1, kind: { $case: "send", value } }] }).finish();
}

function textOf(decoded: ClientFrame): string | undefined {
  const kind = decoded.requests[0].kind;
  return kind?.$case === "send" ? kind.value.text : undefined;
}

Deno.test("text is the same after encoding and decoding", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert.equal(textOf(decodeStrictly(ClientFrame, frame(text))), text);
  }));
  assert.equal(textOf(decodeStrictly(ClientFrame, frame("\ufeffhello"))), "\ufeffhello");
});

Deno.test("text that is not UTF-8 is refused, and the error says so", () => {
  const wrong = [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]];
  for (const bytes of wrong) {
    const good = frame("x".repeat(bytes.length));
    const bad = good.slice();
    bad.set(bytes, good.length - bytes.length);
    assert.match(throwsWith("invalid_argument", () => decodeStrictly(ClientFrame, bad)).message, /not UTF-8/);
  }
});

Deno.test("bytes that are no message are refused with a ChatError", () => {
  const whole = frame("hello");
  for (let length = 1; length < whole.length; length++) {
    throwsWith("invalid_argument", () => decodeStrictly(ClientFrame, whole.subarray(0, length)));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      decodeStrictly(ClientFrame, bytes);
    } catch (error) {
      throwsWith("invalid_argument", () => {
        throw error;
      });
    }
  }));
});

Deno.test("nested groups as deep as a frame allows are refused or skipped", () => {
  const startGroup = (15 << 3) | 3;
  throwsWith("invalid_argument", () => decodeStrictly(ClientFrame, new Uint8Array(65_000).fill(startGroup)));
});

Deno.test("numbers that JavaScript cannot hold are refused", () => {
  const id = new BinaryWriter().uint32((1 << 3) | 0).uint64("9007199254740993").finish();
  const bytes = new BinaryWriter().uint32((1 << 3) | 2).bytes(id).finish();
  throwsWith("invalid_argument", () => decodeStrictly(ClientFrame, bytes));
});

Deno.test("unknown fields are skipped, and unknown kinds of requests are undefined", () => {
  const newer = new BinaryWriter().uint32((1 << 3) | 0).uint64(7)
    .uint32((1_000 << 3) | 2).bytes(new Uint8Array([1, 2, 3]))
    .uint32((1_001 << 3) | 0).uint64(1).finish();
  const bytes = new BinaryWriter().uint32((1 << 3) | 2).bytes(newer)
    .uint32((9 << 3) | 2).string("more").finish();
  assert.deepEqual(decodeStrictly(ClientFrame, bytes), { requests: [{ id: 7, kind: undefined }] });
});

Deno.test("every type is decoded strictly", () => {
  const bytes = RegisterRequest.encode({ user: "ana", password: "secret", invite: "", deviceName: "" }).finish();
  assert.equal(decodeStrictly(RegisterRequest, bytes).password, "secret");
  throwsWith("invalid_argument", () => decodeStrictly(RegisterRequest, bytes.with(2, 0xff)));
  assert.deepEqual(decodeStrictly(ServerFrame, new Uint8Array()), { items: [], through: 0, receipt: 0 });
});
