import assert from "node:assert/strict";
import { AmqpTransport } from "../../../src/amqp/client/client_transport.ts";
import { BrokerConnection } from "../../../src/amqp/connection/broker_connection.ts";
import { toChannelError, toConnectError, toLostError } from "../../../src/amqp/connection/broker_errors.ts";
import { ChatClient } from "../../../src/client/chat_client.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { startTestAmqpServer } from "../../support/brokers/amqp_server.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { ManualTimers } from "../../support/fakes/manual_timers.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";

const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

const secret = "5f0c3a9d5f0c3a9d5f0c3a9d5f0c3a9d";
const queue = `chatd.session.ana.${secret}`;

/** Returns everything shown or logged of an error, including its causes. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.message}\n${error.stack}\n${wordsOf(error.cause)}`;
}

Deno.test("errors of the broker contain no names of queues and no reply addresses", () => {
  const at = broker.address;
  const said = [
    `Channel closed by server: 404 (NOT-FOUND) with message "NOT_FOUND - no queue '${queue}' in vhost '/'"`,
    `Channel closed by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - configure access to queue '${queue}' in vhost '/' refused for user 'ana'"`,
    `Channel closed by server: 405 (RESOURCE-LOCKED) with message "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '${queue}' in vhost '/'. It could be originally declared on another connection"`,
    `Connection closed: 501 (FRAME-ERROR) with message "no such address amq.rabbitmq.reply-to.g1h2AA9.${secret}=="`,
    `${queue} went away`,
  ];
  for (const message of said) {
    for (const error of [toChannelError(new Error(message), at), toLostError(new Error(message), at)]) {
      assert.doesNotMatch(wordsOf(error), new RegExp(secret), message);
    }
  }
  assert.match(
    toChannelError(new Error(said[1]), at).message,
    /refused this: .* access to queue in vhost '\/' refused/,
  );
  assert.equal(toChannelError(new Error(said[1]), at).code, "permission_denied");
});

Deno.test("an expired certificate is distinguished from an unreachable broker", () => {
  // Deno's errors for an expired certificate, and for one of another CA.
  const thrown = Object.assign(new Error("unable to verify the first certificate"), {
    code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  });
  const { code, message } = toConnectError(thrown, broker.address, "ana");
  assert.equal(code, "unavailable");
  assert.match(
    message,
    /has a certificate that is not trusted: pass its CA with --ca, and check that none has expired/,
  );
});

Deno.test("the broker's errors about a missing or foreign queue are shown without its name", async () => {
  await using chatd = await startTestAmqpServer(broker);
  const password = "correct horse battery";
  await chatd.transport("ana").register({ user: "ana", password, invite: "", deviceName: "" }, {});
  const login = { user: "ana", password };
  await using connection = await BrokerConnection.open({ broker: broker.address, login, name: "test" });
  for (const attempt of ["checkQueue", "assertQueue", "get"] as const) {
    const closed = Promise.withResolvers<ChatError>();
    const channel = await connection.channel(closed.resolve);
    const rejected = (async () => await channel[attempt](queue))().catch((error) =>
      toChannelError(error, broker.address)
    );
    for (const error of [await closed.promise, await rejected]) {
      assert.ok(error instanceof ChatError);
      // RabbitMQ 4.2.6 asks for a right before it tells whether there is such a queue; before, it told first.
      assert.ok(["permission_denied", "unavailable"].includes(error.code), error.message);
      assert.doesNotMatch(wordsOf(error), new RegExp(secret), attempt);
    }
  }
});

Deno.test("a client that finds nobody on the broker is told both ways to start a server, and waits 5 s at most", async () => {
  // Nothing answers the broker's questions.
  const timers = new ManualTimers();
  const client = new ChatClient({
    transport: new AmqpTransport({ broker: broker.address, user: "ana" }),
    token: "t".repeat(43),
    client: "test",
    timers,
    backoff: { random: () => 1 },
    onEvent() {},
  });
  const stop = new AbortController();
  const running = client.run({ signal: stop.signal });
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) {
    await eventually(() => client.state.kind === "offline");
    assert.ok(client.state.kind === "offline");
    const { reason, retryAt } = client.state;
    assert.match(reason.message, /"chatd serve --broker URL", or "chatd amqp-server"/);
    assert.doesNotMatch(reason.message, /chatd\.requests/);
    waits.push(retryAt - timers.now());
    await timers.advance(waits.at(-1)!);
  }
  stop.abort();
  await running;
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
});
