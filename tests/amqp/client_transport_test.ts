import assert from "node:assert/strict";
import { connect } from "amqplib";
import { AmqpTransport } from "../../src/amqp/client_transport.ts";
import { declareTopology } from "../../src/amqp/topology.ts";
import { ChatClient } from "../../src/client/chat_client.ts";
import { startTestAmqpServer } from "../support/amqp_server.ts";
import { borrowTestBroker } from "../support/borrowed_broker.ts";
import { rejectsWith } from "../support/chat_error_assertions.ts";

const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

const password = "correct horse battery";
const anas = { user: "ana", password, invite: "", deviceName: "" };
const logIn = { user: "ana", password, deviceName: "", deviceId: "" };

Deno.test("where registration is by invitation, the broker lets in who has one, once", async () => {
  await using chatd = await startTestAmqpServer(broker, { registration: "invite" });
  const transport = chatd.transport("ana");
  const without = await rejectsWith("invite_invalid", transport.register(anas, {}));
  assert.match(without.message, /by invitation: ask its operator for a code/);
  await rejectsWith("invite_invalid", transport.register({ ...anas, invite: "no-such-code" }, {}));
  const invite = await chatd.chat.accounts.createInvite({ lifetimeMs: 60_000 });
  assert.equal((await transport.register({ ...anas, invite }, {})).credentials?.user, "ana");
  await rejectsWith("invite_invalid", chatd.transport("ben").register({ ...anas, user: "ben", invite }, {}));
});

Deno.test("where nobody can register, they are told so, with an invitation or without", async () => {
  await using chatd = await startTestAmqpServer(broker, { registration: "closed" });
  const transport = chatd.transport("ana");
  await rejectsWith("registration_closed", transport.register(anas, {}));
  await rejectsWith("registration_closed", transport.register({ ...anas, invite: "any" }, {}));
});

Deno.test("a server that is busy is not taken for one that refuses", async () => {
  // What chatd answers when too many log in: the first question passes, and the second does not.
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
  Deno.test(`one question about ${what} that fails does not end a client, nor take its token`, async () => {
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

Deno.test("a token that is not valid is refused for good when the server answers", async () => {
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

Deno.test("a call that is given up ends at once", async () => {
  await using chatd = await startTestAmqpServer(broker);
  await rejectsWith("unavailable", chatd.transport("ana").logIn(logIn, { signal: AbortSignal.abort() }));
  const stop = new AbortController();
  const asking = chatd.transport("ana").register(anas, { signal: stop.signal });
  stop.abort();
  await rejectsWith("unavailable", asking);
});
