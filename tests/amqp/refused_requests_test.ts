// The broker keeps direct replies without a limit for a client that does not read them.
import assert from "node:assert/strict";
import { repliesOfSomebody, ReplyBudget, unansweredOfSomebody } from "../../src/amqp/reply_budget.ts";
import { startTestAmqpServer, startTestBroker } from "../support/amqp_server.ts";
import { localPort } from "../support/amqp_user.ts";
import { eventually } from "../support/eventually.ts";
import { RawAmqpClient } from "../support/raw_amqp_client.ts";

const password = "correct horse battery";

Deno.test("requests that are refused again and again have no reply, and then their connection is closed", async () => {
  await using broker = await startTestBroker();
  const closed: string[] = [];
  const kicked: string[] = [];
  await using chatd = await startTestAmqpServer(broker, {
    kick: ({ user }) => void kicked.push(user),
    closeConnection: (name) => void closed.push(name),
  });
  await chatd.chat.accounts.addUser({ name: "mallory", password });
  await using mallory = await RawAmqpClient.connect(broker.node.amqpUrl("mallory", password));
  let asked = 0;
  while (closed.length === 0 && asked < 20_000) {
    await Promise.all(Array.from({ length: 100 }, () => mallory.publish(new Uint8Array([0xff]))));
    asked += 100;
  }
  await eventually(() => closed.length > 0, () => "a connection to be closed");
  assert.equal(closed[0], `127.0.0.1:${localPort(mallory.connection.model)} -> 127.0.0.1:${broker.node.amqpPort}`);
  assert.deepEqual(kicked, []);
  assert.ok(asked >= repliesOfSomebody.burst + unansweredOfSomebody.burst);
  assert.ok(mallory.replies.length < asked / 2, `${mallory.replies.length} replies to ${asked} requests`);
});

Deno.test("the budget of replies comes back, and is everybody's own", () => {
  const budget = new ReplyBudget();
  const spend = (count: number, now: number) => {
    const verdicts = Array.from({ length: count }, () => budget.spend("mallory", now));
    return verdicts.filter((verdict) => verdict === "send").length;
  };
  assert.equal(spend(repliesOfSomebody.burst + unansweredOfSomebody.burst, 0), repliesOfSomebody.burst);
  assert.equal(budget.spend("mallory", 0), "close");
  assert.equal(budget.spend("ana", 0), "send");
  assert.equal(spend(100, 10_000), 10 * repliesOfSomebody.perSecond);
});
