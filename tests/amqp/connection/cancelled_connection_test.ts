import assert from "node:assert/strict";
import { AmqpTransport } from "../../../src/amqp/client/client_transport.ts";
import { BrokerConnection } from "../../../src/amqp/connection/broker_connection.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { counted, methodFrame } from "../../support/brokers/raw_frames.ts";
import { RabbitNode } from "../../support/brokers/rabbitmq_node.ts";
import { helloWith } from "../../support/servers/test_session.ts";
import { slowed } from "../../support/waiting/deadlines.ts";
import { turns, until } from "../../support/waiting/turns.ts";

const empty = counted(Buffer.alloc(0));
/** `connection.start` and `connection.tune` of AMQP 0-9-1. */
const start = methodFrame([10, 10], [Buffer.from([0, 9]), empty, counted(Buffer.from("PLAIN")), empty]);
const tune = methodFrame([10, 30], [Buffer.from([0, 8, 0, 2, 0, 0, 0, 10])]);

/** `connection.close`, which refuses the virtual host. */
const refusal = methodFrame([10, 50], [Buffer.from([2, 18, 0, 0, 10, 0, 40])]);

const silences = [
  { when: "at the TLS handshake", tls: true, answers: [] },
  { when: "before the first frame", tls: false, answers: [] },
  { when: "before it checks the login", tls: false, answers: [start] },
  { when: "before it opens the virtual host", tls: false, answers: [start, tune] },
];

for (const { when, tls, answers } of silences) {
  Deno.test(`a cancelled attempt closes its connection to a broker that is silent ${when}`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { hostname: host, port } = listener.addr as Deno.NetAddr;
    const attempt = new AbortController();
    const opening = BrokerConnection.open({
      broker: { tls, host, port, vhost: "/" },
      login: { user: "ana", password: "correct horse battery" },
      name: "test",
      signal: attempt.signal,
    });
    using client = await answer(listener, answers);

    attempt.abort();

    await assert.rejects(opening, isCancelled);
    await ends(client);
  });
}

Deno.test("a link that is closed leaves no question whether a server answers", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname: host, port } = listener.addr as Deno.NetAddr;
  const transport = new AmqpTransport({ broker: { tls: false, host, port, vhost: "/" }, user: "ana" });
  const link = await transport.connect({});
  link.send({ requests: [{ id: 1, kind: { $case: "hello", value: helloWith("token") } }] });
  using _refused = await answer(listener, [start, tune, refusal]);
  using question = await answer(listener, [start]);

  await link.close();

  await ends(question);
});

// The sanitizers of Deno.test fail a test that leaves the timers of a connection behind.
Deno.test("an attempt that is cancelled while it succeeds leaves no connection behind", async () => {
  await using node = await RabbitNode.start({});
  const login = { user: node.user, password: node.password };
  const broker = { tls: false, host: "127.0.0.1", port: node.amqpPort, vhost: "/" };
  for (let count = 0; count < 30; count++) {
    const attempt = new AbortController();
    const opening = BrokerConnection.open({ broker, login, name: "test", signal: attempt.signal })
      .catch((error: unknown) => error);
    await turns(count % 10);
    attempt.abort();
    const opened = await opening;
    if (opened instanceof BrokerConnection) await opened.close();
    else assert.ok(isCancelled(opened), String(opened));
  }
});

/** Accepts a connection, gives the answers one by one, and is silent at the next frame. */
async function answer(listener: Deno.Listener, answers: readonly Uint8Array[]): Promise<Deno.Conn> {
  const client = await listener.accept();
  const bytes = new Uint8Array(4096);
  for (const answer of answers) {
    await client.read(bytes);
    await client.write(answer);
  }
  await client.read(bytes);
  return client;
}

async function ends(client: Deno.Conn): Promise<void> {
  let ended = false;
  const reading = client.read(new Uint8Array(4096)).catch(() => {}).then(() => ended = true);
  await until(() => ended, { deadlineMs: slowed(5_000) });
  await reading;
}

function isCancelled(error: unknown): boolean {
  return error instanceof ChatError && error.code === "unavailable" && /was cancelled/.test(error.message);
}
