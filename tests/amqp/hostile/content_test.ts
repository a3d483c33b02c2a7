import assert from "node:assert/strict";
import { connectionHeader } from "../../../src/amqp/incoming.ts";
import { messageTypes } from "../../../src/amqp/message_types.ts";
import { fileExchange, requestExchange, requestQueue } from "../../../src/amqp/topology.ts";
import { connectAs } from "../../support/brokers/amqp_user.ts";
import { genuineAddress, impossibleAddress } from "../../support/brokers/direct_addresses.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { counted, nestedTable, publishRaw, shortText, tagged } from "../../support/brokers/raw_frames.ts";
import { password, Scene, thrownOut } from "./scene.ts";

Deno.test("a hostile client may send anything, and others go on", async (t) => {
  await using scene = await Scene.open();
  const step = scene.steps(t);
  const { broker: { node } } = scene;
  const { client: mallory } = await scene.join("mallory");
  await using _closing = mallory;

  await step("cannot send messages that are too long", async () => {
    const refused = await mallory.attempt((channel) =>
      channel.publish(requestExchange, requestQueue, Buffer.alloc(65 * 1024), { userId: "mallory" })
    );
    assert.match(refused, /406.*PRECONDITION.FAILED/);
  });

  await step("gets an answer to garbage of every content type", async () => {
    const random = crypto.getRandomValues(new Uint8Array(4_000));
    const bodies = [
      new Uint8Array(),
      random,
      new Uint8Array(64 * 1024),
      Buffer.from("[".repeat(60_000)),
      Buffer.from('{"requests":'.repeat(4_000)),
      Buffer.from("null"),
      Buffer.from('{"requests":[{"id":1e400}]}'),
      Buffer.from('{"__proto__":{"x":1}}'),
      Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    ];
    const types = [
      "application/x-protobuf",
      "application/json",
      "text/plain",
      "application/json; charset=utf-16",
      "",
      "\u0000",
      "x".repeat(200),
    ];
    for (const body of bodies) {
      for (const contentType of types) {
        assert.notEqual(await mallory.refusal(body, { contentType }), "", `${contentType} ${body.length}`);
      }
    }
    assert.equal(await mallory.refusal(random, { contentEncoding: "gzip" }), "invalid_argument");
    const { properties } = await mallory.ask(random, { type: "chatd.v1.LogInRequest" });
    assert.equal(properties.type, messageTypes.error);
    for (const type of ["chatd.v1.ServerFrame", "x".repeat(255), "__proto__", ""]) {
      await mallory.ask(random, { type, headers: { [connectionHeader]: { nested: ["table"] } } });
    }
  });

  await step("sends fields of every type in its headers", async () => {
    await using attacker = await connectAs(node.amqpUrl("mallory", password));
    const channel = await attacker.model.createConfirmChannel();
    const bytes = { b: 1, B: 1, t: 1, s: 2, u: 2, I: 4, i: 4, f: 4, D: 5, d: 8, l: 8, L: 8, T: 8, V: 0 };
    const values = Object.entries(bytes).map(([tag, length]) => tagged(tag, Buffer.alloc(length, 1)));
    for (const tag of ["S", "x", "F", "A"]) values.push(tagged(tag, counted(Buffer.alloc(0))));
    values.push(tagged("F", nestedTable(1_000)));
    for (const value of values) {
      for (const exchange of [requestExchange, fileExchange]) {
        const headers = counted(Buffer.concat([shortText("field"), value]));
        publishRaw(attacker.model, 1, { exchange, routingKey: exchange, user: "mallory", headers });
      }
    }
    // The broker has taken them all when it closes the channel in order.
    await channel.close();
    assert.ok(attacker.isOpen);
  });

  await step("sends fields of types that the broker does not know, which end its own connection", async () => {
    for (const tag of ["Z", "q", "\0"]) {
      await using attacker = await connectAs(node.amqpUrl("mallory", password));
      await attacker.model.createChannel();
      const headers = counted(Buffer.concat([shortText("field"), tagged(tag, Buffer.alloc(8))]));
      publishRaw(attacker.model, 1, { exchange: requestExchange, routingKey: requestQueue, user: "mallory", headers });
      await eventually(() => !attacker.isOpen, () => `the connection is closed after the tag ${tag}`);
    }
  });

  await step("forges addresses for replies with a genuine key, and is thrown out", async () => {
    const { client: trudy } = await scene.join("trudy");
    await using _closing = trudy;
    const genuine = await genuineAddress(node.amqpUrl());
    for (let number = 1; number <= 100 && trudy.connection.isOpen; number++) {
      await trudy.publish(new Uint8Array([0xff]), { replyTo: impossibleAddress(genuine, number) }).catch(() => {});
    }
    await eventually(() => !trudy.connection.isOpen, () => "the connection is closed");
    assert.match(await trudy.connection.closed, thrownOut);
  });
});
