import assert from "node:assert/strict";
import { Outbox } from "../../src/client/outbox.ts";
import { ChatError } from "../../src/core/chat_error.ts";

const accepted = { position: 1, conversation: "ana:ben", seq: 1, acceptedAt: 0 };

function filled(count: number, options: ConstructorParameters<typeof Outbox>[0] = {}) {
  const outbox = new Outbox({ backoff: { random: () => 0.5 }, ...options });
  const results = Array.from(
    { length: count },
    (_, i) => outbox.add({ id: String(i), to: "ben", text: `text ${i}`, bytes: 100 }),
  );
  const ready = (now: number) => outbox.takeReady(now).map(({ id }) => id);
  return { outbox, ready, results };
}

Deno.test("takeReady() keeps its bounds and the order", () => {
  const { outbox, ready } = filled(10, { maxMessages: 4, maxBytes: 1000 });
  assert.deepEqual(ready(0), ["0", "1", "2", "3"]);
  assert.deepEqual(ready(0), []);
  outbox.accept("1", "ana", accepted);
  assert.deepEqual(ready(0), ["4"]);
});

Deno.test("takeReady() returns one message of any size, and no second one beyond the bytes", () => {
  const { outbox, ready } = filled(3, { maxBytes: 50 });
  assert.deepEqual(ready(0), ["0"]);
  assert.deepEqual(ready(0), []);
  outbox.accept("0", "ana", accepted);
  assert.deepEqual(ready(0), ["1"]);
});

Deno.test("a postponed message keeps its place, and the messages behind it wait", () => {
  const { outbox, ready } = filled(4, { maxMessages: 2 });
  ready(0);
  outbox.postpone("0", new ChatError("busy", "Busy.", { retryAfterMs: 700 }), 1000);
  outbox.postpone("1", new ChatError("busy", "Busy.", { retryAfterMs: 900 }), 1001);
  assert.equal(outbox.heldMs(1200), 500);
  assert.deepEqual(ready(1699), []);
  assert.deepEqual(ready(1700), ["0"]);
  assert.deepEqual(ready(1700), []);
  outbox.accept("0", "ana", accepted);
  assert.deepEqual(ready(1700), ["1"]);
});

Deno.test("each refusal without a time waits longer", () => {
  const { outbox, ready } = filled(1);
  const waits: number[] = [];
  for (let now = 0; waits.length < 3; now += waits.at(-1)!) {
    assert.deepEqual(ready(now), ["0"]);
    outbox.postpone("0", new ChatError("storage_full", "Full."), now);
    waits.push(outbox.heldMs(now));
  }
  assert.deepEqual(waits, [250, 500, 1000]);
});

Deno.test("after a lost link, messages in flight are sent again in order", async () => {
  const { outbox, ready, results } = filled(3);
  ready(0);
  outbox.accept("1", "ana", accepted);
  outbox.onLinkLost();
  assert.deepEqual(ready(0), ["0", "2"]);
  assert.deepEqual(await results[1], { ...accepted, id: "1", sender: "ana", text: "text 1", ordinal: 0 });
});

Deno.test("close() says of which messages the server may have accepted", async () => {
  const { outbox, ready, results } = filled(4, { maxMessages: 3 });
  ready(0);
  outbox.accept("1", "ana", accepted);
  outbox.onLinkLost();
  outbox.postpone("0", new ChatError("busy", "Busy."), 0);
  outbox.close(new ChatError("unauthenticated", "Revoked."));
  await assert.rejects(results[0], { code: "unauthenticated", message: "Revoked." });
  await assert.rejects(results[2], {
    code: "unauthenticated",
    message: "Revoked, so the server may have accepted the message.",
  });
  await assert.rejects(results[3], { message: "Revoked." });
  assert.equal(outbox.size, 0);
});

Deno.test("a message is settled once", () => {
  const { outbox } = filled(1);
  assert.equal(outbox.accept("0", "ana", accepted)?.text, "text 0");
  assert.equal(outbox.accept("0", "ana", accepted), undefined);
});
