import assert from "node:assert/strict";
import { type Log, silentLog } from "../../src/core/log.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { SendResponse } from "../../src/gen/chatd/v1/chat.ts";
import { maxIdleFrames } from "../../src/session/session.ts";
import { FakeTime } from "../support/fake_time.ts";
import type { RequestKind } from "../support/received_frames.ts";
import { password, TestChat } from "../support/test_chat.ts";
import { helloWith, TestSession } from "../support/test_session.ts";
import { turns, until } from "../support/turns.ts";
import { historyRequest, sendRequest, wireMessage } from "../support/wire_values.ts";

const ping: RequestKind = { $case: "ping", value: {} };

function send(test: TestChat, to: string, text = "hello", id = createMessageId(test.clock.now())): RequestKind {
  return { $case: "send", value: sendRequest({ to, text, id }) };
}

/** Opens a session of a new device of a user. */
async function open(test: TestChat, user: string, options: Parameters<typeof TestSession.open>[2] = {}) {
  return await TestSession.open(test, (await test.logIn(user)).token, options);
}

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

Deno.test("request ids must be above 0 and rise", async () => {
  await using test = await TestChat.open();
  for (const ids of [[0], [5], [7, 7], [8, 6]]) {
    const client = await open(test, "ana");
    client.request(...Array.from({ length: 4 }, () => ping));
    client.receive({ requests: ids.map((id) => ({ id, kind: ping })) });
    await until(() => client.ended);
    assert.equal(client.endCode, "invalid_argument");
  }
  const client = await open(test, "ana");
  client.receive({ requests: [{ id: 1_000, kind: ping }, { id: Number.MAX_SAFE_INTEGER, kind: ping }] });
  await client.reply(Number.MAX_SAFE_INTEGER);
});

Deno.test("an unknown kind of request is refused by its id", async () => {
  await using test = await TestChat.open();
  const client = await open(test, "ana");
  client.receive({ requests: [{ id: 2, kind: undefined }, { id: 3, kind: ping }] });
  assert.equal((await client.reply(3)).$case, "ping");
  assert.equal((await client.reply(2)).$case, "error");
});

Deno.test("messages reach both users, and the sender's own session gets the reply instead", async () => {
  await using test = await TestChat.open();
  const [here, there, ben] = [await open(test, "ana"), await open(test, "ana"), await open(test, "ben")];
  const kind = send(test, "ben");
  const accepted = await here.reply(here.request(kind)[0]);
  assert.equal(accepted.$case, "send");
  await until(() => ben.messages.length === 1 && there.messages.length === 1);
  const { acceptedAtMs, position, conversation, seq } = accepted.value as SendResponse;
  const id = kind.$case === "send" ? kind.value.id : "";
  const message = wireMessage({ position, conversation, seq, id, acceptedAtMs, text: "hello", ordinal: 1 });
  assert.deepEqual([ben.messages, there.messages], [[message], [message]]);
  await here.ask("ping", {});
  assert.deepEqual(here.messages, []);
  assert.equal(here.through, 1);
});

Deno.test("sends in one frame are accepted together, in order", async () => {
  await using test = await TestChat.open();
  const [ana, ben] = [await open(test, "ana"), await open(test, "ben")];
  const texts = Array.from({ length: 300 }, (_, index) => `${index}`);
  const ids = ana.request(...texts.map((text) => send(test, "ben", text)));
  await ana.reply(ids.at(-1)!);
  assert.deepEqual(ana.replies.slice(1).map(({ requestId }) => requestId), ids);
  await until(() => ben.messages.length === 300);
  assert.deepEqual(ben.texts, texts);
  assert.ok(ana.frames.length < 20);
});

Deno.test("a request sees the results of the sends before it", async () => {
  await using test = await TestChat.open();
  const ana = await open(test, "ana");
  const [, , history] = ana.request(send(test, "ben", "1"), send(test, "ben", "2"), {
    $case: "history",
    value: historyRequest({ with: "ben" }),
  });
  const result = await ana.reply(history);
  assert.deepEqual(result.$case === "history" && result.value.messages.map(({ text }) => text), ["1", "2"]);
  assert.deepEqual(ana.replies.map(({ requestId }) => requestId), [1, 2, 3, 4]);
});

Deno.test("a failed request states its reason, and the requests after it are answered", async () => {
  await using test = await TestChat.open();
  const ana = await open(test, "ana");
  const codes = await Promise.all([
    ana.refusal(send(test, "nobody")),
    ana.refusal(send(test, "ben", "")),
    ana.refusal({ $case: "history", value: historyRequest({ with: "ben", limit: 201 }) }),
    ana.refusal({ $case: "listUsers", value: { after: "no name", limit: 0 } }),
    ana.refusal({ $case: "revokeDevice", value: { id: "\u0000" } }),
  ]);
  assert.deepEqual(codes, ["not_found", "invalid_argument", "invalid_argument", "invalid_argument", "not_found"]);
  await ana.ask("ping", {});
});

Deno.test("an unexpected error is logged, and sent without its detail", async () => {
  await using test = await TestChat.open();
  const errors: unknown[] = [];
  const log: Log = { info() {}, warn() {}, error: (_event, details) => void errors.push(details?.error) };
  const ana = await open(test, "ana", { log });
  test.store.messages.commitError = new Error("secret");
  const result = await ana.reply(ana.request(send(test, "ben"))[0]);
  assert.equal(result.$case === "error" && result.value.code, "internal");
  assert.doesNotMatch(JSON.stringify(ana.frames), /secret/);
  assert.deepEqual(errors, [test.store.messages.commitError]);
});

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
  const resume = async (resumeAfter: number, epoch: string) => {
    const client = await TestSession.open(test, token, { hello: { resumeAfter, epoch } });
    await client.ask("ping", {});
    await turns(3);
    client.session.disconnected();
    return client.texts;
  };
  const { epoch } = test.chat;
  assert.deepEqual(await resume(2, "another log"), ["1", "2", "3"]);
  assert.deepEqual(await resume(0, epoch), ["1", "2", "3"]);
  assert.deepEqual(await resume(2, epoch), ["3"]);
  assert.deepEqual(await resume(Number.MAX_SAFE_INTEGER, epoch), []);
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

Deno.test("disabling a user ends their sessions with the reason", async () => {
  await using test = await TestChat.open();
  const [ana, ben] = [await open(test, "ana"), await open(test, "ben")];
  await test.accounts.disable("ana");
  assert.equal(ana.endCode, "token_revoked");
  await ben.ask("ping", {});
});

Deno.test("a log-out is answered before the end, and after the replies to earlier sends", async () => {
  await using test = await TestChat.open();
  const ana = await open(test, "ana");
  const other = await open(test, "ana");
  const ids = ana.request(send(test, "ben"), { $case: "logOut", value: {} }, ping);
  await until(() => ana.ended);
  assert.equal(ana.endCode, "token_revoked");
  assert.deepEqual(ana.replies.slice(1).map(({ requestId, result }) => [requestId, result?.$case]), [
    [ids[0], "send"],
    [ids[1], "logOut"],
  ]);
  await other.ask("ping", {});
});

Deno.test("revoking the own device is answered before the end; revoking another ends its session", async () => {
  await using test = await TestChat.open();
  const { token, deviceId } = await test.logIn("ana");
  const [ana, other] = [await TestSession.open(test, token), await open(test, "ana")];
  const { devices } = await ana.ask("listDevices", {});
  const otherId = devices.find(({ current }) => !current)!.id;
  await ana.ask("revokeDevice", { id: otherId });
  assert.equal(other.endCode, "token_revoked");
  await ana.ask("revokeDevice", { id: deviceId });
  assert.equal(ana.endCode, "token_revoked");
});

Deno.test("a failed log-out changes nothing", async () => {
  await using test = await TestChat.open();
  const ana = await open(test, "ana");
  const logOutDevice = test.store.accounts.logOutDevice.bind(test.store.accounts);
  test.store.accounts.logOutDevice = () => Promise.reject(new Error("disk"));
  const [id] = ana.request({ $case: "logOut", value: {} });
  assert.equal((await ana.reply(id)).$case, "error");
  test.store.accounts.logOutDevice = logOutDevice;
  await test.accounts.disable("ana");
  assert.equal(ana.endCode, "token_revoked");
  assert.equal(ana.replies.filter(({ requestId }) => requestId === id).length, 1);
});

Deno.test("changing the password ends the other sessions and keeps this one", async () => {
  await using test = await TestChat.open();
  const [ana, other] = [await open(test, "ana"), await open(test, "ana")];
  await ana.ask("changePassword", { currentPassword: password, newPassword: "another one" });
  assert.equal(other.endCode, "token_revoked");
  await ana.ask("ping", {});
});

Deno.test("a client that closes its side gets its replies, and then the end", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  const ana = new TestSession(test);
  ana.request({ $case: "hello", value: helloWith(token) }, send(test, "ben", "1"), send(test, "ben", "2"), ping);
  ana.session.leave();
  await until(() => ana.ended);
  assert.deepEqual(ana.ended, { reason: undefined });
  assert.deepEqual(ana.replies.map(({ result }) => result?.$case), ["hello", "send", "send", "ping"]);
  assert.equal(test.chat.live.count, 0);
  const idle = new TestSession(test);
  idle.session.leave();
  await until(() => idle.ended);
});

Deno.test("after a disconnect nothing is sent, and no waiting request is begun", async () => {
  await using test = await TestChat.open();
  const [ana, ben] = [await open(test, "ana"), await open(test, "ben")];
  ana.request(ping, send(test, "ben"));
  const frames = ana.frames.length;
  ana.session.disconnected();
  ana.session.disconnected();
  ana.request(ping);
  await turns(5);
  assert.equal(ana.frames.length, frames);
  assert.equal(test.chat.head, 0);
  await ben.ask("ping", {});
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

Deno.test("a session renews its token daily, until its device is logged out in the store", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const day = 24 * 60 * 60 * 1000;
  const { token, deviceId } = await test.logIn("ana");
  const client = await TestSession.open(test, token);
  const pending = time.pending;
  for (let days = 0; days < 200; days++) {
    test.clock.advance(day);
    await time.tick(day);
  }
  assert.equal(client.ended, undefined);
  assert.equal(time.pending, pending);
  assert.equal((await test.accounts.authenticate(token)).user, "ana");
  await test.store.accounts.logOutDevice(deviceId);
  await time.tick(day);
  assert.equal(client.endCode, "unauthenticated");
  await time.tick(60_000);
  assert.equal(time.pending, 0);
});

Deno.test("a session ends when its token was not renewed in time", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const client = await open(test, "ana");
  test.clock.advance(91 * 24 * 60 * 60 * 1000);
  await time.tick(24 * 60 * 60 * 1000);
  assert.equal(client.endCode, "unauthenticated");
});

Deno.test("sessions share a timer for renewals; a failed one is logged and repeated, and affects no other", async () => {
  using time = new FakeTime();
  await using test = await TestChat.open();
  const logged: { event: string; user: unknown }[] = [];
  const log: Log = { ...silentLog, error: (event, fields) => void logged.push({ event, user: fields?.user }) };
  const ana = await open(test, "ana", { log });
  const pending = time.pending;
  const ben = await open(test, "ben", { log });
  assert.equal(time.pending, pending);
  const renewed: string[] = [];
  test.accounts.renew = ({ user }) => {
    renewed.push(user);
    return user === "ana" ? Promise.reject(new Error("the disk failed")) : Promise.resolve();
  };
  await time.tick(2 * 24 * 60 * 60 * 1000);
  assert.deepEqual(renewed, ["ana", "ben", "ana", "ben"]);
  assert.deepEqual(logged, [1, 2].map(() => ({ event: "a token was not renewed", user: "ana" })));
  assert.deepEqual([ana.ended, ben.ended], [undefined, undefined]);
  for (const client of [ana, ben]) client.session.disconnected();
  await time.tick(60_000);
  assert.equal(time.pending, 0);
});

Deno.test("a session is told which of its peers are online, and which come online", async () => {
  await using test = await TestChat.open();
  await test.send("ana", "ben");
  const ana = await open(test, "ana");
  const ben = await open(test, "ben");
  const cleo = await open(test, "cleo");
  await until(() => ana.presence.length > 0 && ben.presence.length > 0);
  await cleo.ask("ping", {});
  assert.deepEqual([ana.presence, ben.presence, cleo.presence], [[["ben", true]], [["ana", true]], []]);
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

Deno.test("stopping the server ends all sessions, also during their hello", async () => {
  await using test = await TestChat.open();
  const { token } = await test.logIn("ana");
  const [ana, late] = [await open(test, "ana"), new TestSession(test)];
  late.request({ $case: "hello", value: helloWith(token) });
  test.chat.endSessions();
  await until(() => late.ended);
  assert.deepEqual([ana.endCode, late.endCode], ["unavailable", "unavailable"]);
});
