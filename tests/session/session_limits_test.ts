import assert from "node:assert/strict";
import type { RequestKind } from "../support/servers/received_frames.ts";
import { open, ping, send } from "../support/servers/session_requests.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { helloWith, TestSession } from "../support/servers/test_session.ts";
import { turns, until } from "../support/waiting/turns.ts";
import { historyRequest } from "../support/servers/wire_values.ts";

Deno.test("requests above the rate wait for their turn, in order", async () => {
  await using test = await TestChat.open({ rate: { perSecond: 100, burst: 5 } });
  const ana = await open(test, "ana");
  const ids = ana.request(...Array.from({ length: 8 }, () => ping));
  await ana.reply(ids[4]);
  await turns(20);
  assert.equal(ana.replies.some(({ requestId }) => requestId === ids[5]), false);
  test.clock.advance(20);
  await ana.reply(ids[6]);
  assert.equal(ana.replies.some(({ requestId }) => requestId === ids[7]), false);
  test.clock.advance(1_000);
  assert.equal((await ana.reply(ids[7])).$case, "ping");
  assert.deepEqual(ana.replies.slice(-8).map(({ requestId }) => requestId), ids);
});

Deno.test("a burst of requests that read the store leaves other sessions their turns", async () => {
  await using test = await TestChat.open();
  await test.send("ana", "ben", "hello");
  const [ana, ben] = [await open(test, "ana"), await open(test, "ben")];
  const history: RequestKind = { $case: "history", value: historyRequest({ with: "ben", limit: 1 }) };
  const ids = ana.request(...Array.from({ length: 200 }, () => history));
  await ben.ask("ping", {});
  assert.ok(ana.replies.length < 100, `${ana.replies.length} came first`);
  await ana.reply(ids.at(-1)!);
});

Deno.test("a session in which too many requests wait for the rate is ended", async () => {
  await using test = await TestChat.open({ rate: { perSecond: 1, burst: 1 } });
  const ana = await open(test, "ana");
  ana.request(...Array.from({ length: 1_100 }, () => ping));
  await until(() => ana.ended !== undefined);
  assert.equal(ana.ended?.reason?.code, "slow_consumer");
});

Deno.test("no request is begun while too many bytes of replies are not acknowledged", async () => {
  await using test = await TestChat.open();
  await test.send("ana", "ben", "x".repeat(16_384));
  const ana = await open(test, "ana");
  const history: RequestKind = { $case: "history", value: historyRequest({ with: "ben", limit: 1 }) };
  const ids = ana.request(...Array.from({ length: 40 }, () => history));
  await until(() => ana.replies.length >= 16);
  await turns(5);
  const answered = ana.replies.length;
  assert.ok(ana.sizes.reduce((sum, size) => sum + size) < 300_000);
  assert.ok(answered < 20);
  ana.acknowledge();
  await until(() => ana.replies.length >= answered + 10);
  await turns(5);
  assert.ok(ana.replies.length <= 2 * answered);
  while (ana.replies.length < 41) {
    ana.acknowledge();
    await turns();
  }
  assert.deepEqual(ana.replies.slice(1).map(({ requestId }) => requestId), ids);
});

Deno.test("a client that sends requests and reads no replies is disconnected", async () => {
  await using test = await TestChat.open();
  const [ana, ben] = [await open(test, "ana"), await open(test, "ben")];
  const flood = async (kind: RequestKind) => {
    for (let round = 0; round < 100 && ana.ended === undefined; round++) {
      ana.request(...Array.from({ length: 500 }, () => kind));
      await turns();
    }
  };
  await flood(ping);
  assert.equal(ana.endCode, "slow_consumer");
  assert.ok(ana.sizes.reduce((sum, size) => sum + size) < 300_000);
  await ben.ask("ping", {});
});

Deno.test("requests wait up to 1 MiB and 1024, and the session ends beyond", async () => {
  await using test = await TestChat.open();
  const commit = test.store.messages.commit.bind(test.store.messages);
  const disk = Promise.withResolvers<void>();
  test.store.messages.commit = (changes) => disk.promise.then(() => commit(changes));
  const many = await open(test, "ana");
  many.request(...Array.from({ length: 256 }, () => send(test, "ben")), ping);
  await turns(3);
  many.request(...Array.from({ length: 1_023 }, () => ping));
  assert.equal(many.ended, undefined);
  many.request(ping, ping);
  assert.equal(many.endCode, "slow_consumer");
  const large = await open(test, "ana");
  large.request(...Array.from({ length: 256 }, () => send(test, "ben")), ping);
  await turns(3);
  for (let sent = 0; sent < 63; sent++) large.request(send(test, "ben", "x".repeat(16_384)));
  assert.equal(large.ended, undefined);
  large.request(send(test, "ben", "x".repeat(16_384)));
  assert.equal(large.endCode, "slow_consumer");
  disk.resolve();
});

Deno.test("a client that acknowledges nothing is sent one window of messages, and other sessions go on", async () => {
  await using test = await TestChat.open();
  const [ben, cleo] = [await open(test, "ben"), await open(test, "cleo")];
  const text = "x".repeat(16_000);
  for (let count = 0; count < 40; count++) await test.send("ana", "ben", text);
  await test.send("ana", "cleo");
  await until(() => cleo.messages.length === 1);
  await turns(3);
  const bytes = ben.sizes.reduce((sum, size) => sum + size);
  assert.ok(bytes > 200_000 && bytes <= 262_144 + 1_000, `${bytes}`);
  for (const size of ben.sizes) assert.ok(size <= 65_536);
  while (ben.messages.length < 40) {
    ben.acknowledge();
    await turns(2);
  }
  assert.deepEqual(ben.messages.map(({ seq }) => seq), Array.from({ length: 40 }, (_, index) => index + 1));
});

Deno.test("a client that acknowledges an unread frame is disconnected", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ben");
  for (const wrong of ["guessed", "older", "none", "before hello"]) {
    const ben = new TestSession(test);
    if (wrong !== "before hello") await ben.hello(token);
    if (wrong === "guessed") ben.acknowledge({ receipt: (ben.receiptFor() ^ 1) >>> 0 });
    if (wrong === "none" || wrong === "before hello") ben.acknowledge({ receipt: 0 });
    if (wrong === "older") {
      const first = ben.receiptFor();
      await ben.ask("ping", {});
      ben.acknowledge();
      ben.acknowledge();
      assert.equal(ben.ended, undefined);
      ben.acknowledge({ receipt: first });
    }
    assert.equal(ben.endCode, "invalid_argument", wrong);
  }
});

Deno.test("unacknowledged deliveries do not hold up replies, nor replies deliveries", async () => {
  await using test = await TestChat.open();
  const [ben, cleo] = [await open(test, "ben"), await open(test, "cleo")];
  for (let count = 0; count < 40; count++) await test.send("ana", "ben", "x".repeat(16_000));
  await turns(3);
  assert.ok(ben.messages.length < 40);
  await ben.ask("ping", {});
  for (const replies of [1_001, 2_001, 3_001, 3_500]) {
    cleo.request(...Array.from({ length: 1_000 }, () => ping));
    await until(() => cleo.replies.length >= replies);
  }
  await turns(10);
  assert.ok(cleo.replies.length < 4_001);
  await test.send("ana", "cleo", "hello");
  await until(() => cleo.messages.length === 1);
});

Deno.test("unacknowledged presence is dropped beyond half a window", async () => {
  await using test = await TestChat.open();
  await test.send("ana", "ben");
  const [ana] = [await open(test, "ana")];
  const flood = () => {
    for (let told = 0; told < 10_000; told++) {
      for (const subscriber of test.chat.live.of("ana")) {
        subscriber.notify({ kind: "presence", user: "ben", state: told % 2 === 0 ? "online" : "offline" });
      }
    }
  };
  flood();
  await turns(3);
  assert.ok(ana.sizes.reduce((sum, size) => sum + size) < 131_072);
  const told = ana.presence.length;
  await ana.ask("ping", {});
  flood();
  await turns(3);
  assert.equal(ana.presence.length, told);
  ana.acknowledge();
  flood();
  await turns(3);
  assert.ok(ana.presence.length > told);
});

Deno.test("a user has at most 64 live sessions", async () => {
  await using test = await TestChat.open();
  const tokens = await Promise.all(Array.from({ length: 3 }, () => test.logIn("ana")));
  for (let index = 0; index < 64; index++) {
    await TestSession.open(test, tokens[index % 3].token, { hello: { consumer: `c${index}` } });
  }
  const client = new TestSession(test);
  const value = helloWith(tokens[0].token, { consumer: "one-more" });
  assert.equal(await client.refusal({ $case: "hello", value }), "limit_reached");
  assert.equal(client.endCode, "limit_reached");
  assert.equal(test.chat.live.count, 64);
  await TestSession.open(test, tokens[0].token, { hello: { consumer: "c0" } });
});
