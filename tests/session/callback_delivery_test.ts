import assert from "node:assert/strict";
import { ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { CallbackDelivery } from "../../src/session/callback_delivery.ts";
import { turns } from "../support/waiting/turns.ts";
import { FakeTime } from "../support/fakes/fake_time.ts";

/** A channel whose calls are answered when the test says so. */
function open() {
  const calls: { frame: number; receipt: number; signal: AbortSignal; answer: PromiseWithResolvers<number> }[] = [];
  const state = { closed: 0, failed: 0, delivered: [] as number[] };
  const delivery = new CallbackDelivery({
    channel: {
      deliver: (frame, { signal }) => {
        const answer = Promise.withResolvers<number>();
        signal.addEventListener("abort", () => answer.reject(new Error("aborted")));
        const { through, receipt } = ServerFrame.decode(frame);
        calls.push({ frame: through, receipt, signal, answer });
        return answer.promise;
      },
      close: () => void state.closed++,
    },
    onDelivered: ({ through }) => void state.delivered.push(through),
    onFailed: () => void state.failed++,
  });
  const send = (through: number) => delivery.send([], { through, deliveryBytes: 1, otherBytes: 0 });
  return { delivery, calls, state, send };
}

Deno.test("one frame is in flight at a time, and its response acknowledges it", async () => {
  const { calls, state, send, delivery } = open();
  for (const through of [1, 2, 3]) send(through);
  for (const expected of [[1], [1, 2], [1, 2, 3]]) {
    await turns();
    assert.deepEqual(calls.map(({ frame }) => frame), expected);
    calls.at(-1)!.answer.resolve(calls.at(-1)!.receipt);
  }
  await turns();
  assert.deepEqual(state.delivered, [1, 2, 3]);
  send(4);
  assert.equal(calls.length, 4);
  delivery.close();
});

Deno.test("a failed call ends the delivery once", async () => {
  const { calls, state, send } = open();
  send(1);
  send(2);
  calls[0].answer.reject(new Error("the connection broke"));
  await turns();
  send(3);
  await turns();
  assert.deepEqual([state.closed, state.failed, state.delivered, calls.length], [1, 1, [], 1]);
});

Deno.test("an answer without the receipt of its frame ends the calls: the client has not read the frame", async () => {
  for (const wrong of [() => 0, (receipt: number) => (receipt ^ 1) >>> 0]) {
    const { calls, state, send } = open();
    send(1);
    assert.notEqual(calls[0].receipt, 0);
    calls[0].answer.resolve(wrong(calls[0].receipt));
    await turns();
    assert.deepEqual([state.closed, state.failed, state.delivered], [1, 1, []]);
  }
});

Deno.test("a client has 20 s for one frame", async () => {
  using time = new FakeTime();
  const { calls, state, send } = open();
  send(1);
  await time.tick(19_999);
  calls[0].answer.resolve(calls[0].receipt);
  send(2);
  await time.tick(19_999);
  assert.equal(state.failed, 0);
  await time.tick(1);
  assert.deepEqual([state.failed, state.closed, state.delivered], [1, 1, [1]]);
  assert.equal(time.pending, 0);
});

Deno.test("close() cancels the call in flight, and reports nothing", async () => {
  const { delivery, calls, state, send } = open();
  send(1);
  send(2);
  delivery.close();
  assert.equal(calls[0].signal.aborted, true);
  await turns();
  send(3);
  await turns();
  assert.deepEqual([state.closed, state.failed, state.delivered, calls.length], [1, 0, [], 1]);
});
