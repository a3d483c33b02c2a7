import assert from "node:assert/strict";
import fc from "fast-check";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { PlainBatch, recordLength, recordWord } from "../../../src/core/messages/plain_batch.ts";
import { inFrame } from "../../support/lane/plain_batches.ts";

const route = { sender: "ana", conversation: "ana:ben" };

function add(batch: PlainBatch, { id, text, acceptedAt = 1 }: { id: string; text: string; acceptedAt?: number }): void {
  batch.add({ route, session: "session", requestId: 7, ...inFrame(id, text) }, acceptedAt);
}

/** Numbers the messages as a store does. */
function number(batch: PlainBatch, first: { position: number; seq: number; uncounted: number }): void {
  batch.firstPosition = first.position;
  for (let index = 0; index < batch.count; index++) {
    const at = batch.offsets[index] / 8;
    batch.words[at + recordWord.seq] = first.seq + index;
    batch.words[at + recordWord.uncounted] = first.uncounted;
  }
}

Deno.test("a batch returns the messages that were added, with the numbers of the store", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 5_000 });
  fc.assert(fc.property(fc.array(text, { maxLength: 20 }), (texts) => {
    const batch = new PlainBatch();
    const ids = texts.map(() => createMessageId());
    texts.forEach((text, index) => add(batch, { id: ids[index], text, acceptedAt: 1_700_000_000_000 + index }));
    number(batch, { position: 2 ** 40, seq: 2 ** 35, uncounted: 5 });
    assert.deepEqual(
      texts.map((_, index) => {
        const { position, conversation, seq, acceptedAt, id, sender, text, ordinal } = batch.message(index);
        return { position, conversation, seq, acceptedAt, id, sender, text, ordinal };
      }),
      texts.map((text, index) => ({
        position: 2 ** 40 + index,
        conversation: "ana:ben",
        seq: 2 ** 35 + index,
        acceptedAt: 1_700_000_000_000 + index,
        id: ids[index],
        sender: "ana",
        text,
        ordinal: 2 ** 35 + index - 5,
      })),
    );
  }));
});

Deno.test("a record ends with zeros up to a multiple of 8 bytes", () => {
  const batch = new PlainBatch(8);
  add(batch, { id: createMessageId(), text: "xy" });
  assert.equal(batch.bytes.length, recordLength(2));
  assert.deepEqual([...batch.bytes.subarray(-8)], [0x78, 0x79, 0, 0, 0, 0, 0, 0]);
});

Deno.test("a batch is full at 2,048 messages or 2 MiB", () => {
  const many = new PlainBatch();
  while (many.hasRoom(1)) add(many, { id: createMessageId(), text: "x" });
  assert.equal(many.count, 2_048);
  const large = new PlainBatch();
  while (large.hasRoom(8_192)) add(large, { id: createMessageId(), text: "x".repeat(8_192) });
  assert.ok(large.bytes.length <= 2 * 1024 * 1024 && large.bytes.length > 2 * 1024 * 1024 - 2 * recordLength(8_192));
});
