import assert from "node:assert/strict";
import { messageTypes } from "../../../src/amqp/message_types.ts";
import { registrationExchange, registrationUser, requestExchange, requestQueue } from "../../../src/amqp/topology.ts";
import { RegisterRequest } from "../../../src/gen/chatd/v1/auth.ts";
import { connectAs } from "../../support/brokers/amqp_user.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { historyRequest } from "../../support/servers/wire_values.ts";
import { message, password, Scene, thrownOut } from "./scene.ts";

Deno.test("a hostile client acts in its own name only", async (t) => {
  await using scene = await Scene.open();
  const step = scene.steps(t);
  const { broker, server: { chat: { accounts } } } = scene;
  const { client: mallory, token } = await scene.join("mallory");
  await using _closing = mallory;

  await step("has no use for another's session id", async () => {
    const { client: trudy, session: theirs } = await scene.join("trudy");
    await using _closing = trudy;
    const content = message(mallory, "ben", "in trudy's name");
    assert.equal(await mallory.refusal(content, mallory.inSession(theirs)), "unavailable");
    assert.equal(await mallory.refusal(content, mallory.inSession({ secret: "0".repeat(32) })), "unavailable");
    assert.match(await mallory.attempt((channel) => channel.consume(theirs.queue, () => {})), /403/);
    assert.equal(
      (await scene.server.chat.history("trudy", historyRequest({ with: "ben", limit: 10 }))).messages.length,
      0,
    );
    assert.equal(await trudy.listConversations(theirs), "listConversations");
  });

  await step("cannot say hello, log in or try passwords in another's name", async () => {
    const { token: trudys } = await scene.logIn("trudy");
    assert.equal(await mallory.hello(trudys), undefined);
    await assert.rejects(scene.connect("mallory", trudys), /403/);
    await assert.rejects(scene.connect("chatd", token), /403/);
    await assert.rejects(scene.connect("guest", "guest"), /403/);
    await assert.rejects(connectAs(`${broker.node.amqpUrl("mallory", password)}/other`), /ConnectionClose/);
  });

  await step("is let in nowhere else: not in the broker's management, not in another virtual host", async () => {
    const headers = { authorization: `Basic ${btoa(`mallory:${password}`)}` };
    for (const path of ["/api/overview", "/api/connections", "/api/queues", "/api/definitions"]) {
      const response = await fetch(broker.node.managementUrl + path, { headers });
      await response.body?.cancel();
      assert.equal(response.status, 401, path);
    }
  });

  await step("has no use for a token after it logged out, nor for its session id", async () => {
    const { client: oscar, session: was, token: old } = await scene.join("oscar");
    await using _closing = oscar;
    const identity = await accounts.authenticate(old);
    await accounts.logOut(identity);
    await eventually(() => !oscar.connection.isOpen, () => "the connection is closed");
    await using again = await scene.connect("oscar");
    assert.equal(await again.refusal(message(again, "ben", "late"), again.inSession(was)), "unavailable");
    assert.equal(await again.hello(old), undefined);
    await assert.rejects(scene.connect("oscar", old), /403/);
    assert.equal(
      (await scene.server.chat.history("oscar", historyRequest({ with: "ben", limit: 10 }))).messages.length,
      0,
    );
  });

  await step("is thrown out when it is disabled, however busy, and refused before that", async () => {
    const { client: oscar, session: own } = await scene.join("oscar");
    await using _closing = oscar;
    let stop = false;
    const busy = (async () => {
      while (!stop && oscar.connection.isOpen) {
        await oscar.publish(message(oscar, "ben", "spam"), oscar.inSession(own)).catch(() => stop = true);
      }
    })();
    const history = () => scene.server.chat.history("oscar", historyRequest({ with: "ben", limit: 1 }));
    await eventually(async () => (await history()).messages.length > 0);
    await accounts.disable("oscar");
    const last = (await history()).messages[0].seq;
    await eventually(() => !oscar.connection.isOpen, () => "the connection is closed");
    stop = true;
    await busy;
    assert.match(await oscar.connection.closed, thrownOut);
    const accepted = (await history()).messages[0].seq - last;
    assert.ok(accepted <= 256, `${accepted} sends were accepted after disable(): more than were in flight`);
    await assert.rejects(scene.connect("oscar"), /403/);
    // ben heard the spam that was accepted.
    scene.ben.received.length = 0;
  });

  await step("is a stranger who gets one registration, is then thrown out, and has no answer elsewhere", async () => {
    await using stranger = await scene.connect(registrationUser, "open");
    const content = (user: string) => RegisterRequest.encode({ user, password, invite: "", deviceName: "" }).finish();
    const options = { type: messageTypes.register };
    const request = stranger.frame({ $case: "listConversations", value: { limit: 0, beforePosition: 0 } });
    assert.match(
      await stranger.attempt((channel) => channel.publish(requestExchange, requestQueue, Buffer.from(request))),
      /403.*ACCESS.REFUSED/,
    );
    await stranger.publish(content("nemo"), { ...options, replyTo: undefined }, registrationExchange);
    const first = await stranger.ask(content("victor"), options, registrationExchange);
    assert.equal(first.properties.type, messageTypes.registered);
    assert.match(await stranger.connection.closed, /CONNECTION.FORCED/);
    assert.equal(await accounts.findUser("nemo"), undefined);
  });
});
