import assert from "node:assert/strict";
import type { BenchReport, Measured } from "../../src/bench/result.ts";
import { createCertificates } from "../crash/certificates.ts";
import { Connection } from "../../src/store/postgres/connection/connection.ts";
import { accessTo, PostgresNode } from "../support/databases/postgres_node.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { Child } from "../support/processes/child_process.ts";
import { requireDebianPackages } from "../support/processes/debian_package.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { processesWith } from "../support/processes/marked_processes.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { writeKeyPair } from "../support/proxies/tls_files.ts";

/** The permissions of the executable, which are not all. */
const permissions = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-run"];

interface Ran {
  readonly code: number;
  readonly stderr: string;
  readonly report: BenchReport;
}

/** Measures in a new folder, and requires that neither processes nor files are left. */
async function bench(line: string, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  using folder = temporaryFolder();
  const mark = `CHECK=${crypto.randomUUID()}`;
  const [name, value] = mark.split("=");
  const { code, stdout, stderr } = await runChatd({
    args: ["bench", "--json", "--folder", folder.path, ...line.split(" ")],
    permissions,
    env: { [name]: value, ...env },
  });
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  assert.deepEqual(processesWith(mark), []);
  assert.match(stdout, /^\{/, stderr);
  return { code, stderr, report: JSON.parse(stdout) };
}

function measured({ runs }: BenchReport): Measured[] {
  assert.deepEqual(runs.map(({ problem }) => problem), runs.map(() => undefined));
  return runs as Measured[];
}

Deno.test("bench measures raw frames and real clients over gRPC and two relays, and leaves nothing", async () => {
  const systems = ["grpc-stream", "grpc-tls-single", "grpc-client", "grpc-callback", "bare-grpc", "bare-socket"];
  const { code, stderr, report } = await bench(`--workload w1 --seconds 1 --system ${systems}`);
  assert.equal(code, 0, stderr);
  const runs = measured(report);
  assert.deepEqual(runs.map(({ system }) => system), systems);
  for (const { delivered, seconds, perSecond, latencyMs, cpu, throughput } of runs) {
    assert.ok(delivered > 0 && seconds >= 1);
    assert.ok(Math.abs(perSecond - delivered / seconds) <= perSecond / 100);
    assert.equal(latencyMs!.histogram.reduce((sum, { count }) => sum + count, 0), delivered);
    assert.ok(latencyMs!.p50 > 0 && latencyMs!.p50 <= latencyMs!.p99 && latencyMs!.p99 <= latencyMs!.max);
    assert.ok(cpu!.server! > 0 && cpu!.driver! > 0 && cpu!.broker === undefined);
    assert.equal(Deno.build.os === "linux", (cpu!.threads?.length ?? 0) > 0);
    assert.ok(throughput!.length >= 2);
  }
  const limits = ["bare-grpc", "bare-socket"];
  assert.deepEqual(runs.map(({ ratios }) => ratios.map(({ to }) => to)), [limits, limits, limits, limits, [], []]);
  const { machine, chatd, deno, conclusions } = report;
  assert.ok(machine.cores > 0 && machine.memoryBytes > 0 && machine.cpu !== "unknown");
  assert.equal(deno, Deno.version.deno);
  assert.match(chatd.version, /^\d/);
  assert.match(conclusions[0], /both have to be measured/);
  assert.match(stderr, /W1 grpc-stream … *\n.*messages\/s/);
});

Deno.test("bench measures chatd and bare amqplib on a private RabbitMQ", async () => {
  requireDebianPackages(["rabbitmq-server"], "chatd bench runs it");
  const { code, stderr, report } = await bench("--workload w1 --seconds 1 --system amqp,bare-amqp,grpc-stream");
  assert.equal(code, 0, stderr);
  const [grpc, amqp, bare] = measured(report);
  for (const { delivered } of [grpc, amqp, bare]) assert.ok(delivered > 0);
  assert.ok(amqp.cpu!.server! > 0 && amqp.cpu!.broker! > 0);
  assert.ok(bare.cpu!.server === undefined && bare.cpu!.broker! > 0);
  assert.deepEqual(amqp.ratios.map(({ to }) => to), ["bare-amqp"]);
  assert.match(report.conclusions[0], /^gRPC or RabbitMQ: which is better for a chat\? (gRPC|RabbitMQ|It|They)/);
});

Deno.test("bench measures a server on PostgreSQL beside one on SQLite, and drops its schemas", async () => {
  await using node = await PostgresNode.start();
  using folder = temporaryFolder();
  const { address, password } = accessTo(node.address, "public");
  const passwordFile = `${folder.path}/password`;
  Deno.writeTextFileSync(passwordFile, `${password}\n`);
  const url = `postgres://${address.user}@127.0.0.1:${address.hosts[0].port}/${address.database}`;
  const { code, stderr, report } = await bench(
    `--workload w1 --seconds 1 --system grpc-stream,grpc-database --database ${url} --database-password-file ${passwordFile}`,
  );
  assert.equal(code, 0, stderr);
  const [embedded, database] = measured(report);
  assert.ok(embedded.delivered > 0 && database.delivered > 0);
  assert.ok(database.cpu!.server! > 0 && embedded.cpu!.database === undefined);
  if (Deno.build.os === "linux") assert.ok(database.cpu!.database! > 0);
  assert.deepEqual(database.ratios.map(({ to }) => to), ["grpc-stream"]);
  await using connection = await Connection.open(accessTo(node.address, "public"), { name: "test" });
  const left = await connection.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'bench%'");
  assert.deepEqual(left, []);
});

Deno.test("bench needs a database for grpc-database", async () => {
  const { code, report } = await bench("--workload w1 --seconds 1 --system grpc-database");
  assert.equal(code, 1);
  assert.deepEqual(report.runs.map(({ problem }) => problem), ["It needs a database: name one with --database."]);
});

Deno.test("bench measures a running server, and reports the accounts that stay there", async () => {
  using folder = temporaryFolder();
  const args = ["--rate", "100000", "--burst", "100000", "--log-level", "error"];
  await using server = await ServerProcess.start({ folder: folder.path, args });
  const place = `--server 127.0.0.1:${server.port} --server-pid ${server.pid}`;
  const { code, stderr, report } = await bench(`--workload w2 --system grpc-stream,amqp ${place}`);
  assert.match(stderr, /2 accounts whose names begin with "bench-" stay on the server/);
  const [run, amqp] = report.runs as [Measured, { problem: string }];
  assert.equal(run.delivered, 2_000);
  assert.ok(run.cpu!.server! > 0);
  assert.match(amqp.problem, /name it with --broker/);
  assert.equal(report.server, `127.0.0.1:${server.port}`);
  assert.equal(code, 1, "amqp was asked for by name");
});

Deno.test("bench trusts the CA of --ca instead of the system's roots", async () => {
  using folder = temporaryFolder();
  const { server: keyPair, authority } = await createCertificates();
  const { authority: stranger } = await createCertificates();
  writeKeyPair(folder.path, keyPair);
  Deno.writeTextFileSync(`${folder.path}/system.pem`, authority);
  Deno.writeTextFileSync(`${folder.path}/stranger.pem`, stranger);
  const args = ["--tls-cert", `${folder.path}/server.pem`, "--tls-key", `${folder.path}/server-key.pem`];
  await using server = await ServerProcess.start({ folder: `${folder.path}/data`, args });
  const line = `--workload w2 --system grpc-stream --server 127.0.0.1:${server.port} --tls-name localhost`;
  const env = { DENO_CERT: `${folder.path}/system.pem` };
  const trusted = await bench(`${line} --ca ${folder.path}/system.pem`, env);
  assert.equal(measured(trusted.report).length, 1);
  const { report: { runs: [refused] } } = await bench(`${line} --ca ${folder.path}/stranger.pem`, env);
  assert.match(refused.problem!, /its certificate is not trusted/);
});

Deno.test("bench writes its page, or refuses a missing folder before it measures", async () => {
  using folder = temporaryFolder();
  const file = `${folder.path}/bench.html`;
  const { code, stderr } = await bench(`--workload w2 --system bare-grpc --html ${file}`);
  assert.equal(code, 0, stderr);
  assert.match(Deno.readTextFileSync(file), /^<!doctype html>[^]*"name":"bare-grpc"[^]*uPlot=function/);
  const refused = await runChatd({ args: ["bench", "--html", `${folder.path}/missing/bench.html`], permissions });
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /there is no folder ".+missing"/);
});

Deno.test("bench names the folder that it cannot write to", async () => {
  using folder = temporaryFolder();
  const args = ["bench", "--workload", "w2", "--system", "grpc-stream", "--folder", `${folder.path}/missing`];
  const { code, stdout, stderr } = await runChatd({ args, permissions });
  assert.equal(code, 1, stderr);
  assert.match(stdout, /^grpc-stream +Cannot create a folder in ".+missing" \(--folder\): /m);
  assert.doesNotMatch(stderr, /bug/);
});

Deno.test("bench fills a store for w5, also runs w1, and uses the store again", async () => {
  using folder = temporaryFolder();
  const line = `--workload w5 --seconds 1 --system grpc-stream,bare-grpc --messages 2000 --store ${folder.path}/kept`;
  const { code, stderr, report } = await bench(line);
  assert.equal(code, 0, stderr);
  const runs = measured(report);
  assert.deepEqual(runs.map(({ workload, system }) => [workload, system]), [
    ["w1", "grpc-stream"],
    ["w1", "bare-grpc"],
    ["w5", "grpc-stream"],
  ]);
  const { stored, filledPerSecond, ratios } = runs[2];
  assert.equal(stored, 2_000);
  assert.ok(filledPerSecond! > 0);
  assert.deepEqual(ratios.map(({ to }) => to), ["w1"]);
  assert.ok(ratios[0].perSecond! > 0 && ratios[0].cpu! > 0);
  const [, , again] = measured((await bench(line)).report);
  assert.deepEqual([again.stored, again.filledPerSecond], [2_000, undefined]);
});

Deno.test("bench explains why a named system cannot run a workload", async () => {
  const { code, report } = await bench("--workload w4 --system bare-grpc");
  assert.equal(code, 0);
  assert.deepEqual(report.runs.map(({ problem }) => problem), [
    "W4 leaves out relays and the bare broker, which have no rooms, and the systems with a message in each frame: one " +
    "person writes ten messages a second.",
  ]);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
  Deno.test(`a bench that ends by ${signal} leaves no process behind`, async () => {
    using folder = temporaryFolder();
    const mark = `CHECK=${crypto.randomUUID()}`;
    const [name, value] = mark.split("=");
    await using child = new Child({
      args: ["bench", "--workload", "w1", "--seconds", "600", "--folder", folder.path],
      env: { [name]: value },
    });
    await child.line(/W1 grpc-stream/);
    // The bench, and its server.
    await eventually(() => processesWith(mark).length >= 2);
    child.kill(signal);
    const { code } = await child.status;
    await eventually(() => processesWith(mark).length === 0);
    if (signal === "SIGKILL") return;
    assert.equal(code, 130);
    assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  });
}
