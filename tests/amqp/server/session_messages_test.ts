// The messages of a session, and the consequences of a missing one.
import assert from "node:assert/strict";
import type { ConsumeMessage } from "amqplib";
import { AmqpTransport } from "../../../src/amqp/client/client_transport.ts";
import { sequenceHeader } from "../../../src/amqp/incoming.ts";
import { ChatClient } from "../../../src/client/chat_client.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { ServerFrame } from "../../../src/gen/chatd/v1/session.ts";
import { startTestAmqpServer, type TestAmqpServer } from "../../support/brokers/amqp_server.ts";
import { connectAs } from "../../support/brokers/amqp_user.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { join, until } from "../../support/servers/person.ts";
import { RawAmqpClient, type RawSession } from "../../support/brokers/raw_amqp_client.ts";
import type { RequestKind } from "../../support/servers/received_frames.ts";
import { StallingProxy } from "../../support/proxies/stalling_proxy.ts";
import { helloWith } from "../../support/servers/test_session.ts";
import { historyRequest, sendRequest } from "../../support/servers/wire_values.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";

const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

const password = "correct horse battery";

async function logIn({ chat }: TestAmqpServer, user: string): Promise<string> {
  if (await chat.accounts.findUser(user) === undefined) await chat.accounts.addUser({ name: user, password });
  return (await chat.accounts.logIn({ user, password, deviceName: "", deviceId: "", address: "127.0.0.1" })).token;
}

async function begin(chatd: TestAmqpServer, user: string): Promise<{ client: RawAmqpClient; session: RawSession }> {
  const token = await logIn(chatd, user);
  const client = await RawAmqpClient.connect(broker.node.amqpUrl(user, token));
  const session = await client.hello(token);
  assert.ok(session);
  return { client, session };
}

/** Returns the code that a session ended with, from the messages of its queue. */
function endOf(received: readonly ConsumeMessage[]): string | undefined {
  const items = received.flatMap(({ content }) => ServerFrame.decode(content).items);
  const end = items.find(({ kind }) => kind?.$case === "sessionEnded")?.kind;
  return end?.$case === "sessionEnded" ? end.value.error?.code : undefined;
}

async function endsWith(code: string, { received }: RawSession): Promise<void> {
  await eventually(() => endOf(received) !== undefined, () => "the session has ended");
  assert.equal(endOf(received), code);
}

Deno.test("a missing or repeated message ends the session of a client that counts", async () => {
  await using chatd = await startTestAmqpServer(broker);
  for (const [numbers, code] of [[[1, 2, 4], "unavailable"], [[2], "unavailable"], [[1, 2, 2], "invalid_argument"]]) {
    const { client, session } = await begin(chatd, "ana");
    await using _closing = client;
    const { headers } = client.inSession(session);
    for (const number of numbers as number[]) {
      await client.publish(client.frame(), { headers: { ...headers, [sequenceHeader]: number } });
    }
    await endsWith(code as string, session);
  }
});

Deno.test("a client that does not count its messages continues, and one that counts wrongly is told", async () => {
  await using chatd = await startTestAmqpServer(broker);
  const { client, session } = await begin(chatd, "ana");
  await using _closing = client;
  const { headers } = client.inSession(session);
  for (const number of ["0", "x", -1, 1.5, "9".repeat(40)]) {
    const counted = { headers: { ...headers, [sequenceHeader]: number } };
    assert.equal(await client.refusal(client.frame(), counted), "invalid_argument", `${number}`);
  }
  assert.equal(await client.listConversations(session), "listConversations");
});

Deno.test("the server counts its messages in a session", async () => {
  await using chatd = await startTestAmqpServer(broker);
  const { client, session } = await begin(chatd, "ana");
  await using _closing = client;
  for (let i = 0; i < 5; i++) await client.listConversations(session);
  const numbers = session.received.map(({ properties }) => properties.headers?.[sequenceHeader]);
  assert.deepEqual(numbers, numbers.map((_, index) => index + 1));
});

Deno.test("a refused hello declares no queue and starts no session", async () => {
  await using chatd = await startTestAmqpServer(broker);
  const token = await logIn(chatd, "ana");
  await using client = await RawAmqpClient.connect(broker.node.amqpUrl("ana", token));
  const hello = { ...helloWith(token), protocolVersion: 99 };
  const { properties, content } = await client.ask(client.frame({ $case: "hello", value: hello }));
  assert.equal(endOf([{ content } as ConsumeMessage]), "unsupported_version");
  assert.deepEqual(properties.headers, {});
  assert.equal(chatd.queues.size, 0);
  assert.equal(chatd.server.sessions, 0);
  assert.ok(await client.hello(token));
});

Deno.test("a session's secret is useless to another device of the user and on another channel", async () => {
  await using chatd = await startTestAmqpServer(broker);
  const { client, session } = await begin(chatd, "ana");
  await using _closing = client;
  const { client: other } = await begin(chatd, "ana");
  await using _also = other;
  const send = () => {
    const id = createMessageId(Date.now());
    return other.frame({ $case: "send", value: sendRequest({ to: "ana", id, text: "not by this device" }) });
  };
  assert.equal(await other.refusal(send(), other.inSession(session)), "unavailable");
  await other.publish(send(), { ...other.inSession(session), replyTo: undefined });
  const leaving = { headers: { ...other.inSession(session).headers, "chatd-leaving": "1" } };
  assert.equal(await other.refusal(send(), leaving), "unavailable");
  assert.equal(await client.listConversations(session), "listConversations");
  assert.equal(chatd.chat.head, 0);
});

Deno.test("a flood ends its session, because the gap would go unnoticed", async () => {
  const kicked: string[] = [];
  await using chatd = await startTestAmqpServer(broker, {
    flood: { perSecond: 1, burst: 50 },
    kick: ({ user }) => void kicked.push(user),
  });
  const { client, session } = await begin(chatd, "mallory");
  await using _closing = client;
  const { client: bens, session: other } = await begin(chatd, "ben");
  await using _also = bens;
  for (let i = 0; i < 150; i++) await client.publish(client.frame(), client.inSession(session));
  await endsWith("rate_limited", session);
  assert.deepEqual([...new Set(kicked)], ["mallory"]);
  assert.equal(await bens.listConversations(other), "listConversations");
});

Deno.test("with a shared login, a flood affects only its own session", async () => {
  await using chatd = await startTestAmqpServer(broker, { flood: { perSecond: 1, burst: 50 }, sharedLogin: true });
  const connect = () => RawAmqpClient.connect(broker.node.amqpUrl());
  await using mallory = await connect();
  await using ben = await connect();
  const session = (await mallory.hello(await logIn(chatd, "mallory")))!;
  const other = (await ben.hello(await logIn(chatd, "ben")))!;
  for (let i = 0; i < 150; i++) await mallory.publish(mallory.frame(), mallory.inSession(session));
  await endsWith("rate_limited", session);
  assert.equal(await ben.listConversations(other), "listConversations");
  await using late = await connect();
  assert.ok(await late.hello(await logIn(chatd, "late")));
});

Deno.test("an honest client whose session is ended for sending too much loses and duplicates nothing", async () => {
  await using chatd = await startTestAmqpServer(broker, { flood: { perSecond: 2, burst: 60 } });
  const transport = (user: string) => chatd.transport(user);
  const ben = await join("ben", transport("ben"));
  const reasons = new Set<string | undefined>();
  const credentials = await logIn(chatd, "ana");
  const stopped = new AbortController();
  const ana = new ChatClient({
    transport: new AmqpTransport({ broker: broker.address, user: "ana" }),
    token: credentials,
    client: "test",
    backoff: { initialMs: 50, maxMs: 200 },
    onEvent(event) {
      if (event.kind === "state" && event.state.kind === "offline") reasons.add(event.state.reason.code);
    },
  });
  const running = ana.run({ signal: stopped.signal });
  // Sent one by one, each is a message of its own.
  const texts = Array.from({ length: 66 }, (_, number) => `${number}`);
  for (const text of texts) await ana.send("ben", text);
  await until(() => ben.received.length >= texts.length);
  assert.deepEqual(ben.received.map(({ text }) => text), texts);
  assert.ok(reasons.has("rate_limited"), [...reasons].join());
  stopped.abort();
  await running;
  await ben.stop();
});

Deno.test("a request that expires in the broker is noticed, and unanswered requests are sent again", async () => {
  const { node } = broker;
  const headers = { authorization: `Basic ${btoa(`${node.user}:${node.password}`)}` };
  const policy = async (method: string, body?: unknown) => {
    const url = `${node.managementUrl}/api/policies/%2F/brief`;
    const response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    await response.body?.cancel();
    assert.ok(response.ok, `${method}: ${response.status}`);
  };
  await using proxy = new StallingProxy(node.amqpPort);
  await using chatd = await startTestAmqpServer(broker, { broker: { ...broker.address, port: proxy.port } });
  const [ana, ben] = [await join("ana", chatd.transport("ana")), await join("ben", chatd.transport("ben"))];
  await using mallory = await RawAmqpClient.connect(node.amqpUrl("mallory", await logIn(chatd, "mallory")));
  // Makes expiry visible and quick.
  await using own = await connectAs(node.amqpUrl());
  const channel = await own.model.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, "amq.fanout", "");
  const expired: string[] = [];
  await channel.consume(queue, (message) => void expired.push(message?.properties.userId), { noAck: true });
  const definition = { "message-ttl": 300, "dead-letter-exchange": "amq.fanout" };
  await policy("PUT", { pattern: "^chatd.requests$", "apply-to": "queues", definition });
  try {
    // Without acknowledgements from the server, the broker passes on at most 500 messages.
    proxy.stall();
    for (let i = 0; i < 600; i++) await mallory.publish(mallory.frame(), { replyTo: undefined });
    await eventually(() => expired.includes("mallory"), () => "the server has as much as it may have");
    const lost = ana.client.send("ben", "lost");
    await eventually(() => expired.includes("ana"), () => "a request has expired");
    proxy.resume();
    await Promise.all([lost, ana.client.send("ben", "after")]);
  } finally {
    proxy.resume();
    await policy("DELETE");
  }
  await until(() => ben.received.length >= 2);
  assert.deepEqual(ben.received.map(({ text }) => text), ["lost", "after"]);
  await Promise.all([ana.stop(), ben.stop()]);
});

Deno.test("a leaving client gets answers to all its requests, even without acknowledging anything", async () => {
  await using chatd = await startTestAmqpServer(broker);
  const { client, session } = await begin(chatd, "ana");
  await using _closing = client;
  const send = (text: string): RequestKind => {
    return { $case: "send", value: sendRequest({ to: "ana", id: createMessageId(), text }) };
  };
  const history: RequestKind = { $case: "history", value: historyRequest({ with: "ana", limit: 2 }) };
  await client.publish(client.frame(send("x".repeat(12_000)), send("x".repeat(12_000))), client.inSession(session));
  const orders = [...Array(40).fill(history), ...Array.from({ length: 10 }, (_, index) => send(`message ${index}`))];
  const { headers } = client.inSession(session);
  await client.publish(client.frame(...orders), { headers: { ...headers, "chatd-leaving": "1" } });
  await eventually(() => chatd.server.sessions === 0);
  const kinds = () =>
    session.received.flatMap(({ content }) =>
      ServerFrame.decode(content).items.flatMap(({ kind }) => kind?.$case === "reply" ? [kind.value.result?.$case] : [])
    );
  await eventually(() => kinds().length === 52);
  assert.deepEqual(kinds(), ["send", "send", ...Array(40).fill("history"), ...Array(10).fill("send")]);
  assert.equal(chatd.chat.head, 12);
});
