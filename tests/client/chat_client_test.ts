import assert from "node:assert/strict";
import { ChatClient, type ChatClientOptions, type ClientEvent } from "../../src/client/chat_client.ts";
import { ChatError, type ChatErrorCode } from "../../src/core/chat_error.ts";
import { FakeChatServer } from "../support/fakes/fake_chat_server.ts";
import { ManualTimers, settle } from "../support/fakes/manual_timers.ts";

function reasonOf(client: ChatClient): string {
  return client.state.kind === "offline" ? client.state.reason.message : `${client.state.kind}, no reason`;
}

interface Started {
  server: FakeChatServer;
  timers: ManualTimers;
  client: ChatClient;
  events: ClientEvent[];
  running: Promise<ChatError | undefined>;
  texts(): string[];
}

async function withClient(
  use: (started: Started) => Promise<void>,
  setup: { server?: FakeChatServer; options?: Partial<ChatClientOptions>; online?: boolean } = {},
): Promise<void> {
  const server = setup.server ?? new FakeChatServer();
  const timers = new ManualTimers();
  const events: ClientEvent[] = [];
  const client = new ChatClient({
    transport: server.transport,
    token: "token-ana",
    client: "test/1",
    timers,
    backoff: { random: () => 0.5 },
    onEvent: (event) => void events.push(event),
    ...setup.options,
  });
  const stop = new AbortController();
  const running = client.run({ signal: stop.signal });
  const texts = () => events.flatMap((event) => event.kind === "message" ? [event.message.text] : []);
  try {
    if (setup.online !== false) await timers.until(() => client.state.kind === "online");
    await use({ server, timers, client, events, running, texts });
  } finally {
    stop.abort();
    server.thaw();
    await running;
  }
  assert.equal(timers.pending, 0, "timers were left");
}

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

Deno.test("a replaced session ends the client, and a server that shuts down does not", async () => {
  await withClient(async ({ client, server, timers, running }) => {
    for (const session of server.sessions) session.end(new ChatError("unavailable", "Shutting down."));
    await timers.until(() => client.state.kind === "offline");
    await timers.until(() => client.state.kind === "online");
    for (const session of server.sessions) session.end(new ChatError("session_replaced", "Elsewhere."));
    assert.equal((await running)?.message, "Elsewhere.");
  });
});

Deno.test("waits grow from half a second to half a minute, and begin again after a stable connection", async () => {
  await withClient(async ({ client, server, timers }) => {
    const waits: number[] = [];
    const fail = async () => {
      await timers.until(() => client.state.kind === "offline");
      assert.ok(client.state.kind === "offline");
      waits.push(client.state.retryAt - timers.now());
      await timers.advance(waits.at(-1)!);
    };
    server.down = true;
    server.cut();
    for (let i = 0; i < 9; i++) await fail();
    server.down = false;
    await timers.until(() => client.state.kind === "online");
    server.cut();
    await fail();
    await timers.until(() => client.state.kind === "online");
    await timers.advance(15_000);
    server.cut();
    await fail();
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000, 250]);
  });
});

Deno.test("a server that asks for a longer wait gets it", async () => {
  const server = new FakeChatServer();
  server.refuseHello = () => new ChatError("busy", "Full.", { retryAfterMs: 12_000 });
  await withClient(async ({ client, timers }) => {
    await timers.until(() => client.state.kind === "offline");
    assert.ok(client.state.kind === "offline");
    assert.equal(client.state.retryAt - timers.now(), 12_000);
    assert.equal(client.state.reason.message, "Full.");
  }, { server, online: false });
});

Deno.test("retryNow() ends the wait", async () => {
  await withClient(async ({ client, server }) => {
    server.cut();
    await settle();
    assert.equal(client.state.kind, "offline");
    client.retryNow();
    await settle();
    assert.equal(client.state.kind, "online");
  });
});

Deno.test("the client leaves a server that stops answering within 35 seconds", async () => {
  await withClient(async ({ client, server, timers }) => {
    await timers.advance(47_000);
    assert.equal(client.state.kind, "online");
    server.frozen = true;
    const start = timers.now();
    await timers.until(() => client.state.kind === "offline");
    assert.ok(timers.now() - start <= 35_000, `${timers.now() - start} ms`);
    assert.match(reasonOf(client), /stopped answering/);
  });
});

Deno.test("any frame is a sign of life, also while pings wait for their answer", async () => {
  await withClient(async ({ client, server, timers }) => {
    server.throttled = true;
    for (let round = 0; round < 10; round++) {
      await timers.advance(25_000);
      assert.equal(client.state.kind, "online");
      for (const session of server.sessions) session.tellPresence("ben", round % 2 === 0);
    }
    await timers.until(() => client.state.kind === "offline", 35_000);
    assert.match(reasonOf(client), /stopped answering/);
  });
});

Deno.test("the client leaves a server that accepts connections and sends nothing", async () => {
  const server = new FakeChatServer();
  server.frozen = true;
  await withClient(async ({ client, timers }) => {
    await timers.until(() => client.state.kind === "offline", 21_000);
    assert.match(reasonOf(client), /did not answer in time/);
  }, { server, online: false });
});

Deno.test("another epoch drops the cursor, and is reported", async () => {
  await withClient(async ({ client, server, timers, texts, events }) => {
    for (let i = 0; i < 5; i++) server.append("ben", "ana", `old ${i}`);
    server.deliverAll();
    await timers.advance(1_000);
    assert.equal(client.resumePoint?.after, 5);
    server.restore([]);
    server.cut();
    await timers.until(() => client.state.kind === "online");
    assert.ok(client.state.kind === "online" && client.state.restored);
    assert.deepEqual(client.resumePoint, { epoch: "epoch-1+", incarnation: "incarnation-1", after: 0 });
    server.append("ben", "ana", "new");
    server.deliverAll();
    await timers.advance(1);
    assert.deepEqual(texts().slice(5), ["new"]);
    assert.equal(events.filter((e) => e.kind === "state" && e.state.kind === "online" && e.state.restored).length, 1);
  });
});

Deno.test("a log that was put back drops the cursor and own positions, and a restart of the server drops nothing", async () => {
  await withClient(async ({ client, server, timers, texts }) => {
    const restored = () => client.state.kind === "online" && client.state.restored;
    const reconnect = async () => {
      server.cut();
      await timers.until(() => client.state.kind === "offline");
      await timers.until(() => client.state.kind === "online");
    };
    for (let i = 1; i <= 5; i++) server.append("ben", "ana", `old ${i}`);
    server.deliverAll();
    await timers.advance(1_000);
    server.putBack(5);
    await reconnect();
    assert.equal(restored(), false);
    assert.deepEqual(client.resumePoint, { epoch: "epoch-1", incarnation: "incarnation-1+", after: 5 });
    server.putBack(3);
    for (let i = 4; i <= 9; i++) server.append("ben", "ana", `new ${i}`);
    await reconnect();
    await timers.advance(1_000);
    assert.equal(restored(), true);
    assert.deepEqual(texts().slice(5), [4, 5, 6, 7, 8, 9].map((i) => `new ${i}`));
  });
});

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
