import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatError } from "../../src/core/chat_error.ts";
import { ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { SessionStream } from "../../src/session/session_stream.ts";
import type { FrameContent } from "../../src/session/frame_writer.ts";

const invalid = (error: unknown) => error instanceof ChatError && error.code === "invalid_argument";

/** A stream of empty frames, which the client reads at once. */
function open() {
  let receipt = 0;
  const stream = new SessionStream({ send: (frame) => receipt = ServerFrame.decode(frame.toBytes()).receipt }, {
    defer: () => {},
  });
  /** @returns the receipt of the frame */
  const send = (content: FrameContent): number => {
    stream.send([], content);
    return receipt;
  };
  return { stream, send };
}

Deno.test("a receipt acknowledges its frame and all before it", () => {
  const { stream, send } = open();
  const receipts = [0, 3, 0, 9].map((through, index) =>
    send({ through, deliveryBytes: through > 0 ? 100 : 0, otherBytes: 10 ** index })
  );
  assert.equal(stream.otherBytes, 1_111);
  assert.deepEqual(stream.acknowledge(receipts[2]), { through: 3, deliveryBytes: 100, otherBytes: 111 });
  assert.equal(stream.otherBytes, 1_000);
  assert.deepEqual(stream.acknowledge(receipts[3]), { through: 9, deliveryBytes: 100, otherBytes: 1_000 });
  assert.equal(stream.otherBytes, 0);
});

Deno.test("the last acknowledged receipt may be repeated, and no other", () => {
  const { stream, send } = open();
  const content = { through: 1, deliveryBytes: 1, otherBytes: 1 };
  assert.throws(() => stream.acknowledge(0), invalid);
  const [first, second, third] = [send(content), send(content), send(content)];
  stream.acknowledge(second);
  assert.deepEqual(stream.acknowledge(second), { through: 0, deliveryBytes: 0, otherBytes: 0 });
  const unknown = [1, 2, 3, 4, 5].find((receipt) => ![first, second, third].includes(receipt))!;
  for (const receipt of [0, first, unknown]) assert.throws(() => stream.acknowledge(receipt), invalid);
  assert.equal(stream.acknowledge(third).through, 1);
});

Deno.test("receipts are distinct, fit 32 bits, and are spread over all of them", () => {
  const { send } = open();
  const receipts = Array.from({ length: 5_000 }, () => send({ through: 0, deliveryBytes: 0, otherBytes: 0 }));
  assert.equal(new Set(receipts).size, 5_000);
  assert.ok(receipts.every((receipt) => Number.isInteger(receipt) && receipt > 0 && receipt < 2 ** 32));
  for (let bit = 0; bit < 32; bit++) {
    const set = receipts.filter((receipt) => Math.floor(receipt / 2 ** bit) % 2 === 1).length;
    assert.ok(set > 2_000 && set < 3_000, `bit ${bit} is set in ${set} of 5000`);
  }
});

Deno.test("acknowledged and unacknowledged bytes add up to the sent ones, in every order of acknowledgements", () => {
  const step = fc.oneof(
    fc.record({ other: fc.nat({ max: 100 }), delivery: fc.nat({ max: 100 }) }),
    fc.record({ share: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const { stream, send } = open();
    let waiting: { receipt: number; through: number; deliveryBytes: number; otherBytes: number }[] = [];
    let position = 0;
    for (const step of steps) {
      if ("other" in step) {
        const through = step.delivery > 0 ? ++position : 0;
        const content = { through, deliveryBytes: step.delivery, otherBytes: step.other };
        waiting.push({ receipt: send(content), ...content });
      } else if (waiting.length > 0) {
        const index = Math.floor(step.share * waiting.length);
        const acknowledged = waiting.slice(0, index + 1);
        const newly = stream.acknowledge(waiting[index].receipt);
        assert.equal(newly.deliveryBytes, acknowledged.reduce((sum, each) => sum + each.deliveryBytes, 0));
        assert.equal(newly.through, Math.max(...acknowledged.map(({ through }) => through)));
        waiting = waiting.slice(index + 1);
      }
      assert.equal(stream.otherBytes, waiting.reduce((sum, each) => sum + each.otherBytes, 0));
    }
  }));
});
