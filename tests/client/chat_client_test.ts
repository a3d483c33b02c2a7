import assert from "node:assert/strict";
import type { ChatClient, ClientEvent } from "../../src/client/chat_client.ts";
import { ChatError, type ChatErrorCode } from "../../src/core/chat_error.ts";
import { FakeChatServer } from "../support/fakes/fake_chat_server.ts";
import { settle } from "../support/fakes/manual_timers.ts";
import { withClient } from "../support/fakes/with_client.ts";

Deno.test("hello carries the token, the consumer and the position to resume from", async () => {
  const server = new FakeChatServer();
  server.append("ben", "ana", "one");
  server.append("ben", "ana", "two");
  await withClient(({ texts }) => {
    const { protocolVersion, token, consumer, resumeAfter, epoch, client } = server.hellos[0];
    assert.deepEqual(
      { protocolVersion, token, consumer, resumeAfter, epoch, client },
      {
        protocolVersion: 2,
        token: "token-ana",
        consumer: "ui-2",
        resumeAfter: 1,
        epoch: "epoch-1",
        client: "test/1",
      },
    );
    assert.deepEqual(texts(), []);
    return Promise.resolve();
  }, { server, options: { consumer: "ui-2", resume: { epoch: "epoch-1", after: 1 } } });
});

Deno.test("send() resolves with the message as it is in the log", async () => {
  await withClient(async ({ client, server, events }) => {
    const message = await client.send("ben", "hello");
    assert.equal(message.id, server.log[0].id);
    assert.equal(message.conversation, "ana:ben");
    assert.equal(message.text, "hello");
    assert.deepEqual(events.filter(({ kind }) => kind === "accepted"), [{ kind: "accepted", message }]);
    assert.equal(client.unsent, 0);
  });
});

Deno.test("send() rejects with the server's refusal, and with bad text at once", async () => {
  await withClient(async ({ client, server }) => {
    await assert.rejects(client.send("nobody", "x"), { code: "not_found", message: 'There is no user "nobody".' });
    await assert.rejects(client.send("ben", ""), { code: "invalid_argument" });
    assert.equal(server.log.length, 0);
    assert.equal(client.unsent, 0);
  });
});

Deno.test("a message sent without a connection goes out with the next one", async () => {
  await withClient(async ({ client, server, timers }) => {
    server.down = true;
    server.cut();
    await timers.until(() => client.state.kind === "offline");
    const sent = client.send("ben", "later");
    server.down = false;
    await timers.until(() => client.unsent === 0);
    assert.equal((await sent).seq, 1);
  });
});

Deno.test("a message whose reply was lost is not shown to its sender when the log delivers it", async () => {
  const server = new FakeChatServer();
  let links = 0;
  // Hello and its reply pass; the send is read by the server, and its reply is lost.
  server.nextLife = () => links++ === 0 ? { fromClient: 9, toClient: 1 } : undefined;
  await withClient(async ({ client, timers, texts, events }) => {
    const sent = client.send("ben", "once");
    await timers.until(() => client.unsent === 0);
    assert.equal((await sent).seq, 1);
    await timers.advance(5_000);
    assert.equal(server.hellos.length, 2);
    assert.equal(server.log.length, 1);
    assert.deepEqual(texts(), []);
    assert.equal(events.filter(({ kind }) => kind === "accepted").length, 1);
  }, { server });
});

Deno.test("own messages of another device are shown", async () => {
  await withClient(async ({ server, timers, texts }) => {
    server.append("ana", "ben", "from the phone");
    server.deliverAll();
    await timers.advance(1);
    assert.deepEqual(texts(), ["from the phone"]);
  });
});

Deno.test("a busy server gets the message again after the wait that it named", async () => {
  await withClient(async ({ client, server, timers, events }) => {
    const start = timers.now();
    server.refuseSend = () =>
      timers.now() < start + 3_000
        ? new ChatError("rate_limited", "Wait.", { retryAfterMs: start + 3_000 - timers.now() })
        : undefined;
    const texts = Array.from({ length: 200 }, (_, i) => `line ${i}`);
    const sent = Promise.all(texts.map((text) => client.send("ben", text)));
    await timers.advance(2_900);
    assert.equal(server.log.length, 0);
    await timers.until(() => client.unsent === 0);
    await sent;
    assert.deepEqual(server.log.map(({ text }) => text), texts);
    const sends = server.framesRead.map((frame) => frame.requests.filter((r) => r.kind?.$case === "send").length);
    assert.deepEqual(sends.filter((count) => count > 0), [64, ...texts.map(() => 1)]);
    assert.equal(events.filter(({ kind }) => kind === "postponed").length, 64);
  });
});

Deno.test("many messages go out in full frames, and a bounded number is in flight", async () => {
  await withClient(async ({ client, server }) => {
    server.frozen = true;
    const text = "é".repeat(5_000);
    const sent = Promise.all(Array.from({ length: 40 }, () => client.send("ben", text)));
    await settle();
    server.thaw();
    await sent;
    const sizes = server.framesRead.map((frame) => frame.requests.filter((r) => r.kind?.$case === "send").length);
    assert.equal(Math.max(...sizes), 6);
    assert.equal(server.log.length, 40);
  });
});

Deno.test("deliveries are acknowledged once the consumer took them, and the window moves on", async () => {
  let release = Promise.withResolvers<void>();
  const taken: string[] = [];
  const server = new FakeChatServer();
  const acks: number[] = [];
  server.onAck = (position) => acks.push(position);
  await withClient(async ({ timers }) => {
    for (let i = 0; i < 10; i++) server.append("ben", "ana", "x".repeat(900));
    server.deliverAll();
    await timers.advance(60_000);
    assert.deepEqual(taken, []);
    assert.deepEqual(acks, []);
    release.resolve();
    await timers.until(() => taken.length === 10);
    await timers.until(() => acks.at(-1) === 10);
    release = Promise.withResolvers();
  }, {
    server,
    options: {
      async onEvent(event) {
        if (event.kind !== "message") return;
        await release.promise;
        taken.push(event.message.text);
      },
    },
  });
});

Deno.test("in a busy conversation acknowledgements are a second apart, and the first one is sent soon", async () => {
  const server = new FakeChatServer();
  server.windowBytes = 256 * 1024;
  const acks: number[] = [];
  await withClient(async ({ timers }) => {
    await timers.advance(5_000);
    server.onAck = () => acks.push(timers.now());
    const begun = timers.now();
    for (let i = 0; i < 100; i++) {
      server.append("ben", "ana", "another one");
      server.deliverAll();
      await timers.advance(100);
    }
    assert.ok(acks[0] - begun <= 100, `the first came after ${acks[0] - begun} ms`);
    assert.ok(acks.length >= 9 && acks.length <= 11, `${acks.length} in 10 s`);
  }, { server });
});

for (
  const code of [
    "unauthenticated",
    "token_revoked",
    "session_replaced",
    "unsupported_version",
    "permission_denied",
    "invalid_argument",
  ] as ChatErrorCode[]
) {
  Deno.test(`${code} in the reply to hello ends the client`, async () => {
    const server = new FakeChatServer();
    server.refuseHello = () => new ChatError(code, "No.");
    await withClient(async ({ client, running }) => {
      const sent = client.send("ben", "never");
      await assert.rejects(sent, { code });
      assert.equal((await running)?.code, code);
      assert.deepEqual(client.state, { kind: "ended", error: await running });
      await assert.rejects(client.send("ben", "never"), { code });
      assert.equal(server.hellos.length, 1);
    }, { server, online: false });
  });
}

Deno.test("requests are answered by kind, refused with the server's words, and fail with the connection", async () => {
  await withClient(async ({ client, server, timers }) => {
    server.append("ben", "ana", "hi");
    assert.equal((await client.whoAmI()).user, "ana");
    assert.deepEqual((await client.history({ with: "ben" })).messages.map(({ text }) => text), ["hi"]);
    assert.deepEqual((await client.listConversations()).conversations.map(({ address }) => address), ["ben"]);
    assert.equal((await client.listUsers()).users.length, 3);
    assert.ok(await client.ping() >= 0);
    await assert.rejects(client.listDevices(), { code: "invalid_argument" });
    server.frozen = true;
    const late = assert.rejects(client.whoAmI(), { code: "unavailable", message: /did not answer in time/ });
    await timers.advance(15_000);
    await late;
    const lost = assert.rejects(client.whoAmI(), { code: "unavailable", message: /connection was lost/ });
    server.cut();
    await lost;
    await assert.rejects(client.whoAmI(), { code: "unavailable", message: /^Not connected: / });
  });
});

Deno.test("stopping acknowledges taken messages, and refuses unsent ones", async () => {
  const server = new FakeChatServer();
  const acks: number[] = [];
  server.onAck = (position) => acks.push(position);
  server.refuseSend = () => new ChatError("storage_full", "The disk is full.");
  let sent: Promise<unknown> | undefined;
  await withClient(async ({ client, timers }) => {
    server.append("ben", "ana", "hi");
    server.deliverAll();
    await timers.advance(1);
    assert.deepEqual(acks, []);
    sent = assert.rejects(client.send("ben", "x"), { code: "unavailable", message: /closed before/ });
  }, { server });
  await sent;
  assert.deepEqual(acks, [1]);
});

Deno.test("presence and the route of deliveries are passed on", async () => {
  await withClient(async ({ server, timers, events }) => {
    for (const session of server.sessions) session.tellPresence("ben", true);
    await timers.advance(1);
    assert.deepEqual(events.at(-1), { kind: "presence", user: "ben", state: "online" });
  });
});

Deno.test("a concurrent client passes messages on at once, and acknowledges when all earlier ones are done", async () => {
  const server = new FakeChatServer();
  const acknowledged: number[] = [];
  server.onAck = (position) => acknowledged.push(position);
  const work = new Map<string, PromiseWithResolvers<void>>();
  const given: string[] = [];
  const onEvent = (event: ClientEvent) => {
    if (event.kind !== "message") return;
    const { text } = event.message;
    given.push(text);
    work.set(text, Promise.withResolvers());
    return work.get(text)!.promise;
  };
  await withClient(async ({ client, timers }) => {
    const append = async (text: string) => {
      server.append("ben", "ana", text);
      server.deliverAll();
      await timers.until(() => given.includes(text));
    };
    await append("slow");
    await append("quick");
    work.get("quick")!.resolve();
    // Replies are read while a message is in progress.
    assert.equal((await client.send("ben", "an answer")).seq, 3);
    await timers.advance(1_000);
    assert.equal(client.resumePoint?.after, 0);
    assert.deepEqual(acknowledged.filter((position) => position > 0), []);

    server.cut();
    await timers.until(() => client.state.kind === "offline");
    await timers.until(() => client.state.kind === "online");
    assert.equal(server.hellos[1].resumeAfter, 0);
    await append("after");
    assert.deepEqual(given, ["slow", "quick", "after"], "nothing is given twice");
    work.get("slow")!.resolve();
    await timers.advance(1_000);
    assert.ok(client.resumePoint!.after >= 2 && client.resumePoint!.after < 4, `${client.resumePoint!.after}`);
    work.get("after")!.resolve();
    await timers.advance(1_000);
    assert.equal(client.resumePoint?.after, 4);
    assert.equal(acknowledged.at(-1), 4);
  }, { server, options: { concurrent: true, onEvent } });
});

Deno.test("a password or account whose change has no reply may have changed, and one that was not sent has not", async () => {
  const changes = [
    [
      "changePassword",
      (client: ChatClient) => client.changePassword("old", "new"),
      /password was changed: log in with/,
    ],
    [
      "deleteAccount",
      (client: ChatClient) => client.deleteAccount("old"),
      /account was deleted: if you can still log in/,
    ],
  ] as const;
  for (const [kind, change, told] of changes) {
    await withClient(async ({ server, timers, client }) => {
      server.held = kind;
      const lost = change(client).then(() => undefined, (error) => error);
      await timers.until(() => server.waiting.length === 1);
      server.cut();
      const { code, message } = await lost;
      assert.equal(code, "unavailable");
      assert.match(message, /^The connection was lost before the answer: [^;]*, so it is not known whether the /);
      assert.match(message, told);
      assert.match((await change(client).catch((error) => error)).message, /^Not connected/);
    });
  }
});
