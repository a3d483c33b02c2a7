import assert from "node:assert/strict";
import { SendWindow } from "../../../src/bench/driver/send_window.ts";

function windowWith() {
  const written: number[] = [];
  const window = new SendWindow({ overhead: 5, write: ({ length }) => written.push(length) });
  return { window, written, send: (length: number) => window.send(new Uint8Array(length)) };
}

Deno.test("messages go out while both windows have room, and later ones wait behind one that has none", () => {
  const { window, written, send } = windowWith();
  [60_000, 5_525, 1, 0].forEach(send);
  // 65,535 octets with the 5 of each message.
  assert.deepEqual(written.splice(0), [60_000, 5_525]);
  window.grant(1, 100);
  assert.deepEqual(written, []);
  window.grant(0, 6);
  assert.deepEqual(written.splice(0), [1]);
  window.grant(0, 5);
  assert.deepEqual(written, [0]);
});

Deno.test("another initial window changes that of the call, which may become negative", () => {
  const { window, written, send } = windowWith();
  window.grant(0, 1_000_000);
  send(60_000);
  window.setInitial(10_000);
  send(100);
  assert.deepEqual(written.splice(0), [60_000]);
  window.setInitial(60_109);
  assert.deepEqual(written, []);
  window.setInitial(60_110);
  assert.deepEqual(written, [100]);
});

Deno.test("a message that waits is a copy", () => {
  const written: string[] = [];
  const window = new SendWindow({ overhead: 0, write: (message) => written.push(message.toString()) });
  window.send(new Uint8Array(65_535));
  written.length = 0;
  const bytes = Uint8Array.of(1, 2);
  window.send(bytes);
  bytes.fill(9);
  window.grant(0, 2);
  window.grant(1, 2);
  assert.deepEqual(written, ["1,2"]);
});
