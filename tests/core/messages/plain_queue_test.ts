import assert from "node:assert/strict";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { PlainQueue } from "../../../src/core/messages/plain_queue.ts";
import { inFrame } from "../../support/lane/plain_batches.ts";

const route = { sender: "ana", conversation: "ana:ben" };

function open() {
  const queue = new PlainQueue();
  const id = createMessageId();
  const add = (text: string) => queue.add({ route, session: "session", requestId: 1, ...inFrame(id, text) }, 1);
  const take = () => {
    const batch = queue.take();
    return batch && Array.from({ length: batch.count }, (_, index) => batch.message(index).text);
  };
  return { queue, add, take };
}

Deno.test("messages are taken in their order, in batches of up to 2,048", () => {
  const { queue, add, take } = open();
  assert.deepEqual([queue.count, take()], [0, undefined]);
  const texts = Array.from({ length: 5_000 }, (_, index) => `${index}`);
  for (const text of texts) assert.equal(add(text), true);
  const batches = [take()!, take()!, take()!];
  assert.deepEqual(batches.map(({ length }) => length), [2_048, 2_048, 904]);
  assert.deepEqual(batches.flat(), texts);
  assert.deepEqual([queue.count, take()], [0, undefined]);
});

Deno.test("a message that comes after a batch was taken is in the next one", () => {
  const { add, take } = open();
  add("1");
  assert.deepEqual(take(), ["1"]);
  add("2");
  assert.deepEqual(take(), ["2"]);
});

Deno.test("a queue is full at 20,000 messages or 64 MiB, until a batch is taken", () => {
  for (const [text, least, most] of [["x", 20_000, 20_000], ["x".repeat(8_192), 8_000, 8_192]] as const) {
    const { add, take } = open();
    let count = 0;
    while (add(text)) count += 1;
    assert.ok(count >= least && count <= most, `${count}`);
    take();
    assert.equal(add(text), true);
  }
});
