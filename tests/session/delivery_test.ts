import assert from "node:assert/strict";
import fc from "fast-check";
import type { Message } from "../../src/core/messages/message.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { MessageBatch } from "../../src/core/messages/message_store.ts";
import { Delivery, type DeliveryHost } from "../../src/session/delivery.ts";
import { encodeMessageItem } from "../../src/wire/server_items.ts";
import { turns } from "../support/waiting/turns.ts";

function message(position: number, text = `${position}`): Message {
  return {
    position,
    conversation: "ana:ben",
    seq: position,
    acceptedAt: 1,
    id: createMessageId(),
    sender: "ana",
    text,
    ordinal: position,
  };
}

interface Setup {
  /** Reports whether the user may see an entry; all entries unless given. */
  visible?: (message: Message) => boolean;
  cursor?: number;
  windowBytes?: number;
  log?: Message[];
  /** Reports whether the client understands an entry; all entries unless given. */
  supports?: (message: Message) => boolean;
  /** Each read waits for the result. */
  gate?: () => Promise<void>;
}

/** A delivery from a log in memory; `commit` offers what it adds. */
function open(
  { visible = () => true, cursor = 0, windowBytes = 100_000, log = [], supports = () => true, gate }: Setup = {},
) {
  const sent: number[] = [];
  const passed: [through: number, settled: boolean][] = [];
  const state = { outstanding: 0, most: 0, reads: 0, failure: undefined as unknown };
  const head = () => log.at(-1)?.position ?? 0;
  const bytesOf = new Map<number, number>();
  let newest = cursor;
  const read = async (after: number, { limit, maxBytes }: { limit: number; maxBytes: number }) => {
    state.reads++;
    // Before the gate: the store reads its state at the start.
    const found = log.filter((each) => each.position > after && visible(each));
    const through = head();
    await (gate?.() ?? Promise.resolve());
    let bytes = 0;
    const messages = found.slice(0, limit).filter(({ text }, index) =>
      (bytes += text.length) <= maxBytes || index === 0
    );
    const whole = messages.length === found.length;
    return { messages, through: whole ? through : messages.at(-1)!.position } satisfies MessageBatch;
  };
  const host: DeliveryHost = {
    read,
    supports,
    send: (item, { position: through }) => {
      sent.push(through);
      newest = through;
      bytesOf.set(through, item.length);
      state.outstanding += item.length;
      state.most = Math.max(state.most, state.outstanding);
    },
    advance: (through, settled) => {
      passed.push([through, settled]);
      newest = through;
    },
    onFailed: (error) => void (state.failure = error),
  };
  const delivery = new Delivery(host, { cursor, head: head(), windowBytes });
  /** Acknowledges like the newest frame without items beyond this position. */
  const acknowledge = (position: number) => {
    let freed = 0;
    for (const [sent, bytes] of bytesOf) {
      if (sent > position) continue;
      freed += bytes;
      bytesOf.delete(sent);
    }
    state.outstanding -= freed;
    return delivery.acknowledge(Math.min(position, newest), freed);
  };
  const rewind = () => {
    bytesOf.clear();
    state.outstanding = 0;
    newest = cursor;
    delivery.rewind();
  };
  const commit = (text?: string, own = false, { lookUp = false } = {}) => {
    const entry = message(head() + 1, text);
    log.push(entry);
    if (lookUp) delivery.lookUp(entry.position);
    else if (visible(entry)) delivery.offer(entry, own);
    return entry.position;
  };
  return { delivery, log, sent, passed, state, commit, acknowledge, rewind };
}

const itemBytes = encodeMessageItem(message(1, "x".repeat(1_000))).length;

Deno.test("entries in the store are delivered before offered messages", async () => {
  const { delivery, sent, state, commit } = open({ log: [message(1), message(2)] });
  commit();
  assert.deepEqual(sent, []);
  delivery.start();
  await turns();
  const { reads } = state;
  commit();
  commit();
  assert.deepEqual(sent, [1, 2, 3, 4, 5]);
  assert.equal(state.reads, reads);
});

Deno.test("delivery starts after the cursor", async () => {
  const { delivery, sent } = open({ cursor: 2, log: [1, 2, 3, 4].map((position) => message(position)) });
  delivery.start();
  await turns();
  assert.deepEqual(sent, [3, 4]);
});

Deno.test("a message that is offered before the start or during a read is delivered once", async () => {
  const gates: (() => void)[] = [];
  const gate = () => new Promise<void>((resolve) => gates.push(resolve));
  const { delivery, sent, commit } = open({ log: [message(1)], gate });
  commit();
  delivery.start();
  commit();
  gates.shift()!();
  await turns();
  commit();
  assert.deepEqual(sent, [1, 2]);
  gates.shift()!();
  await turns();
  for (const open of gates.splice(0)) open();
  await turns();
  commit();
  assert.deepEqual(sent, [1, 2, 3, 4, 5]);
});

Deno.test("a message that is read before it is offered is delivered once", async () => {
  const { delivery, log, sent, commit } = open({ log: [message(1)] });
  const committed = [message(2), message(3)];
  log.push(...committed);
  delivery.start();
  await turns();
  assert.deepEqual(sent, [1, 2, 3]);
  for (const each of committed) delivery.offer(each, false);
  commit();
  assert.deepEqual(sent, [1, 2, 3, 4]);
});

Deno.test("a consumer that has everything reads nothing until a new message", async () => {
  const { delivery, sent, state, commit } = open({ cursor: 1, log: [message(1)] });
  delivery.start();
  await turns();
  assert.equal(state.reads, 0);
  commit();
  assert.deepEqual([sent, state.reads], [[2], 0]);
});

Deno.test("entries that the user may not see are skipped", async () => {
  const odd = ({ position }: Message) => position % 2 === 1;
  const { delivery, sent, passed, commit } = open({ visible: odd, log: [1, 2, 3, 4].map((each) => message(each)) });
  delivery.start();
  await turns();
  assert.deepEqual([sent, passed], [[1, 3], [[4, false]]]);
  commit();
  commit();
  commit();
  assert.deepEqual(sent, [1, 3, 5, 7]);
});

Deno.test("an entry to look up is delivered if the user may see it, before later messages", async () => {
  const { delivery, sent, commit } = open({ visible: ({ position }) => position % 2 === 0 });
  commit("1", false, { lookUp: true });
  delivery.start();
  commit("2", false, { lookUp: true });
  await turns();
  commit("3", false, { lookUp: true });
  commit("4");
  commit("5", false, { lookUp: true });
  await turns();
  commit("6", false, { lookUp: true });
  await turns();
  assert.deepEqual(sent, [2, 4, 6]);
});

Deno.test("unacknowledged items never exceed the window", async () => {
  const log = Array.from({ length: 50 }, (_, index) => message(index + 1, "x".repeat(1_000)));
  const { delivery, sent, state, acknowledge, commit } = open({ log, windowBytes: 10 * itemBytes });
  delivery.start();
  await turns(3);
  assert.deepEqual(sent, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  commit("more");
  assert.equal(sent.length, 10);
  assert.equal(acknowledge(4), 4);
  await turns(3);
  assert.equal(sent.at(-1), 14);
  while (sent.at(-1)! < 51) {
    const before: number = sent.length;
    acknowledge(sent.at(-1)!);
    await turns(3);
    assert.ok(sent.length > before);
  }
  assert.deepEqual(sent, Array.from({ length: 51 }, (_, index) => index + 1));
  assert.ok(state.most <= 10 * itemBytes);
});

Deno.test("the largest message fits a window of its size", async () => {
  const { delivery, sent, acknowledge } = open({
    log: [message(1, "x"), message(2, "x".repeat(1_000)), message(3, "x")],
    windowBytes: itemBytes,
  });
  delivery.start();
  await turns(3);
  assert.deepEqual(sent, [1]);
  acknowledge(1);
  await turns(3);
  assert.deepEqual(sent, [1, 2]);
  acknowledge(2);
  await turns(3);
  assert.deepEqual(sent, [1, 2, 3]);
});

Deno.test("acknowledge() returns a position only when the consumer moves", async () => {
  const { delivery, acknowledge, commit } = open({ log: [1, 2, 3].map((position) => message(position)) });
  assert.equal(delivery.acknowledge(0, 0), undefined);
  delivery.start();
  await turns();
  assert.equal(acknowledge(2), 2);
  assert.equal(acknowledge(2), undefined);
  assert.equal(acknowledge(1), undefined);
  assert.equal(acknowledge(3), 3);
  commit();
  assert.equal(acknowledge(4), 4);
});

Deno.test("the session's own messages are skipped: it has them from replies", async () => {
  const { delivery, sent, passed, commit, acknowledge } = open();
  delivery.start();
  await turns();
  commit("own", true);
  assert.deepEqual([sent, passed], [[], [[1, true]]]);
  commit("other");
  commit("own", true);
  assert.deepEqual([sent, passed], [[2], [[1, true], [3, false]]]);
  assert.equal(acknowledge(3), 3);
});

Deno.test("own messages are skipped too while delivery is behind", async () => {
  const gates: (() => void)[] = [];
  const gate = () => new Promise<void>((resolve) => gates.push(resolve));
  const { delivery, sent, commit } = open({ gate });
  commit("other");
  commit("own", true);
  delivery.start();
  commit("own", true);
  commit("other");
  while (gates.length > 0) {
    for (const open of gates.splice(0)) open();
    await turns();
  }
  assert.deepEqual(sent, [1, 4]);
});

Deno.test("rewind() sends unacknowledged messages again, except own ones", async () => {
  const { delivery, sent, commit, acknowledge, rewind } = open();
  delivery.start();
  await turns();
  commit("own", true);
  for (const text of ["a", "b", "c"]) commit(text);
  commit("own", true);
  acknowledge(2);
  rewind();
  await turns();
  assert.deepEqual(sent, [2, 3, 4, 3, 4]);
  commit();
  assert.deepEqual(sent.slice(5), [6]);
  acknowledge(6);
  rewind();
  await turns();
  assert.equal(sent.length, 6);
});

Deno.test("rewind() voids a read in progress", async () => {
  const gates: (() => void)[] = [];
  const gate = () => new Promise<void>((resolve) => gates.push(resolve));
  const log = [1, 2, 3].map((position) => message(position, "x".repeat(1_000)));
  const { delivery, sent, acknowledge, rewind } = open({ log, gate, windowBytes: 2 * itemBytes });
  const finishReads = async () => {
    while (gates.length > 0) {
      for (const open of gates.splice(0)) open();
      await turns();
    }
  };
  delivery.start();
  await finishReads();
  assert.deepEqual(sent, [1, 2]);
  acknowledge(1);
  assert.equal(gates.length, 1);
  rewind();
  await finishReads();
  assert.deepEqual(sent, [1, 2, 2, 3]);
});

Deno.test("nothing is delivered after close(), and a failing store is reported once", async () => {
  const closed = open({ log: [message(1)] });
  closed.delivery.start();
  closed.delivery.close();
  await turns();
  closed.commit();
  assert.deepEqual(closed.sent, []);
  const failing = open({ log: [message(1)], gate: () => Promise.reject(new Error("disk")) });
  failing.delivery.start();
  await turns();
  assert.match(String(failing.state.failure), /disk/);
  failing.commit();
  failing.acknowledge(1);
  await turns();
  assert.deepEqual([failing.sent, failing.state.reads], [[], 1]);
});

Deno.test("every order of offers, reads, acknowledgements and losses delivers all messages in order within the window", async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("commit"),
        size: fc.nat({ max: 300 }),
        own: fc.boolean(),
        lookUp: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("read") }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant("acknowledge"), share: fc.double({ min: 0, max: 1.1, noNaN: true }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("rewind") }) },
  ) as fc.Arbitrary<{ do: string; size: number; own: boolean; lookUp: boolean; share: number }>;
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 100, size: "max" }),
    fc.integer({ min: 600, max: 2_000 }),
    fc.nat({ max: 20 }),
    async (steps, windowBytes, before) => {
      const gates: (() => void)[] = [];
      let free = false;
      const gate = () => free ? Promise.resolve() : new Promise<void>((resolve) => gates.push(resolve));
      const log = Array.from({ length: before }, (_, index) => message(index + 1));
      const { delivery, sent, state, commit, acknowledge, rewind } = open({ log, windowBytes, gate });
      const own = new Set<number>();
      const received = new Set<number>();
      let seen = 0;
      let acknowledged = 0;
      const take = () => {
        for (const position of sent.splice(0)) {
          assert.ok(position > seen, `${position} came after ${seen}`);
          assert.ok(!own.has(position));
          received.add(seen = position);
        }
      };
      delivery.start();
      for (const step of steps) {
        if (step.do === "commit") {
          const isOwn = step.own && !step.lookUp;
          if (isOwn) own.add(log.length + 1);
          commit("x".repeat(step.size), isOwn, step);
        } else if (step.do === "read") {
          gates.shift()?.();
        } else if (step.do === "acknowledge") {
          acknowledged = acknowledge(Math.round(step.share * log.length)) ?? acknowledged;
        } else {
          take();
          seen = acknowledged;
          rewind();
        }
        await turns();
        take();
        assert.ok(state.most <= windowBytes);
      }
      free = true;
      for (const open of gates.splice(0)) open();
      const last = log.findLast(({ position }) => !own.has(position))?.position ?? 0;
      for (let round = 0; round < 1_000 && seen < last; round++) {
        await turns();
        take();
        acknowledge(log.length);
      }
      take();
      for (const { position } of log) assert.ok(received.has(position) || own.has(position), `${position} is missing`);
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

Deno.test("a closed delivery aborts its read", async () => {
  const signals: AbortSignal[] = [];
  const host: DeliveryHost = {
    read: (_after, { signal }) => {
      signals.push(signal);
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
    supports: () => true,
    send: () => assert.fail("sent"),
    advance: () => assert.fail("advanced"),
    onFailed: () => assert.fail("failed"),
  };
  const delivery = new Delivery(host, { cursor: 0, head: 1, windowBytes: 100_000 });
  delivery.start();
  await turns(3);
  delivery.close();
  await turns(3);
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true]);
});
