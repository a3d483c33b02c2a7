import assert from "node:assert/strict";
import { LargestSenders } from "../../../src/amqp/broker/largest_senders.ts";
import { RefusedLogins } from "../../../src/amqp/broker/refused_logins.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import { startTestAmqpServer, startTestBroker } from "../../support/brokers/amqp_server.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { openManagement, watchBroker } from "../../support/brokers/managed_broker.ts";
import { join, until } from "../../support/servers/person.ts";
import { RawBrokerSocket } from "../../support/brokers/raw_broker_socket.ts";

const password = "correct horse battery";
const mebibyte = 2 ** 20;

/** Connections in the list of the management plugin, and their fate. */
class ListedConnections {
  /** In milliseconds. */
  now = 0;
  readonly closed: string[] = [];
  readonly refused: string[] = [];
  readonly list: { name: string; user: string; peer_host: string; recv_oct?: number; connected_at: number }[] = [];
  readonly senders = new LargestSenders({
    management: {
      get: () => Promise.resolve(this.list),
      closeConnection: (name) => Promise.resolve(void this.closed.push(name)),
    },
    vhost: "/",
    log: silentLog,
    refused: {
      refuseUser: (user) => void this.refused.push(user),
      refuseAddress: (address) => void this.refused.push(address),
    },
    serverUser: "chatd",
    isAccount: (user) => Promise.resolve(user !== "chatd" && user !== "monitoring"),
    now: () => this.now,
  });

  add(user: string, name: string, mebibytes?: number, { ageMs = 1_000, address = "192.0.2.1" } = {}): void {
    const recv_oct = mebibytes === undefined ? undefined : mebibytes * mebibyte;
    this.list.push({ name, user, peer_host: address, recv_oct, connected_at: Date.now() - ageMs });
  }
}

Deno.test("up to three accounts that sent at least half as much as the largest one are closed and refused", async () => {
  const connections = new ListedConnections();
  connections.add("chatd", "server", 500);
  connections.add("monitoring", "others", 58);
  connections.add("mallory", "m1", 30);
  connections.add("mallory", "m2", 30);
  connections.add("trudy", "t", 31);
  connections.add("oscar", "o", 29);
  connections.add("ana", "a", 1);
  connections.add("ben", "not counted yet");
  await connections.senders.check({ close: false });
  assert.deepEqual(connections.closed, []);
  await connections.senders.check({ close: true });
  assert.deepEqual(connections.closed, ["m1", "m2", "t"]);
  assert.deepEqual(connections.refused, ["mallory", "trudy"]);
  await connections.senders.check({ close: true });
  assert.equal(connections.closed.length, 3, "the broker may not have noticed yet");
});

Deno.test("a smaller sender that continues in the same alarm is closed some time after the largest one", async () => {
  const connections = new ListedConnections();
  connections.add("mallory", "m", 400);
  connections.add("trudy", "t", 20);
  await connections.senders.check({ close: true });
  connections.list.shift();
  const rounds: string[][] = [];
  for (let look = 0; look < 20; look++) {
    connections.now += 10_000;
    connections.list[0].recv_oct! += 20 * mebibyte;
    await connections.senders.check({ close: true });
    rounds.push([...connections.refused]);
  }
  assert.deepEqual(rounds[0], ["mallory"]);
  assert.deepEqual(rounds.at(-1)!.slice(0, 2), ["mallory", "trudy"]);
});

Deno.test("strangers are distinguished by connection, and refused by address", async () => {
  const connections = new ListedConnections();
  for (const last of [2, 3, 4, 5]) connections.add("register", `s${last}`, 10, { address: `192.0.2.${last}` });
  connections.add("register", "local", 11, { address: "127.0.0.1" });
  await connections.senders.check({ close: true });
  assert.deepEqual(connections.closed, ["local", "s2", "s3"]);
  assert.deepEqual(connections.refused, ["192.0.2.2", "192.0.2.3"]);
});

Deno.test("bytes sent long ago do not count", async () => {
  const connections = new ListedConnections();
  connections.add("ana", "a", 1_000, { ageMs: 86_400_000 });
  await connections.senders.check({ close: true });
  assert.deepEqual(connections.closed, []);
  connections.list[0].recv_oct! += 2 * mebibyte;
  await connections.senders.check({ close: true });
  assert.deepEqual(connections.closed, ["a"]);
});

Deno.test("accounts that sent much less than another application are not closed", async () => {
  const connections = new ListedConnections();
  connections.add("monitoring", "others", 100);
  connections.add("ana", "a", 40);
  await connections.senders.check({ close: true });
  assert.deepEqual(connections.closed, []);
});

Deno.test("after the largest one is closed, the others are left alone until the alarm ends", async () => {
  const connections = new ListedConnections();
  connections.add("mallory", "m", 100);
  connections.add("ana", "a", 40);
  await connections.senders.check({ close: true });
  connections.list.shift();
  connections.now += 6_000;
  await connections.senders.check({ close: true });
  assert.deepEqual(connections.closed, ["m"]);
  await connections.senders.check({ close: false });
  await connections.senders.check({ close: true });
  assert.deepEqual(connections.closed, ["m", "a"]);
});

Deno.test("another connection from the same port does not inherit the bytes of the first", async () => {
  const connections = new ListedConnections();
  connections.add("ana", "a", 1_000, { ageMs: 86_400_000 });
  await connections.senders.check({ close: false });
  connections.list.length = 0;
  connections.add("mallory", "a", 100);
  await connections.senders.check({ close: true });
  assert.deepEqual(connections.refused, ["mallory"]);
});

Deno.test("an account that fills the broker's memory with unread replies is closed, and the alarm ends", async () => {
  await using broker = await startTestBroker({ config: ["vm_memory_high_watermark.absolute = 250MB"] });
  const { node } = broker;
  const refused = new RefusedLogins({ clock: systemClock });
  await using chatd = await startTestAmqpServer(broker, { refused });
  const { accounts } = chatd.chat;
  const [ana, ben] = [await join("ana", chatd.transport("ana")), await join("ben", chatd.transport("ben"))];
  await accounts.addUser({ name: "mallory", password });
  await using management = openManagement(broker);
  await using _watch = watchBroker(chatd, { broker, management, refused });
  using mallory = new RawBrokerSocket(node.amqpPort, { user: "mallory", password });
  await eventually(() => mallory.isReady, () => "mallory is logged in");
  // The broker may raise a first alarm that garbage collection ends before its senders are looked at.
  let lackedMemory = false;
  await eventually(() => {
    lackedMemory ||= chatd.server.lacksMemory;
    const isThrownOff = refused.hasUser("mallory");
    if (!isThrownOff) mallory.askInVain();
    return isThrownOff;
  }, () => "mallory is thrown off");
  assert.ok(lackedMemory);
  await eventually(() => chatd.server.isServing, () => "the alarm is over");
  assert.ok(!refused.hasUser("ana") && !refused.hasUser("ben"));
  await ana.client.send("ben", "goes on");
  await until(() => ben.received.length === 1);
  await Promise.all([ana.stop(), ben.stop()]);
});
