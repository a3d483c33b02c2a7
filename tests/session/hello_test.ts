import assert from "node:assert/strict";
import { maxIdleFrames } from "../../src/session/idle_frames.ts";
import { FakeTime } from "../support/fakes/fake_time.ts";
import { open, send } from "../support/servers/session_requests.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { helloWith, TestSession } from "../support/servers/test_session.ts";
import { turns, until } from "../support/waiting/turns.ts";

Deno.test("the reply to hello names the user and the position, before all other items", async () => {
  await using test = await TestChat.open();
  await test.send("ana", "ben");
  const { token, deviceId } = await test.logIn("ana");
  const client = new TestSession(test);
  const value = await client.hello(token);
  const { chat } = test;
  assert.deepEqual(value, {
    user: "ana",
    deviceId,
    epoch: chat.epoch,
    incarnation: chat.timeline.incarnation,
    sharedThrough: 1,
    cursor: 1,
    head: 1,
    protocolMin: 1,
    protocolMax: 2,
    server: "chatd test",
    windowBytes: 262_144,
    stateRevision: value.stateRevision,
  });
  assert.deepEqual(client.items[0].$case, "reply");
  assert.equal(chat.presence.stateOf("ana"), "online");
  client.session.disconnected();
  assert.deepEqual(client.ended, { reason: undefined });
  assert.equal(chat.live.count, 0);
});

Deno.test("a wrong hello is refused with its code, and ends the session", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  const wrong = [
    ["unauthenticated", helloWith("no such token")],
    ["unauthenticated", helloWith("")],
    ["unsupported_version", helloWith(token, { protocolVersion: 3 })],
    ["invalid_argument", helloWith(token, { consumer: "A B" })],
    [
      "invalid_argument",
      helloWith(token, {
        callback: { port: 22, certificate: new Uint8Array(1), secret: new Uint8Array(32) },
      }),
    ],
  ] as const;
  for (const [code, value] of wrong) {
    const client = new TestSession(test);
    assert.equal(await client.refusal({ $case: "hello", value }), code);
    assert.equal(client.endCode, code);
  }
  assert.equal(test.chat.live.count, 0);
});

Deno.test("a request before hello is refused and ends the session", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  const client = new TestSession(test);
  client.request(send(test, "ben"), { $case: "hello", value: helloWith(token) });
  await until(() => client.ended);
  assert.equal(client.endCode, "unauthenticated");
  assert.deepEqual(client.replies.map(({ requestId }) => requestId), [1]);
  assert.equal(test.chat.live.count, 0);
  assert.equal(test.chat.head, 0);
});

Deno.test("a second hello is refused, and the session goes on", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  const client = await TestSession.open(test, token);
  assert.equal(await client.refusal({ $case: "hello", value: helloWith(token) }), "invalid_argument");
  await client.ask("ping", {});
});

Deno.test("a session without a hello ends after 10 s", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const client = new TestSession(test);
  await time.tick(9_999);
  client.receive({ requests: [] });
  assert.equal(client.ended, undefined);
  await time.tick(1);
  assert.equal(client.endCode, "unauthenticated");
  assert.equal(time.pending, 0);
});

Deno.test("a client that sends only empty frames is disconnected, before its hello and after", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  for (const client of [new TestSession(test), await TestSession.open(test, token)]) {
    for (let count = 0; count < maxIdleFrames; count++) client.receive({ requests: [] });
    assert.equal(client.ended, undefined);
    client.receive({ requests: [] });
    assert.equal(client.endCode, "invalid_argument");
  }
});

Deno.test("a client may send empty frames between requests, and may not repeat an acknowledgement for ever", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  const client = await TestSession.open(test, token);
  for (let round = 0; round < 3; round++) {
    for (let count = 0; count < maxIdleFrames; count++) client.receive({ requests: [] });
    await client.ask("ping", {});
  }
  const { receipt } = client.frames.at(-1)!;
  for (let count = 0; count <= maxIdleFrames; count++) client.acknowledge({ receipt });
  assert.equal(client.ended, undefined);
  client.acknowledge({ receipt });
  assert.equal(client.endCode, "invalid_argument");
});

Deno.test("a session with its hello has no deadline, and leaves no timer", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  const client = new TestSession(test);
  await client.hello(token);
  await time.tick(60_000);
  assert.equal(client.ended, undefined);
  client.session.disconnected();
  await time.tick(60_000);
  assert.equal(time.pending, 0);
});

Deno.test("a user who begins too many sessions has to wait", async () => {
  await using test = await TestChat.open();
  const ana = await open(test, "ana");
  for (let count = 1; count < 128; count++) test.chat.admitSession("ana");
  const late = await open(test, "ana").then(() => undefined, (error) => error);
  assert.match(String(late), /rate_limited/);
  await open(test, "ben");
  test.clock.advance(1_000);
  await open(test, "ana");
  assert.equal(ana.ended, undefined);
});

Deno.test("a newer session takes over a consumer, and gets its unacknowledged messages", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ben");
  const before = await TestSession.open(test, token);
  for (const text of ["1", "2", "3"]) await test.send("ana", "ben", text);
  await until(() => before.messages.length === 3);
  before.acknowledge({ through: 1 });
  const after = await TestSession.open(test, token);
  assert.equal(before.endCode, "session_replaced");
  await until(() => after.messages.length === 2);
  assert.deepEqual(after.texts, ["2", "3"]);
  before.acknowledge();
  await test.send("ana", "ben", "4");
  await until(() => after.messages.length === 3);
  assert.deepEqual(before.texts, ["1", "2", "3"]);
  assert.equal(test.chat.live.count, 1);
});

Deno.test("two consumers of one device have cursors of their own", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ben");
  const ui = await TestSession.open(test, token);
  const tail = await TestSession.open(test, token, { hello: { consumer: "tail" } });
  await test.send("ana", "ben", "1");
  await until(() => ui.messages.length === 1 && tail.messages.length === 1);
  ui.acknowledge();
  for (const each of [ui, tail]) each.session.disconnected();
  const [uiAgain, tailAgain] = [
    await TestSession.open(test, token),
    await TestSession.open(test, token, { hello: { consumer: "tail" } }),
  ];
  await until(() => tailAgain.messages.length === 1);
  assert.deepEqual(uiAgain.messages, []);
});

Deno.test("a session resumes after the later of its cursor and the client's position, in this log only", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ben");
  (await TestSession.open(test, token)).session.disconnected();
  for (const text of ["1", "2", "3"]) await test.send("ana", "ben", text);
  const resumed = async (resumeAfter: number, epoch: string, texts: readonly string[]) => {
    const client = await TestSession.open(test, token, { hello: { resumeAfter, epoch } });
    await until(() => client.texts.length >= texts.length);
    await turns(3);
    client.session.disconnected();
    assert.deepEqual(client.texts, texts);
  };
  const { epoch } = test.chat;
  await resumed(2, "another log", ["1", "2", "3"]);
  await resumed(0, epoch, ["1", "2", "3"]);
  await resumed(2, epoch, ["3"]);
  await resumed(Number.MAX_SAFE_INTEGER, epoch, []);
});

Deno.test("a token that is revoked during hello begins no session", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  const identity = await test.accounts.authenticate(token);
  const openConsumer = test.store.messages.openConsumer.bind(test.store.messages);
  test.store.messages.openConsumer = async (...call) => {
    const position = await openConsumer(...call);
    await test.accounts.logOut(identity);
    return position;
  };
  const client = new TestSession(test);
  assert.equal(await client.refusal({ $case: "hello", value: helloWith(token) }), "unauthenticated");
  assert.equal(client.endCode, "unauthenticated");
  assert.equal(test.chat.live.count, 0);
});

Deno.test("a client that disconnects during hello leaves no session", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  const client = new TestSession(test);
  client.request({ $case: "hello", value: helloWith(token) });
  client.session.disconnected();
  await turns(5);
  assert.equal(test.chat.live.count, 0);
  assert.deepEqual(client.frames, []);
});

Deno.test("stopping the server ends all sessions, also during their hello", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  const [ana, late] = [await open(test, "ana"), new TestSession(test)];
  late.request({ $case: "hello", value: helloWith(token) });
  test.chat.endSessions();
  await until(() => late.ended);
  assert.deepEqual([ana.endCode, late.endCode], ["unavailable", "unavailable"]);
});
