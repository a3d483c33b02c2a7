import assert from "node:assert/strict";
import { ClientFrame } from "../../src/gen/chatd/v1/session.ts";
import fc from "fast-check";
import { encodeClientFrame, readLoneReceipt } from "../../src/wire/client_frames.ts";
import { decodeStrictly } from "../../src/wire/strict_reader.ts";

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

const ack = fc.record({ id: fc.nat({ max: Number.MAX_SAFE_INTEGER }), receipt: fc.nat({ max: 0xffff_ffff }) });

function ackFrame({ id, receipt }: { id: number; receipt: number }): ClientFrame {
  return { requests: [{ id, kind: { $case: "ack", value: { receipt } } }] };
}

Deno.test("a frame with nothing but an acknowledgement is read without decoding it", () => {
  assert.equal(readLoneReceipt(encodeClientFrame(ackFrame({ id: 7, receipt: 0xdead_beef }))), 0xdead_beef);
  assert.equal(readLoneReceipt(encodeClientFrame(ackFrame({ id: 0, receipt: 1 }))), 1);
  fc.assert(fc.property(ack, (one) => {
    const receipt = readLoneReceipt(encodeClientFrame(ackFrame(one)));
    assert.equal(receipt, one.id < 2 ** 49 ? one.receipt : 0);
  }));
});

Deno.test("bytes are read as an acknowledgement only if the decoder finds nothing else in them", () => {
  const damage = fc.array(fc.record({ at: fc.nat({ max: 20 }), byte: fc.nat({ max: 255 }) }), { maxLength: 3 });
  const cut = fc.nat({ max: 20 });
  fc.assert(
    fc.property(ack, damage, cut, (one, damage, cut) => {
      const bytes = encodeClientFrame(ackFrame(one)).slice(0, cut < 18 ? undefined : -1);
      for (const { at, byte } of damage) if (at < bytes.length) bytes[at] = byte;
      const receipt = readLoneReceipt(bytes);
      if (receipt === 0) return;
      const { requests } = decodeStrictly(ClientFrame, bytes);
      assert.deepEqual(requests.map(({ kind }) => kind), [{ $case: "ack", value: { receipt } }]);
    }),
    { numRuns: 5_000 },
  );
  assert.equal(readLoneReceipt(encodeClientFrame({ requests: [] })), 0);
  const two = [...ackFrame({ id: 1, receipt: 2 }).requests, ...ackFrame({ id: 2, receipt: 3 }).requests];
  assert.equal(readLoneReceipt(encodeClientFrame({ requests: two })), 0);
});
