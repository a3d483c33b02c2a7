import assert from "node:assert/strict";
import type { ClientConnection } from "../../../src/grpc/server/client_connection.ts";
import { Keepalive } from "../../../src/grpc/server/keepalive.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";

/** A server's connections, which note their pings and ends with the second. */
class Peers {
  readonly connections = new Set<ClientConnection>();
  readonly events: string[] = [];
  /** The most pings in one turn. */
  mostAtOnce = 0;
  pings = 0;
  #inTurn = 0;
  readonly #start = performance.now();

  add(name: string): ClientConnection {
    const note = (event: string) => this.events.push(`${(performance.now() - this.#start) / 1000} ${name} ${event}`);
    const ping = () => {
      note("pinged");
      this.pings++;
      this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#inTurn);
      queueMicrotask(() => this.#inTurn = 0);
    };
    const close = () => {
      note("closed");
      this.connections.delete(connection);
    };
    const connection = { silentTicks: 0, http2: { ping }, close } as unknown as ClientConnection;
    this.connections.add(connection);
    return connection;
  }
}

Deno.test("a silent peer is pinged, and closed if it does not answer", async () => {
  using time = new FakeTime();
  const peers = new Peers();
  using _keepalive = new Keepalive(peers.connections);
  peers.add("gone");
  const answering = peers.add("answering");
  await time.tick(15_000);
  answering.silentTicks = 0;
  assert.deepEqual(peers.events.splice(0), ["15 gone pinged", "15 answering pinged"]);
  await time.tick(10_000);
  assert.deepEqual(peers.events.splice(0), ["25 gone closed"]);
  await time.tick(5_000);
  assert.deepEqual(peers.events, ["30 answering pinged"]);
});

Deno.test("thousands of silent peers are pinged in parts, each within its interval", async () => {
  using time = new FakeTime();
  const peers = new Peers();
  using _keepalive = new Keepalive(peers.connections);
  for (let index = 0; index < 4_000; index++) peers.add(`${index}`);
  await time.tick(15_000);
  const last = [...peers.connections].at(-1)!;
  assert.equal(peers.pings, 100);
  peers.connections.delete(last);
  await time.tick(4_999);
  assert.equal(peers.pings, 3_999);
  assert.equal(peers.mostAtOnce, 100);
  for (const connection of peers.connections) connection.silentTicks = 0;
  await time.tick(15_000);
  assert.equal(peers.pings, 2 * 3_999);
});

Deno.test("a disposed keepalive leaves no timer", () => {
  using time = new FakeTime();
  new Keepalive(new Set())[Symbol.dispose]();
  assert.equal(time.pending, 0);
});
