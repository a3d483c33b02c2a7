import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatError } from "../../src/core/chat_error.ts";
import { SentFrames } from "../../src/session/sent_frames.ts";

const invalid = (error: unknown) => error instanceof ChatError && error.code === "invalid_argument";

Deno.test("a receipt acknowledges its frame and all before it", () => {
  const sent = new SentFrames();
  const receipts = [0, 3, 0, 9].map((through, index) =>
    sent.add({ through, deliveryBytes: through > 0 ? 100 : 0, otherBytes: 10 ** index })
  );
  assert.equal(sent.otherBytes, 1_111);
  assert.deepEqual(sent.acknowledge(receipts[2]), { through: 3, deliveryBytes: 100, otherBytes: 111 });
  assert.equal(sent.otherBytes, 1_000);
  assert.deepEqual(sent.acknowledge(receipts[3]), { through: 9, deliveryBytes: 100, otherBytes: 1_000 });
  assert.equal(sent.otherBytes, 0);
});

Deno.test("the receipt that was acknowledged last says nothing new, and no other is believed", () => {
  const sent = new SentFrames();
  const content = { through: 1, deliveryBytes: 1, otherBytes: 1 };
  assert.throws(() => sent.acknowledge(0), invalid);
  const [first, second, third] = [sent.add(content), sent.add(content), sent.add(content)];
  sent.acknowledge(second);
  assert.deepEqual(sent.acknowledge(second), { through: 0, deliveryBytes: 0, otherBytes: 0 });
  const unknown = [1, 2, 3, 4, 5].find((receipt) => ![first, second, third].includes(receipt))!;
  for (const receipt of [0, first, unknown]) assert.throws(() => sent.acknowledge(receipt), invalid);
  assert.equal(sent.acknowledge(third).through, 1);
});

Deno.test("receipts are different, fit 32 bits, and are spread over all of them", () => {
  const sent = new SentFrames();
  const receipts = Array.from({ length: 5_000 }, () => sent.add({ through: 0, deliveryBytes: 0, otherBytes: 0 }));
  assert.equal(new Set(receipts).size, 5_000);
  assert.ok(receipts.every((receipt) => Number.isInteger(receipt) && receipt > 0 && receipt < 2 ** 32));
  for (let bit = 0; bit < 32; bit++) {
    const set = receipts.filter((receipt) => Math.floor(receipt / 2 ** bit) % 2 === 1).length;
    assert.ok(set > 2_000 && set < 3_000, `bit ${bit} is set in ${set} of 5000`);
  }
});

Deno.test("what is acknowledged and what waits is what was sent, whatever is acknowledged when", () => {
  const step = fc.oneof(
    fc.record({ other: fc.nat({ max: 100 }), delivery: fc.nat({ max: 100 }) }),
    fc.record({ share: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const sent = new SentFrames();
    let waiting: { receipt: number; through: number; deliveryBytes: number; otherBytes: number }[] = [];
    let position = 0;
    for (const step of steps) {
      if ("other" in step) {
        const through = step.delivery > 0 ? ++position : 0;
        const content = { through, deliveryBytes: step.delivery, otherBytes: step.other };
        waiting.push({ receipt: sent.add(content), ...content });
      } else if (waiting.length > 0) {
        const index = Math.floor(step.share * waiting.length);
        const acknowledged = waiting.slice(0, index + 1);
        const newly = sent.acknowledge(waiting[index].receipt);
        assert.equal(newly.deliveryBytes, acknowledged.reduce((sum, each) => sum + each.deliveryBytes, 0));
        assert.equal(newly.through, Math.max(...acknowledged.map(({ through }) => through)));
        waiting = waiting.slice(index + 1);
      }
      assert.equal(sent.otherBytes, waiting.reduce((sum, each) => sum + each.otherBytes, 0));
    }
  }));
});
