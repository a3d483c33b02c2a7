/** All workloads, with few users and for a short time, against real servers in this process. */
import assert from "node:assert/strict";
import { workloadNames } from "../../../src/bench/result.ts";
import type {
  BenchSystem,
  ConnectionEvents,
  MeasuredProcesses,
  Prepared,
  StartedSystem,
  Workload,
} from "../../../src/bench/systems/system.ts";
import { busyPairs } from "../../../src/bench/workloads/busy_pairs.ts";
import { fullStore } from "../../../src/bench/workloads/full_store.ts";
import { idleWorkload } from "../../../src/bench/workloads/idle_sessions.ts";
import { largeRoomWorkload } from "../../../src/bench/workloads/large_room.ts";
import { oneAtATime } from "../../../src/bench/workloads/one_at_a_time.ts";
import { peopleWorkload } from "../../../src/bench/workloads/people/people.ts";
import { workloads } from "../../../src/bench/workloads/workloads.ts";
import { openStore } from "../../../src/store/open_store.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { grpcClients, rawAmqp, rawGrpc } from "../systems/own_system.ts";

const quiet = { seconds: 1, progress: () => {} };

async function runOn(bench: BenchSystem, workload: Workload, prepared?: Prepared) {
  await using system = await bench.start({ ...workload, folder: prepared?.folder });
  return await workload.run(system, { ...quiet, prepared });
}

/** Returns the number of entries in a log that no server uses. */
function storedIn(folder: string): number {
  using store = openStore({ folder });
  return store.messages.head;
}

Deno.test("every workload has its name in the table", () => {
  assert.deepEqual(Object.keys(workloads), [...workloadNames]);
  for (const name of workloadNames) assert.equal(workloads[name].name, name);
});

const ways: readonly (readonly [string, (folder: string) => BenchSystem])[] = [
  ["joined frames", (folder) => rawGrpc(folder)],
  ["a frame for each message", (folder) => rawGrpc(folder, { joined: false })],
  ["TLS", (folder) => rawGrpc(folder, { encrypted: true })],
  ["chatd's own clients", (folder) => grpcClients(folder)],
];

for (const [name, system] of ways) {
  Deno.test(`W1 with ${name} ends when every message is stored, accepted and received`, async () => {
    using folder = temporaryFolder();
    const { delivered, latencyMs, cpu } = await runOn(system(folder.path), busyPairs);
    assert.ok(delivered > 0);
    // Others were delivered before and after the measurement.
    assert.ok(storedIn(folder.path) > delivered);
    assert.equal(latencyMs!.histogram.reduce((sum, { count }) => sum + count, 0), delivered);
    assert.ok(cpu!.driver! > 0 && cpu!.server! > 0);
  });
}

Deno.test("W2 sends 2,000 messages, each after the one before was accepted and received", async () => {
  using folder = temporaryFolder();
  assert.equal((await runOn(rawGrpc(folder.path), oneAtATime)).delivered, 2_000);
  assert.equal(storedIn(folder.path), 4_000);
});

Deno.test("W2 fails when a message is not delivered", async () => {
  using time = new FakeTime();
  let sent = 0;
  const system = {
    processes: {},
    connectPair: ({ onDelivered, onAccepted }: ConnectionEvents) =>
      Promise.resolve({
        send: () => {
          if (++sent < 1_000) onDelivered(0);
          onAccepted(1);
          return 0;
        },
      }),
  } as Partial<StartedSystem> as StartedSystem;
  const failed = assert.rejects(oneAtATime.run(system, quiet), /not delivered/);
  await eventually(() => sent === 1_000);
  await time.tick(60_000);
  await failed;
  assert.equal(time.pending, 0);
});

Deno.test("W3 measures the CPU of logins, and the growth of memory for each session", async () => {
  using folder = temporaryFolder();
  const asked: MeasuredProcesses[] = [];
  const memoryOf = (processes: MeasuredProcesses) => {
    asked.push(processes);
    return Promise.resolve({ server: asked.length === 1 ? 1_000_000 : 1_350_000 });
  };
  const { idle, delivered } = await runOn(rawGrpc(folder.path), idleWorkload({ sessions: 7, before: 2, memoryOf }));
  assert.deepEqual(asked, [{ server: Deno.pid }, { server: Deno.pid }]);
  assert.equal(idle!.serverBytesPerSession, 50_000);
  assert.equal(idle!.brokerBytesPerSession, undefined);
  assert.equal(idle!.sessions, 7);
  assert.ok(idle!.loginSeconds > 0 && idle!.serverCpuPerLogin! >= 0);
  assert.equal(delivered, 0);
});

Deno.test("W4 measures the latency to the last member", async () => {
  using folder = temporaryFolder();
  const { members, delivered, latencyMs } = await runOn(rawGrpc(folder.path), largeRoomWorkload({ members: 12 }));
  assert.equal(members, 12);
  assert.equal(delivered, 10 * 11);
  assert.equal(latencyMs!.histogram.reduce((sum, { count }) => sum + count, 0), 10);
});

Deno.test("W5 fills a store once, and other runs and benches use it again", async () => {
  using parent = temporaryFolder();
  const storeFolder = `${parent.path}/kept`;
  const newFolder = () => Promise.reject(new Error("the store has a folder"));
  const prepare = () => fullStore.prepare!({ messages: 1_000, storeFolder, newFolder, progress: () => {} });
  const prepared = await prepare();
  const figures = await runOn(rawGrpc("/nonexistent"), fullStore, prepared);
  assert.equal(figures.stored, 1_000);
  assert.ok(figures.delivered > 0 && figures.filledPerSecond! > 0);
  const again = await prepare();
  assert.deepEqual(again, { folder: storeFolder, stored: 1_000 });
  assert.ok((await runOn(rawGrpc("/nonexistent"), fullStore, again)).delivered > 0);
});

/** As many events in a second as in a minute of life, and some people who come back. */
const fewPeople = peopleWorkload({
  online: 24,
  absent: 4,
  rooms: [{ count: 1, members: 20 }, { count: 4, members: 5 }],
  timesFaster: 400,
  warmUpSeconds: 0.5,
});

Deno.test("W6 ends when every message was accepted and all people have it, also those who were absent", async () => {
  using folder = temporaryFolder();
  const { people, delivered } = await runOn(rawGrpc(folder.path), fewPeople);
  const { online, timesFaster, sent, typingReports, reads, logins } = people!;
  assert.deepEqual([online, timesFaster], [24, 400]);
  assert.ok(sent > 0 && typingReports > 0 && reads > 0 && logins > 0, JSON.stringify(people));
  assert.ok(delivered >= sent / 2);
  // The rooms take an entry for each member.
  assert.ok(storedIn(folder.path) >= sent + 40);
});

for (const joined of [true, false]) {
  Deno.test(`W1 and W6 run over a broker, ${joined ? "with joined frames" : "with a frame in each message"}`, async () => {
    await using broker = await borrowTestBroker();
    for (const workload of [busyPairs, fewPeople]) {
      using folder = temporaryFolder();
      const { delivered, people, cpu } = await runOn(rawAmqp(folder.path, broker, { joined }), workload);
      assert.ok(delivered > 0 && cpu!.broker! >= 0);
      assert.equal(people === undefined, workload === busyPairs);
    }
  });
}
