import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { LiveSessions } from "../../../src/core/people/live_sessions.ts";
import { throwsWith } from "../../support/checks/chat_error_assertions.ts";
import { FakeSubscriber } from "../../support/servers/test_chat.ts";

const reason = new ChatError("token_revoked", "Log in again.");

function subscriber(user: string, deviceId: string, consumer = "ui"): FakeSubscriber {
  return new FakeSubscriber({ user, deviceId }, consumer);
}

Deno.test("a user comes with the first session and goes with the last", () => {
  const live = new LiveSessions();
  const [one, other] = [subscriber("ana", "d1"), subscriber("ana", "d2")];
  assert.equal(live.add(one), true);
  assert.equal(live.add(other), false);
  assert.equal(live.count, 2);
  assert.equal(live.remove(one), false);
  assert.equal(live.isOnline("ana"), true);
  assert.equal(live.isDeviceOnline("ana", "d1"), false);
  assert.equal(live.isDeviceOnline("ana", "d2"), true);
  assert.equal(live.remove(other), true);
  assert.equal(live.remove(other), false);
  assert.equal(live.isOnline("ana"), false);
  assert.equal(live.count, 0);
});

Deno.test("a session takes over the consumer of its device, and nothing else", () => {
  const live = new LiveSessions();
  const before = subscriber("ana", "d1");
  const others = [subscriber("ana", "d1", "tail"), subscriber("ana", "d2"), subscriber("ben", "d3")];
  for (const each of [before, ...others]) live.add(each);
  const after = subscriber("ana", "d1");
  assert.equal(live.add(after), false);
  assert.equal(before.ended?.code, "session_replaced");
  assert.deepEqual(others.map(({ ended }) => ended), [undefined, undefined, undefined]);
  assert.equal(live.remove(before), false);
  assert.deepEqual(new Set(live.of("ana")), new Set([others[0], others[1], after]));
});

Deno.test("a takeover by the only session leaves the user online", () => {
  const live = new LiveSessions();
  const before = subscriber("ana", "d1");
  before.end = () => assert.equal(live.remove(before), false);
  live.add(before);
  const after = subscriber("ana", "d1");
  assert.equal(live.add(after), false);
  assert.deepEqual([...live.of("ana")], [after]);
});

Deno.test("a user has at most 64 sessions; taking one over is still possible", () => {
  const live = new LiveSessions();
  const sessions = Array.from({ length: 64 }, (_, index) => subscriber("ana", `d${index}`));
  for (const each of sessions) live.add(each);
  throwsWith("limit_reached", () => live.add(subscriber("ana", "d64")));
  live.add(subscriber("ben", "d64"));
  live.add(subscriber("ana", "d7"));
  assert.equal(sessions[7].ended?.code, "session_replaced");
  live.remove(sessions[0]);
  live.add(subscriber("ana", "d64"));
  assert.equal([...live.of("ana")].length, 64);
});

Deno.test("a revocation ends the sessions that it is about", () => {
  const ended = (revocation: { deviceId?: string; exceptDeviceId?: string }) => {
    const live = new LiveSessions();
    const all = [
      subscriber("ana", "d1"),
      subscriber("ana", "d1", "tail"),
      subscriber("ana", "d2"),
      subscriber("ben", "d3"),
    ];
    for (const each of all) live.add(each);
    live.endRevoked({ user: "ana", reason, ...revocation });
    return all.map((each) => each.ended === reason);
  };
  assert.deepEqual(ended({ deviceId: "d1" }), [true, true, false, false]);
  assert.deepEqual(ended({ exceptDeviceId: "d1" }), [false, false, true, false]);
  assert.deepEqual(ended({}), [true, true, true, false]);
  assert.deepEqual(ended({ deviceId: "d3" }), [false, false, false, false]);
});

Deno.test("endAll() ends everybody, also those who leave while it goes on", () => {
  const live = new LiveSessions();
  const all = [subscriber("ana", "d1"), subscriber("ana", "d2"), subscriber("ben", "d3")];
  for (const each of all) {
    live.add(each);
    const end = each.end.bind(each);
    each.end = (why) => {
      live.remove(each);
      end(why);
    };
  }
  live.endAll(reason);
  assert.deepEqual(all.map(({ ended }) => ended), [reason, reason, reason]);
  assert.equal(live.count, 0);
});
