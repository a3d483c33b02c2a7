import assert from "node:assert/strict";
import { CountedMetrics } from "../support/fakes/counted_metrics.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { helloWith, TestSession } from "../support/servers/test_session.ts";

Deno.test("sessions are counted from their hello to their end, and refusals by their code", async () => {
  const metrics = new CountedMetrics();
  await using chat = await TestChat.open({ metrics });
  const stranger = new TestSession(chat);
  assert.equal(await stranger.refusal({ $case: "hello", value: helloWith("not a token") }), "unauthenticated");
  assert.deepEqual(metrics.counted, ["refused test unauthenticated"]);
  const { token } = await chat.logIn("ana");
  metrics.counted.length = 0;
  const session = await TestSession.open(chat, token);
  const read = { with: "nobody", seq: 1 };
  assert.equal(await session.refusal({ $case: "read", value: read }), "not_found");
  session.session.disconnected();
  const other = await TestSession.open(chat, token);
  chat.chat.endSessions();
  assert.equal(other.ended?.reason?.code, "unavailable");
  assert.deepEqual(metrics.counted, [
    "began test",
    "refused test not_found",
    "ended test left",
    "began test",
    "ended test unavailable",
  ]);
});

Deno.test("the lag of a delivery is counted for live sessions, and not for missed messages", async () => {
  const metrics = new CountedMetrics();
  await using chat = await TestChat.open({ metrics });
  const { token } = await chat.logIn("ben");
  const first = await TestSession.open(chat, token);
  first.session.disconnected();
  await chat.send("ana", "ben", "missed");
  const session = await TestSession.open(chat, token);
  chat.clock.advance(5_000);
  await chat.send("ana", "ben", "live");
  await eventually(() => session.texts.length === 2);
  assert.deepEqual(metrics.deliveries, [chat.clock.now()]);
  session.session.disconnected();
});
