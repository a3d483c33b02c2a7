import assert from "node:assert/strict";
import { Alerts, notification } from "../../../src/terminal/chat/alerts.ts";

Deno.test("a notification holds nothing that ends it early or is a command of it", () => {
  assert.equal(notification("off", "ben", "hi"), "");
  assert.equal(notification("osc9", "ben", "hi\nthere"), "\x1b]9;ben: hi there\x1b\\");
  assert.equal(notification("osc777", "ben", "a;b"), "\x1b]777;notify;ben;a,b\x1b\\");
  assert.equal(notification("osc9", "4", "2"), "\x1b]9;_4: 2\x1b\\");
  const hostile = notification("osc777", "x\x07\x1b\\", "\x1b]52;c;aGk=\x07\x9c");
  // deno-lint-ignore no-control-regex -- they would end the sequence
  assert.equal(hostile.slice(2, -2).search(/[\x00-\x1f\x7f-\x9f]/), -1);
});

Deno.test("messages that arrive together ring once", () => {
  const emitted: string[] = [];
  const alerts = new Alerts({ notify: () => "off", emit: (sequence) => emitted.push(sequence) });
  alerts.ring("ben", "one");
  alerts.ring("ben", "two");
  assert.deepEqual(emitted, ["\x07"]);
});
