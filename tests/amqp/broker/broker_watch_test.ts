import assert from "node:assert/strict";
import { BrokerWatch } from "../../../src/amqp/broker/broker_watch.ts";
import { silentLog } from "../../../src/core/log.ts";

function transaction(user: string, name: string, address: string) {
  return { user, transactional: true, connection_details: { name, peer_host: address } };
}

Deno.test("check() refuses every user with a transactional channel, without waiting for connections to close", async () => {
  const slow = Promise.withResolvers<void>();
  const closing: string[] = [];
  const refused: string[] = [];
  const channels = [
    transaction("mallory", "a", "192.0.2.1"),
    transaction("mallory", "a", "192.0.2.1"),
    { ...transaction("ana", "b", "192.0.2.2"), transactional: false },
    transaction("trudy", "c", "127.0.0.1"),
    transaction("monitoring", "d", "192.0.2.4"),
  ];
  await using watch = new BrokerWatch({
    management: {
      get: (path) => Promise.resolve(path.includes("/channels?") ? channels : []),
      closeConnection: (name) => {
        closing.push(name);
        return slow.promise;
      },
    },
    vhost: "/",
    log: silentLog,
    refused: { refuseUser: (user) => void refused.push(user), refuseAddress: (address) => void refused.push(address) },
    serverUser: "chatd",
    isAccount: (user) => Promise.resolve(user !== "monitoring"),
    lacksMemory: () => false,
  });
  await watch.check();
  await watch.check();
  assert.deepEqual(closing, ["a", "c"], "each connection is closed once");
  assert.deepEqual(refused, ["mallory", "192.0.2.1", "trudy"]);
  slow.resolve();
  await slow.promise;
  channels.splice(1);
  await new Promise((resolve) => setTimeout(resolve));
  await watch.check();
  assert.deepEqual(closing, ["a", "c", "a"], "a connection that is still there is closed again");
});
