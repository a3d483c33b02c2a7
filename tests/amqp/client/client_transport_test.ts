import assert from "node:assert/strict";
import { connect } from "amqplib";
import { AmqpTransport } from "../../../src/amqp/client/client_transport.ts";
import { declareTopology } from "../../../src/amqp/topology.ts";
import { ChatClient } from "../../../src/client/chat_client.ts";
import { startTestAmqpServer } from "../../support/brokers/amqp_server.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";

const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

const password = "correct horse battery";
const anas = { user: "ana", password, invite: "", deviceName: "" };
const logIn = { user: "ana", password, deviceName: "", deviceId: "" };

Deno.test("with registration by invitation, the broker admits the holder of an invitation, once", async () => {
  await using chatd = await startTestAmqpServer(broker, { registration: "invite" });
  const transport = chatd.transport("ana");
  const without = await rejectsWith("invite_invalid", transport.register(anas, {}));
  assert.match(without.message, /requires an invitation to register. Ask the operator for a code/);
  await rejectsWith("invite_invalid", transport.register({ ...anas, invite: "no-such-code" }, {}));
  const invite = await chatd.chat.accounts.createInvite({ lifetimeMs: 60_000 });
  assert.equal((await transport.register({ ...anas, invite }, {})).credentials?.user, "ana");
  await rejectsWith("invite_invalid", chatd.transport("ben").register({ ...anas, user: "ben", invite }, {}));
});

Deno.test("with closed registration, clients are told so, with and without an invitation", async () => {
  await using chatd = await startTestAmqpServer(broker, { registration: "closed" });
  const transport = chatd.transport("ana");
  await rejectsWith("registration_closed", transport.register(anas, {}));
  await rejectsWith("registration_closed", transport.register({ ...anas, invite: "any" }, {}));
});

Deno.test("a busy server does not count as a refusal", async () => {
  // chatd's answer when too many log in: the first question is allowed, the second denied.
  const busy = Deno.serve(
    { hostname: "127.0.0.1", port: broker.authPort, onListen() {} },
    ({ url }) => new Response(url.endsWith("/user") ? "allow busy" : "deny"),
  );
  try {
    const transport = new AmqpTransport({ broker: broker.address, user: "ana" });
    const error = await rejectsWith("busy", transport.logIn(logIn, {}));
    assert.ok(error.retryAfterMs! > 0);
    await rejectsWith("busy", transport.register(anas, {}));
  } finally {
    await busy.shutdown();
  }
});

for (
  const { what, kind, answer } of [
    { what: "login", kind: "user", answer: { body: "", status: 500 } },
    { what: "publishing", kind: "resource", answer: { body: "deny", status: 200 } },
  ]
) {
  Deno.test(`a single failing question about ${what} neither ends a client nor discards its token`, async () => {
    const maker = await connect(broker.node.amqpUrl());
    await declareTopology(await maker.createChannel());
    await maker.close();
    let failed = 0;
    const again = Promise.withResolvers<void>();
    const flaky = Deno.serve({ hostname: "127.0.0.1", port: broker.authPort, onListen() {} }, async (request) => {
      const asked = request.url.split("/").at(-1);
      const user = new URLSearchParams(await request.text()).get("username");
      if (user === "_status") return new Response(asked === "user" ? "allow" : "deny");
      if (asked === kind && failed++ === 0) return new Response(answer.body, { status: answer.status });
      if (asked === kind) again.resolve();
      return new Response("allow");
    });
    const stop = new AbortController();
    const client = new ChatClient({
      transport: new AmqpTransport({ broker: broker.address, user: "ana" }),
      token: "t".repeat(43),
      client: "test",
      onEvent() {},
      backoff: { initialMs: 20, maxMs: 50 },
    });
    try {
      const running = client.run({ signal: stop.signal });
      const ended = running.then((error) => assert.fail(`it ended with ${error?.code}: ${error?.message}`));
      ended.catch(() => {});
      await Promise.race([again.promise, ended]);
      stop.abort();
      assert.equal(await running, undefined);
    } finally {
      stop.abort();
      await flaky.shutdown();
    }
  });
}

Deno.test("an invalid token is refused for good when the server answers", async () => {
  await using chatd = await startTestAmqpServer(broker);
  await chatd.transport("ana").register(anas, {});
  const client = new ChatClient({
    transport: chatd.transport("ana"),
    token: "t".repeat(43),
    client: "test",
    onEvent() {},
  });
  assert.equal((await client.run({ signal: new AbortController().signal }))?.code, "unauthenticated");
});

Deno.test("a cancelled call ends at once", async () => {
  await using chatd = await startTestAmqpServer(broker);
  await rejectsWith("unavailable", chatd.transport("ana").logIn(logIn, { signal: AbortSignal.abort() }));
  const stop = new AbortController();
  const asking = chatd.transport("ana").register(anas, { signal: stop.signal });
  stop.abort();
  await rejectsWith("unavailable", asking);
});
