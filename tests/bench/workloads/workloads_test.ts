/** Workloads for many users, with few of them, against a real server in this process. */
import assert from "node:assert/strict";
import { workloadNames } from "../../../src/bench/result.ts";
import { makeAccounts } from "../../../src/bench/systems/accounts.ts";
import type { BenchServer, BenchServers } from "../../../src/bench/systems/chatd_servers.ts";
import { RawSystem } from "../../../src/bench/systems/raw_system.ts";
import { Http2Pipe } from "../../../src/bench/driver/http2_pipe.ts";
import type { BenchSystem, MeasuredProcesses, Prepared, Workload } from "../../../src/bench/systems/system.ts";
import { fullStore } from "../../../src/bench/workloads/full_store.ts";
import { idleWorkload } from "../../../src/bench/workloads/idle_sessions.ts";
import { largeRoomWorkload } from "../../../src/bench/workloads/large_room.ts";
import { workloads } from "../../../src/bench/workloads/workloads.ts";
import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

const quiet = { seconds: 1, progress: () => {} };

/** A server on a new folder unless given. */
function systemIn(ownFolder: string): BenchSystem {
  const servers: BenchServers = {
    async start({ users, folder = ownFolder, fill }) {
      const accounts = await makeAccounts(folder, users);
      await fill?.(folder, accounts);
      const server = await startTestGrpcServer({ folder });
      return {
        address: { host: "127.0.0.1", port: server.server.port },
        processes: { server: Deno.pid },
        failed: new Promise<never>(() => {}),
        account: () => Promise.resolve(accounts.pop()!),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  };
  const transport = ({ address }: BenchServer) => new GrpcTransport({ ...address!, callback: false });
  return new RawSystem({
    name: "grpc-stream",
    servers,
    joined: true,
    pipe: ({ address }) => (handlers) =>
      Http2Pipe.open({ ...address!, path: "/chatd.v1.ChatService/Connect", ...handlers }),
    transport: (server) => Promise.resolve(transport(server)),
  });
}

async function runOn(folder: string, workload: Workload, prepared?: Prepared) {
  await using system = await systemIn(folder).start({ ...workload, folder: prepared?.folder });
  return await workload.run(system, { ...quiet, prepared });
}

Deno.test("every workload has its name in the table", () => {
  assert.deepEqual(Object.keys(workloads), [...workloadNames]);
  for (const name of workloadNames) assert.equal(workloads[name].name, name);
});

Deno.test("W3 measures the growth of memory for each session", async () => {
  using folder = temporaryFolder();
  const asked: MeasuredProcesses[] = [];
  const memoryOf = (processes: MeasuredProcesses) => {
    asked.push(processes);
    return Promise.resolve({ server: asked.length === 1 ? 1_000_000 : 1_350_000 });
  };
  const { idle, delivered } = await runOn(folder.path, idleWorkload({ sessions: 7, before: 2, memoryOf }));
  assert.deepEqual(asked, [{ server: Deno.pid }, { server: Deno.pid }]);
  assert.equal(idle!.serverBytesPerSession, 50_000);
  assert.equal(idle!.brokerBytesPerSession, undefined);
  assert.equal(idle!.sessions, 7);
  assert.ok(idle!.loginSeconds > 0);
  assert.equal(delivered, 0);
});

Deno.test("W4 measures the latency to the last member", async () => {
  using folder = temporaryFolder();
  const { members, delivered, latencyMs } = await runOn(folder.path, largeRoomWorkload({ members: 12 }));
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
  const figures = await runOn("/nonexistent", fullStore, prepared);
  assert.equal(figures.stored, 1_000);
  assert.ok(figures.delivered > 0 && figures.filledPerSecond! > 0);
  const again = await prepare();
  assert.deepEqual(again, { folder: storeFolder, stored: 1_000 });
  assert.ok((await runOn("/nonexistent", fullStore, again)).delivered > 0);
});
