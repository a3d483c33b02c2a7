import assert from "node:assert/strict";
import { DeliveryMode, ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { type FrameContent, FrameWriter } from "../../src/session/frame_writer.ts";
import { maxFrameBytes } from "../../src/wire/limits.ts";
import { EncodedFrame } from "../../src/wire/server_frame.ts";
import { encodeItem } from "../../src/wire/server_items.ts";

function open() {
  const sent: { frame: ServerFrame; bytes: number; content: FrameContent }[] = [];
  const deferred: (() => void)[] = [];
  const send = (items: readonly Uint8Array[], content: FrameContent) => {
    const frame = new EncodedFrame(items, { through: content.through, receipt: 0xffff_ffff }).toBytes();
    sent.push({ frame: ServerFrame.decode(frame), bytes: frame.length, content });
  };
  const writer = new FrameWriter({ send }, (callback) => void deferred.push(callback));
  const proceed = () => deferred.splice(0).forEach((callback) => callback());
  const reasons = () =>
    sent.map(({ frame }) => frame.items.map(({ kind }) => kind?.$case === "deliveryChanged" && kind.value.reason));
  return { writer, sent, deferred, proceed, reasons };
}

function item(reason: string): Uint8Array {
  return encodeItem({ $case: "deliveryChanged", value: { mode: DeliveryMode.STREAM, reason } });
}

Deno.test("items of one turn are sent in one frame, in order", () => {
  const { writer, deferred, proceed, reasons } = open();
  for (const reason of ["a", "b", "c"]) writer.add(item(reason));
  assert.deepEqual(reasons(), []);
  assert.equal(deferred.length, 1);
  proceed();
  assert.deepEqual(reasons(), [["a", "b", "c"]]);
  writer.add(item("d"));
  proceed();
  assert.deepEqual(reasons(), [["a", "b", "c"], ["d"]]);
});

Deno.test("a frame is at most 64 KiB, however many items one turn has", () => {
  const { writer, sent, proceed, reasons } = open();
  const all = Array.from({ length: 40 }, (_, index) => `${index}`.padEnd(index * 400, "x"));
  for (const [index, reason] of all.entries()) writer.deliver(item(reason), Number.MAX_SAFE_INTEGER - 40 + index);
  proceed();
  assert.ok(sent.length > 1);
  for (const { bytes } of sent) assert.ok(bytes <= maxFrameBytes, `${bytes}`);
  assert.deepEqual(reasons().flat(), all);
});

Deno.test("a frame states the position that it leads to", () => {
  const { writer, sent, proceed } = open();
  writer.deliver(item("a"), 3);
  writer.add(item("no position"));
  writer.advance(5);
  proceed();
  assert.deepEqual(sent.map(({ frame, content }) => [frame.through, content.through]), [[5, 5]]);
  writer.add(item("no position"));
  proceed();
  assert.equal(sent[1].frame.through, 0);
});

Deno.test("a position without an item is sent with the next item", () => {
  const { writer, sent, deferred, proceed } = open();
  writer.advance(5);
  assert.equal(deferred.length, 0);
  writer.add(item("a"));
  proceed();
  assert.deepEqual(sent.map(({ content }) => content.through), [5]);
});

Deno.test("each of several frames states its own position", () => {
  const { writer, sent, proceed } = open();
  const large = "x".repeat(30_000);
  for (const through of [1, 2, 3]) writer.deliver(item(large), through);
  proceed();
  assert.deepEqual(sent.map(({ frame, content }) => [frame.items.length, content.through]), [[2, 2], [1, 3]]);
});

Deno.test("flush() sends at once, and nothing twice", () => {
  const { writer, proceed, reasons } = open();
  writer.flush();
  writer.add(item("a"));
  writer.flush();
  proceed();
  assert.deepEqual(reasons(), [["a"]]);
});

Deno.test("a closed writer sends nothing", () => {
  const { writer, proceed, sent } = open();
  writer.add(item("a"));
  writer.close();
  writer.deliver(item("b"), 3);
  writer.advance(4);
  writer.flush();
  proceed();
  assert.deepEqual(sent, []);
});

Deno.test("the content of a frame counts bytes of deliveries and of other items", () => {
  const { writer, sent, proceed } = open();
  writer.deliver(item("a"), 3);
  writer.deliver(item("bc"), 4);
  writer.add(item("def"));
  assert.equal(writer.otherBytes, item("def").length + 64);
  proceed();
  assert.equal(writer.otherBytes, 0);
  const deliveryBytes = item("a").length + item("bc").length;
  assert.deepEqual(sent[0].content, { through: 4, deliveryBytes, otherBytes: item("def").length + 64 });
  writer.add(item("g"));
  proceed();
  assert.deepEqual(sent[1].content, { through: 0, deliveryBytes: 0, otherBytes: item("g").length + 64 });
});
