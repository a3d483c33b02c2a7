import assert from "node:assert/strict";
import { BrokerSessions } from "../../../src/amqp/server/broker_sessions.ts";
import { turns } from "../../support/waiting/turns.ts";

Deno.test("the queue of a client that left is removed after the broker has its last replies", async () => {
  const removed: string[] = [];
  const sessions = new BrokerSessions({ removeQueue: (queue) => void removed.push(queue) });
  const confirmed = Promise.withResolvers<void>();
  const ended = { secret: "secret", queue: "queue", hasQueue: true, confirmed: () => confirmed.promise };
  sessions.remove(ended, undefined);
  await turns(2);
  assert.deepEqual(removed, []);
  confirmed.resolve();
  await turns(2);
  assert.deepEqual(removed, ["queue"]);
  sessions.endAll();
});
