import assert from "node:assert/strict";
import { Alerts, type AlertsOptions, notification } from "../../../../src/terminal/chat/person/alerts.ts";
import type { Notify } from "../../../../src/terminal/chat/person/preferences.ts";
import { ManualTimers } from "../../../support/fakes/manual_timers.ts";

Deno.test("a notification holds nothing that ends it early or is a command of it", () => {
  assert.equal(notification("off", "ben", "hi"), "");
  assert.equal(notification("osc9", "ben", "hi\nthere"), "\x1b]9;ben: hi there\x1b\\");
  assert.equal(notification("osc777", "ben", "a;b"), "\x1b]777;notify;ben;a,b\x1b\\");
  assert.equal(notification("osc9", "4", "2"), "\x1b]9;_4: 2\x1b\\");
  const hostile = notification("osc777", "x\x07\x1b\\", "\x1b]52;c;aGk=\x07\x9c");
  // deno-lint-ignore no-control-regex -- they would end the sequence
  assert.equal(hostile.slice(2, -2).search(/[\x00-\x1f\x7f-\x9f]/), -1);
});

const alert = (title: string, text: string, isMention = false) => ({ title, text, isMention });

function collected(more: Partial<AlertsOptions> = {}) {
  const emitted: string[] = [];
  const timers = new ManualTimers();
  const alerts = new Alerts({ notify: () => "osc9", emit: (text) => emitted.push(text), timers, ...more });
  return { alerts, emitted, timers };
}

Deno.test("alerts that come soon after one are told together, a mention first", async () => {
  const { alerts, emitted, timers } = collected();
  alerts.ring(alert("ben", "one"));
  alerts.ring(alert("cat", "two"));
  alerts.ring(alert("dan in #ops", "@ana three", true));
  assert.deepEqual(emitted, ["\x07\x1b]9;ben: one\x1b\\"]);
  await timers.advance(2_000);
  assert.deepEqual(emitted.slice(1), ["\x07\x1b]9;dan in #ops, and 1 more message: @ana three\x1b\\"]);
  alerts.ring(alert("ben", "four"));
  await timers.advance(2_000);
  assert.deepEqual(emitted.slice(2), ["\x07\x1b]9;ben: four\x1b\\"], "none is told before 2 seconds have passed");
  await timers.advance(2_000);
  assert.deepEqual([emitted.length, timers.pending], [3, 0]);
});

Deno.test("a closed chat tells no alert that was gathered", async () => {
  const { alerts, emitted, timers } = collected();
  alerts.ring(alert("ben", "one"));
  alerts.ring(alert("ben", "two"));
  alerts.close();
  await timers.advance(10_000);
  assert.equal(emitted.length, 1);
});

Deno.test("notifications pass through tmux and screen, and the bell goes beside them", () => {
  const told = (multiplexer: AlertsOptions["multiplexer"], notify: Notify) => {
    const { alerts, emitted } = collected({ multiplexer, notify: () => notify });
    alerts.ring(alert("ben", "hi"));
    alerts.close();
    return emitted.join("");
  };
  assert.equal(told("tmux", "osc9"), "\x07\x1bPtmux;\x1b\x1b]9;ben: hi\x1b\x1b\\\x1b\\");
  assert.equal(told("screen", "osc9"), "\x07\x1bP\x1b]9;ben: hi\x07\x1b\\");
  assert.equal(told("tmux", "off"), "\x07");
});
