import assert from "node:assert/strict";
import { ClientFrame } from "../../src/gen/chatd/v1/session.ts";
import { encodeClientFrame } from "../../src/wire/client_frames.ts";

function frame(texts: readonly string[]): ClientFrame {
  return {
    requests: texts.map((text, id) => ({
      id,
      kind: { $case: "send", value: { to: "ben", id: "x", text, replyToSeq: 0, uploadId: "", automatic: false } },
    })),
  };
}

Deno.test("frames are encoded as by the generated code, and a frame does not change earlier ones", () => {
  const frames = [frame(["a long one ".repeat(1_000), "b"]), frame([]), frame(["short"]), frame(["héllo ✓", ""])];
  const encoded = frames.map((one) => encodeClientFrame(one));
  assert.deepEqual(encoded, frames.map((one) => ClientFrame.encode(one).finish()));
});

Deno.test("a frame that cannot be encoded does not change the next one", () => {
  const wrong = frame(["a"]);
  (wrong.requests[0] as { id: unknown }).id = 1.5;
  assert.throws(() => encodeClientFrame(wrong));
  assert.deepEqual(encodeClientFrame(frame(["b"])), ClientFrame.encode(frame(["b"])).finish());
});
