import assert from "node:assert/strict";
import { startTestAmqpServer, startTestBroker } from "../support/brokers/amqp_server.ts";
import { join, type Person, until } from "../support/servers/person.ts";

/** Sends numbered texts, a few at once, until it is stopped. `stop` resolves when all are accepted. */
function talk(from: Person, to: string): { stop(): Promise<void> } {
  let stopped = false;
  let number = 0;
  const talker = async () => {
    while (!stopped) {
      await from.client.send(to, `${number++}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const talkers = Array.from({ length: 4 }, talker);
  return {
    stop: async () => {
      stopped = true;
      await Promise.all(talkers);
    },
  };
}

/** Checks that every accepted message of `from` reached `to` once, in the order of the log. */
async function assertAllThere(from: Person, to: Person): Promise<void> {
  const accepted = from.accepted.map(({ position }) => position).sort((a, b) => a - b);
  await until(() => to.received.length >= accepted.length);
  assert.deepEqual(to.received.map(({ position }) => position), accepted);
  const texts = new Set(to.received.map(({ text }) => text));
  assert.equal(texts.size, accepted.length, "no text came twice");
}

Deno.test("a broker that is killed under load, again and again, loses and doubles nothing that was accepted", async () => {
  await using broker = await startTestBroker();
  await using chatd = await startTestAmqpServer(broker);
  const ana = await join("ana", chatd.transport("ana"));
  const ben = await join("ben", chatd.transport("ben"));
  const talks = [talk(ana, "ben"), talk(ben, "ana")];
  for (let round = 0; round < 4; round++) {
    const goal = ana.accepted.length + 200;
    await until(() => ana.accepted.length >= goal);
    await broker.node.crash();
    await until(() => ana.client.state.kind !== "online" && ben.client.state.kind !== "online");
    await broker.node.restart();
  }
  const goal = ben.accepted.length + 50;
  await until(() => ben.accepted.length >= goal);
  await Promise.all(talks.map((talk) => talk.stop()));
  await assertAllThere(ana, ben);
  await assertAllThere(ben, ana);
  const { messages } = await ana.client.history({ with: "ben", limit: 1 });
  assert.equal(messages[0].seq, ana.accepted.length + ben.accepted.length);
  await Promise.all([ana.stop(), ben.stop()]);
});
