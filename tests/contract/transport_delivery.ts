import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { PresenceState } from "../../src/gen/chatd/v1/chat.ts";
import { ServerFrame } from "../../src/gen/chatd/v1/session.ts";
import { turns, until } from "../support/waiting/turns.ts";
import { historyRequest, sendRequest, wireMessage } from "../support/servers/wire_values.ts";
import { type DefineTest, logIn, openAll, register, windowBytes } from "./transport_harness.ts";

/** How messages reach every consumer, whoever comes, goes, stops and starts. */
export function transportDelivery(test: DefineTest): void {
  test("two people write to each other", async ({ server, session }) => {
    const [ana, ben] = await openAll(server, session, "ana", "ben");
    const id = createMessageId();
    const accepted = await ana.send("ben", "hello ben 😀\u0000", id);
    const { position, conversation, seq, acceptedAtMs, duplicate } = accepted;
    assert.deepEqual([position, conversation, seq, duplicate], [1, "ana:ben", 1, false]);
    await ben.received(1);
    const text = "hello ben 😀\u0000";
    assert.deepEqual(ben.messages, [wireMessage({ position, conversation, seq, id, acceptedAtMs, text, ordinal: 1 })]);
    await ben.send("ana", "hello ana");
    assert.deepEqual(await ana.received(1), ["hello ana"]);
    assert.deepEqual([ana.messages[0].seq, ana.messages[0].position], [2, 2]);
  });

  test("the sender's other device gets the message, its own session only the reply", async ({ server, session }) => {
    const [ana] = await openAll(server, session, "ana", "ben");
    const other = await session((await logIn(server, "ana")).token);
    await ana.send("ben", "1");
    await ana.send("ana", "2");
    assert.deepEqual(await other.received(2), ["1", "2"]);
    await ana.ask("ping", {});
    await turns(5);
    assert.deepEqual(ana.messages, []);
  });

  test("messages arrive in the order of their sending", async ({ server, session }) => {
    const [ana, ben] = await openAll(server, session, "ana", "ben");
    const texts = Array.from({ length: 600 }, (_, index) => `${index}`);
    const ids: number[] = [];
    for (let start = 0; start < texts.length; start += 100) {
      const kinds = texts.slice(start, start + 100).map((text) => ({
        $case: "send" as const,
        value: sendRequest({ to: "ben", id: createMessageId(), text }),
      }));
      ids.push(...ana.request(...kinds));
    }
    await ana.reply(ids.at(-1)!);
    assert.deepEqual(await ben.received(600), texts);
    assert.deepEqual(ben.messages.map(({ seq }) => seq), texts.map((_, index) => index + 1));
    assert.deepEqual(ana.replies.slice(1).map(({ requestId }) => requestId), ids);
  });

  test("who was away gets what came meanwhile, once it is acknowledged not again", async ({ fixture, server, session }) => {
    const [ana] = await openAll(server, session, "ana");
    const { token } = await register(server, "ben");
    await (await session(token)).close();
    for (const text of ["1", "2"]) await ana.send("ben", text);
    const first = await session(token);
    assert.deepEqual(await first.received(2), ["1", "2"]);
    first.acknowledge();
    await ana.send("ben", "3");
    assert.deepEqual(await first.received(3), ["1", "2", "3"]);
    await first.ask("ping", {});
    await first.close();
    const second = await session(token);
    await ana.send("ben", "4");
    await until(() => second.texts.at(-1) === "4");
    if (!fixture.acknowledgesByReading) assert.deepEqual(second.texts, ["3", "4"]);
    assert.ok("1,2,3,4".endsWith(second.texts.join()));
  });

  test("a client resumes where it says it is, in this log only", async ({ server, session }) => {
    const [ana] = await openAll(server, session, "ana");
    await register(server, "ben");
    const resume = async (resumeAfter: number, epoch: string, count: number) => {
      const device = await logIn(server, "ben");
      await (await session(device.token)).close();
      const texts = ["1", "2", "3"];
      const sent = [];
      for (const text of texts) sent.push(await ana.send("ben", text));
      const client = await session(device.token, { resumeAfter: sent[resumeAfter - 1].position, epoch });
      const received = await client.received(count);
      await client.ask("ping", {});
      await client.close();
      return received;
    };
    assert.deepEqual(await resume(2, server.chat.epoch, 1), ["3"]);
    assert.deepEqual(await resume(2, "another log", 3), ["1", "2", "3"]);
  });

  test("two consumers of one device are independent", async ({ fixture, server, session }) => {
    const [ana] = await openAll(server, session, "ana");
    const { token } = await register(server, "ben");
    const ui = await session(token);
    const tail = await session(token, { consumer: "tail:alerts" });
    await ana.send("ben", "1");
    for (const each of [ui, tail]) assert.deepEqual(await each.received(1), ["1"]);
    await tail.close();
    await ana.send("ben", "2");
    assert.deepEqual(await ui.received(2), ["1", "2"]);
    const again = await session(token, { consumer: "tail:alerts" });
    await until(() => again.texts.at(-1) === "2");
    if (!fixture.acknowledgesByReading) assert.deepEqual(again.texts, ["1", "2"]);
  });

  test("a newer session takes over the consumer of its device", async ({ server, session }) => {
    const [ana] = await openAll(server, session, "ana");
    const { token } = await register(server, "ben");
    const before = await session(token);
    const after = await session(token);
    assert.equal(await before.end(), "session_replaced");
    assert.equal(before.endReason?.code, "session_replaced");
    await ana.send("ben", "1");
    assert.deepEqual(await after.received(1), ["1"]);
    assert.deepEqual(before.messages, []);
  });

  test("a client that takes nothing is sent one window, and the rest when it goes on", async ({ fixture, server, session }) => {
    const [ana, ben, cleo] = await openAll(server, session, "ana", "ben", "cleo");
    if (fixture.acknowledgesByReading) await until(() => ben.items.some(({ $case }) => $case === "deliveryChanged"));
    ben.pause();
    const texts = Array.from({ length: 60 }, (_, index) => `${index}`.padEnd(16_000));
    for (const text of texts) await ana.send("ben", text);
    await ana.send("cleo", "all is well");
    assert.deepEqual(await cleo.received(1), ["all is well"]);
    ben.resume();
    if (!fixture.acknowledgesByReading) {
      await ben.received(15);
      await ben.ask("ping", {});
      await turns(20);
      const bytes = ben.messages.reduce((sum, { text }) => sum + text.length, 0);
      assert.ok(bytes <= windowBytes, `${bytes} bytes of text`);
    }
    while (ben.messages.length < 60) {
      const count = ben.messages.length;
      ben.acknowledge();
      await ben.received(count + 1);
    }
    assert.deepEqual(ben.texts, texts);
  });

  test("a client that acknowledges by guessing is sent away, and nothing counts as delivered", async ({ server, session }) => {
    const [ana] = await openAll(server, session, "ana");
    const { token } = await register(server, "ben");
    const ben = await session(token, { callback: undefined });
    await ana.send("ben", "1");
    await ben.received(1);
    ben.acknowledge((ben.receiptFor() ^ 1) >>> 0);
    assert.equal(await ben.end(), "invalid_argument");
    const again = await session(token, { callback: undefined });
    assert.deepEqual(await again.received(1), ["1"]);
  });

  test("a client that reads and acknowledges nothing is sent two windows at most, whatever it asks", async ({ server, session }) => {
    const { token } = await register(server, "ben");
    const [ana] = await openAll(server, session, "ana");
    const ben = await session(token, { callback: undefined });
    for (let count = 0; count < 30; count++) await ana.send("ben", `${count}`.padEnd(16_000));
    const history = { $case: "history" as const, value: historyRequest({ with: "ana", limit: 1 }) };
    ben.request(...Array.from({ length: 100 }, () => history));
    await until(() => ben.replies.length >= 16 && ben.messages.length >= 16);
    await turns(20);
    const bytes = ben.frames.reduce((sum, frame) => sum + ServerFrame.encode(frame).finish().length, 0);
    assert.ok(bytes <= 2 * windowBytes + 64 * 1024, `${bytes} bytes`);
    assert.equal(ben.ended, undefined);
  });

  test("people with a conversation see each other come", async ({ server, session }) => {
    const [ana, ben] = await openAll(server, session, "ana", "ben");
    await ana.send("ben");
    const cleo = await session((await register(server, "cleo")).token);
    const { users } = await cleo.ask("listUsers", { after: "", limit: 0 });
    const online = { online: true, state: PresenceState.ONLINE, lastSeenMs: 0, displayName: "", status: "" };
    assert.deepEqual(users, ["ana", "ben", "cleo"].map((name) => ({ name, ...online })));
    await ben.close();
    const again = await session((await logIn(server, "ben")).token);
    await until(() => again.presence.length > 0);
    assert.deepEqual(again.presence, [["ana", true]]);
    assert.deepEqual(cleo.presence, []);
  });

  test("a session ends when its link is closed", async ({ server, session, link }) => {
    // A link without hello is no session. It comes first: it must be connected before it is closed, because Deno 2.9.6
    // crashes in `node:http2` when a server stops while grpc-js connects (denoland/deno#36788).
    await link();
    const [ana] = await openAll(server, session, "ana");
    assert.equal(server.chat.live.count, 1);
    await ana.close();
    await until(() => server.chat.live.count === 0);
    assert.deepEqual(ana.ended, { error: undefined });
  });

  for (const how of ["in peace", "abruptly"] as const) {
    test(`a server that stops ${how} and comes back loses nothing and doubles nothing`, async ({ server, session }) => {
      const { token: anaToken } = await register(server, "ana");
      const { token: benToken } = await register(server, "ben");
      const [ana, ben] = [await session(anaToken), await session(benToken)];
      const id = createMessageId();
      await ana.send("ben", "1");
      await ben.received(1);
      await ben.close();
      const accepted = await ana.send("ben", "2", id);
      await server.stop(how);
      assert.equal(await ana.end(), "unavailable");
      await server.start();
      const [anaAgain, benAgain] = [await session(anaToken), await session(benToken)];
      assert.deepEqual(await anaAgain.send("ben", "2", id), { ...accepted, duplicate: true });
      await anaAgain.send("ben", "3");
      await until(() => benAgain.texts.at(-1) === "3");
      const seen = new Map([...ben.messages, ...benAgain.messages].map(({ position, text }) => [position, text]));
      assert.deepEqual([...seen], [[1, "1"], [2, "2"], [3, "3"]]);
      const resumed = await session((await logIn(server, "ben")).token, { resumeAfter: 0, epoch: server.chat.epoch });
      const { messages } = await resumed.ask("history", historyRequest({ with: "ana" }));
      assert.deepEqual(messages.map(({ seq, text }) => [seq, text]), [[1, "1"], [2, "2"], [3, "3"]]);
    });
  }

  test("a server that stops tells its clients to come back", async ({ server, session }) => {
    const [ana] = await openAll(server, session, "ana");
    await server.stop("in peace");
    assert.equal(await ana.end(), "unavailable");
    assert.deepEqual([ana.endReason?.code, (ana.endReason?.retryAfterMs ?? 0) > 0], ["unavailable", true]);
  });
}
