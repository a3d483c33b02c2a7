import assert from "node:assert/strict";
import { messageTypes } from "../../../src/amqp/message_types.ts";
import {
  registrationExchange,
  registrationQueue,
  registrationUser,
  requestExchange,
} from "../../../src/amqp/topology.ts";
import { RegisterRequest } from "../../../src/gen/chatd/v1/auth.ts";
import { connectAs } from "../../support/brokers/amqp_user.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import type { RawAmqpClient } from "../../support/brokers/raw_amqp_client.ts";
import { assertGrowth, memory, message, password, Scene, thrownOut } from "./scene.ts";

Deno.test("a hostile client floods the server, and others go on", async (t) => {
  await using scene = await Scene.open();
  const step = scene.steps(t);
  const { broker } = scene;

  await step("floods the server with logins, and others' sessions go on", async () => {
    const { node } = broker;
    const before = memory(node.pid);
    const login = await scene.paceOfLogin("ana");
    const refusals: string[] = [];
    let isOver = false;
    const flood = Promise.all(Array.from({ length: 24 }, async (_, lane) => {
      for (let i = 0; i < 4; i++) {
        const name = lane % 2 === 0 ? "ana" : `name${lane}-${i}`;
        await connectAs(node.amqpUrl(name, `guess ${lane} ${i}`)).then(
          () => refusals.push("none"),
          (error: Error) => refusals.push(error.message),
        );
      }
    })).finally(() => isOver = true);
    for (let round = 0; !isOver; round++) {
      await scene.chatGoesOn();
      if (round % 20 > 0) continue;
      // A client with a token is not held up by guesses.
      await login.repeat();
    }
    await flood;
    login.assertKept();
    assert.equal(refusals.length, 96);
    for (const refusal of refusals) assert.match(refusal, /403|ConnectionClose/);
    assertGrowth(before, memory(node.pid));
  });

  await step("floods the server with registrations, which hold nobody else up", async () => {
    const { node } = broker;
    const before = memory(node.pid);
    const strangers = await Promise.all([1, 2, 3].map(() => connectAs(node.amqpUrl(registrationUser, "open"))));
    const channels = await Promise.all(strangers.map(({ model }) => model.createConfirmChannel()));
    let refused = 0;
    const content = Buffer.from(RegisterRequest.encode({ user: "x", password, invite: "", deviceName: "" }).finish());
    const options = { userId: registrationUser, type: messageTypes.register };
    for (let round = 0; round < 10; round++) {
      for (const channel of channels) {
        for (let i = 0; i < 200; i++) {
          channel.publish(registrationExchange, registrationQueue, content, options, (error) => {
            if (error) refused++;
          });
        }
      }
      await scene.chatGoesOn();
    }
    await Promise.all(channels.map((channel) => channel.waitForConfirms().catch(() => {})));
    assert.ok(refused > 0, "the broker took all of them");
    for (const stranger of strangers) await stranger[Symbol.asyncDispose]();
    assertGrowth(before, memory(node.pid));
  });

  await step(
    "floods the server without a user_id, is found out, and is thrown out while others' sessions go on",
    async () => {
      const { node } = broker;
      const before = memory(node.pid);
      const { client: nick } = await scene.join("nick");
      await using stranger = await scene.connect(registrationUser, "open");
      await using _closing = nick;
      const content = new Uint8Array(500);
      const flood = async (client: RawAmqpClient, exchange: string) => {
        const options = { userId: undefined, replyTo: undefined };
        const end = performance.now() + 120_000;
        while (client.connection.isOpen && performance.now() < end) {
          const batch = Array.from({ length: 200 }, () => client.publish(content, options, exchange).catch(() => {}));
          await Promise.race([Promise.all(batch), client.connection.closed]);
        }
      };
      let isOver = false;
      const floods = Promise.all([flood(nick, requestExchange), flood(stranger, registrationExchange)])
        .finally(() => isOver = true);
      while (!isOver) await scene.chatGoesOn();
      await floods;
      assert.ok(!nick.connection.isOpen && !stranger.connection.isOpen, "they were not found out");
      assert.match(await nick.connection.closed, thrownOut);
      assert.match(await stranger.connection.closed, thrownOut);
      assertGrowth(before, memory(node.pid));
      const isTracing = async () => (await scene.management.get("/api/vhosts/%2F") as { tracing: boolean }).tracing;
      await eventually(async () => !await isTracing(), () => "tracing is over");
    },
  );

  await step("floods the server with requests, and is thrown out while others' sessions go on", async () => {
    const { node } = broker;
    const before = memory(node.pid);
    const { client: trudy, session: own } = await scene.join("trudy");
    await using _closing = trudy;
    const content = message(trudy, "mallory", "x".repeat(1_000));
    let published = 0;
    const flood = (async () => {
      while (trudy.connection.isOpen && published < 200_000) {
        const batch = Array.from({ length: 200 }, () => trudy.publish(content, trudy.inSession(own)).catch(() => {}));
        published += batch.length;
        await Promise.race([Promise.all(batch), trudy.connection.closed]);
      }
    })();
    while (trudy.connection.isOpen) await scene.chatGoesOn();
    await flood;
    assert.match(await trudy.connection.closed, thrownOut);
    assert.ok(published < 200_000, "nobody stopped the flood");
    assertGrowth(before, memory(node.pid));
  });
});
