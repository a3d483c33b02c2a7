import assert from "node:assert/strict";
import type { ConfirmChannel } from "amqplib";
import { registrationExchange, registrationQueue, requestExchange, requestQueue } from "../../../src/amqp/topology.ts";
import { historyRequest } from "../../support/servers/wire_values.ts";
import { message, password, Scene } from "./scene.ts";

Deno.test("a hostile client with an account reaches nothing on the broker but its own", async (t) => {
  await using scene = await Scene.open();
  const step = scene.steps(t);
  const { broker } = scene;
  const { client: mallory, session } = await scene.join("mallory");
  await using _closing = mallory;
  const inSession = mallory.inSession(session);
  const anasQueue = await scene.queueOf("ana");

  await step("may do what honest clients do", async () => {
    assert.equal(await mallory.listConversations(session), "listConversations");
  });

  await step("cannot publish with another's user_id", async () => {
    for (const userId of ["ana", "chatd", "mallory ", "MALLORY"]) {
      const refused = await mallory.attempt((channel) =>
        channel.publish(requestExchange, requestQueue, Buffer.alloc(1), { userId })
      );
      assert.match(refused, /406.*PRECONDITION.FAILED.*user_id/, userId);
    }
  });

  await step("is refused without a user_id, with x-death, with CC", async () => {
    const content = message(mallory, "ben", "forged");
    assert.equal(await mallory.refusal(content, { ...inSession, userId: undefined }), "permission_denied");
    const headers: Record<string, unknown>[] = [
      { "x-death": [{ queue: "mine", reason: "expired", count: 1 }] },
      { "x-death": "anything" },
      { CC: [anasQueue] },
    ];
    for (const forged of headers) {
      const all = { headers: { ...inSession.headers, ...forged } };
      assert.equal(await mallory.refusal(content, all), "permission_denied", JSON.stringify(forged));
    }
    await mallory.publish(content, {
      ...inSession,
      replyTo: undefined,
      headers: { ...inSession.headers, "x-death": [] },
    });
    assert.equal(
      (await scene.server.chat.history("mallory", historyRequest({ with: "ben", limit: 10 }))).messages.length,
      0,
    );
  });

  await step("has no copies sent anywhere with BCC, which the broker takes off", async () => {
    const headers = { ...inSession.headers, BCC: [session.queue, anasQueue, registrationQueue] };
    await mallory.publish(mallory.frame(), { headers });
    await mallory.listConversations(session);
    assert.deepEqual(session.received.filter(({ properties }) => properties.userId !== "chatd"), []);
  });

  await step("cannot have the server write to another's queue (reply_to)", async () => {
    const hello = mallory.frame({ $case: "listConversations", value: { limit: 0, beforePosition: 0 } });
    for (
      const replyTo of [
        anasQueue,
        requestQueue,
        "amq.rabbitmq.reply-to.forged",
        "amq.rabbitmq.reply-to",
        "x".repeat(255),
      ]
    ) {
      await mallory.attempt((channel) =>
        channel.publish(requestExchange, requestQueue, Buffer.from(hello), {
          userId: "mallory",
          replyTo,
          ...inSession,
        })
      );
    }
  });

  await step("cannot publish to the default exchange, to queues, or to other exchanges", async () => {
    for (
      const [exchange, key] of [
        ["", anasQueue],
        ["", requestQueue],
        ["", session.queue],
        ["amq.topic", "x"],
        ["amq.direct", anasQueue],
        [registrationExchange, registrationQueue],
        ["unknown", "x"],
        ["amq.rabbitmq.event", "user.created"],
      ]
    ) {
      const refused = await mallory.attempt((channel) =>
        channel.publish(exchange, key, Buffer.from("x"), { userId: "mallory" })
      );
      assert.match(refused, /40[34]/, `${exchange} ${key}`);
    }
  });

  await step("cannot consume, get, purge or delete another's queue, or the server's", async () => {
    for (const queue of [anasQueue, requestQueue, registrationQueue]) {
      const attempts: Record<string, (channel: ConfirmChannel) => unknown> = {
        consume: (channel) => channel.consume(queue, () => {}),
        get: (channel) => channel.get(queue),
        purge: (channel) => channel.purgeQueue(queue),
        delete: (channel) => channel.deleteQueue(queue),
        "delete an exchange": (channel) => channel.deleteExchange(requestExchange),
      };
      for (const [what, attempt] of Object.entries(attempts)) {
        assert.match(await mallory.attempt(attempt), /403.*ACCESS.REFUSED/, `${what} ${queue}`);
      }
    }
  });

  await step("cannot declare or bind anything, nor delete its own queue", async () => {
    const attempts: Record<string, (channel: ConfirmChannel) => unknown> = {
      "a queue": (channel) => channel.assertQueue("mine"),
      "a nameless queue": (channel) => channel.assertQueue(""),
      "an exclusive queue": (channel) => channel.assertQueue("", { exclusive: true, autoDelete: true }),
      "a queue that forwards": (channel) =>
        channel.assertQueue("mine", { messageTtl: 0, deadLetterExchange: requestExchange }),
      "a queue named like a session": (channel) => channel.assertQueue("chatd.session.ana.0", {}),
      "an exchange": (channel) => channel.assertExchange("mine", "fanout"),
      "an exchange with an alternate": (channel) =>
        channel.assertExchange("mine", "fanout", { alternateExchange: requestExchange }),
      "a binding of its queue": (channel) => channel.bindQueue(session.queue, requestExchange, requestQueue),
      "a binding of its queue to events": (channel) => channel.bindQueue(session.queue, "amq.rabbitmq.event", "#"),
      "a binding of ana's queue": (channel) => channel.bindQueue(anasQueue, "amq.topic", "#"),
      "a binding of exchanges": (channel) => channel.bindExchange("amq.topic", requestExchange, requestQueue),
      "an unbinding": (channel) => channel.unbindQueue(requestQueue, requestExchange, requestQueue),
      "no more queue": (channel) => channel.deleteQueue(session.queue),
    };
    for (const [what, attempt] of Object.entries(attempts)) {
      assert.match(await mallory.attempt(attempt), /403.*ACCESS.REFUSED/, what);
    }
  });

  await step("guesses names of queues in vain", async () => {
    assert.match(anasQueue, /^chatd\.session\.ana\.[0-9a-f]{32}$/);
    assert.notEqual(anasQueue.slice(-32), session.queue.slice(-32));
    for (
      const queue of [
        "chatd.session.ana",
        "chatd.session.ana.",
        "chatd.session.ana.0",
        `chatd.session.ana.${"0".repeat(32)}`,
        "inbox.ana",
        `chatd.session.ana.${session.queue.slice(-32)}`,
      ]
    ) {
      // RabbitMQ 4.2.6 and 4.3.0 ask for a right first.
      const answer = await mallory.attempt((channel) => channel.checkQueue(queue));
      assert.match(answer, /404.*NOT.FOUND|403.*ACCESS.REFUSED/, queue);
    }
  });

  await step("finds no password out where the broker asks, without the secret", async () => {
    const answers = [];
    for (const path of ["/user", "/auth/user", "/a-secret/user", "//user", "/a-secret-of-test/user"]) {
      for (const tried of [password, "wrong password"]) {
        const body = new URLSearchParams({ username: "ana", password: tried });
        const response = await fetch(`http://127.0.0.1:${broker.authPort}${path}`, { method: "POST", body });
        answers.push(`${response.status} ${await response.text()}`);
      }
    }
    assert.deepEqual([...new Set(answers)], ["404 "]);
  });
});
