import assert from "node:assert/strict";
import { AmqpTransport } from "../../src/amqp/client_transport.ts";
import { startTestAmqpServer, startTestBroker } from "../support/amqp_server.ts";
import { rejectsWith } from "../support/chat_error_assertions.ts";

const broker = await startTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

const password = "correct horse battery";
const anas = { user: "ana", password, invite: "", deviceName: "" };
const logIn = { user: "ana", password, deviceName: "", deviceId: "" };

Deno.test("where registration is by invitation, the broker lets in who has one, once", async () => {
  await using chatd = await startTestAmqpServer(broker, { registration: "invite" });
  const transport = chatd.transport("ana");
  const without = await rejectsWith("registration_closed", transport.register(anas, {}));
  assert.match(without.message, /without an invitation/);
  await rejectsWith("invite_invalid", transport.register({ ...anas, invite: "no-such-code" }, {}));
  const invite = await chatd.chat.accounts.createInvite({ lifetimeMs: 60_000 });
  assert.equal((await transport.register({ ...anas, invite }, {})).credentials?.user, "ana");
  await rejectsWith("invite_invalid", chatd.transport("ben").register({ ...anas, user: "ben", invite }, {}));
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

Deno.test("a call that is given up ends at once", async () => {
  await using chatd = await startTestAmqpServer(broker);
  await rejectsWith("unavailable", chatd.transport("ana").logIn(logIn, { signal: AbortSignal.abort() }));
  const stop = new AbortController();
  const asking = chatd.transport("ana").register(anas, { signal: stop.signal });
  stop.abort();
  await rejectsWith("unavailable", asking);
});
