/**
 * Attacks the baseline server under several Deno versions and prints what each survived, and the memory that
 * connections leave behind:
 *
 *     deno run -A tests/crash/compare_versions.ts --seconds=30 --rounds=2 --transports=plain,tls,mtls DENO...
 *
 * Each DENO is the path of a deno executable. `--seed=N` repeats a run, `--only=TEXT` takes fewer scenarios,
 * `--unguarded` counts uncaught JavaScript errors too, not only native faults; `--collecting` makes the victim collect
 * garbage all the time, which brings out early frees in native code. `--connections=N` is how many of each kind leaks
 * are measured with; 0 leaves that out.
 */
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { createCertificates } from "./certificates.ts";
import { type Leak, LEAK_KINDS } from "./leak_probe.ts";
import { measureLeaks } from "./leaks.ts";
import { runSuite, type ScenarioResult } from "./suite.ts";
import { type Transport, TRANSPORTS } from "./target.ts";
import { baselineVictim } from "./victim.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "30" },
    rounds: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    transports: { type: "string", default: TRANSPORTS.join(",") },
    only: { type: "string" },
    unguarded: { type: "boolean", default: false },
    collecting: { type: "boolean", default: false },
    connections: { type: "string", default: "2000" },
  },
});
const denos = positionals.length > 0 ? positionals : [Deno.execPath()];
const certificates = await createCertificates();

interface Row extends ScenarioResult {
  version: string;
  transport: Transport;
}

const rows: Row[] = [];
const leaks = new Map<string, Leak[]>();

function summary(version: string): string {
  const own = rows.filter((row) => row.version === version);
  const failed = own.filter((row) => row.outcome !== "survived").length;
  const memory = Math.max(...own.map((row) => row.memory));
  const shots = own.reduce((sum, row) => sum + row.shots, 0);
  return `${version}: ${failed} of ${own.length} scenarios failed, ${shots} shots, largest memory ${memory} MiB`;
}

for (const deno of denos) {
  const version = execFileSync(deno, ["--version"], { encoding: "utf8" }).split(/\s+/)[1];
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const transport of values.transports.split(",") as Transport[]) {
      const suite = runSuite({
        victim: baselineVictim({ deno, unguarded: values.unguarded, collecting: values.collecting }),
        transport,
        certificates,
        seed: Number(values.seed) + round,
        budgetMs: Number(values.seconds) * 1000,
        only: values.only,
      });
      for await (const result of suite) {
        rows.push({ version, transport, ...result });
        if (result.outcome !== "survived") {
          console.error(`${version} ${transport} "${result.scenario}": ${result.outcome}, ${result.detail}`);
        }
      }
    }
  }
  console.error(summary(version));
  const count = Number(values.connections);
  if (count > 0) leaks.set(version, await Array.fromAsync(measureLeaks({ deno, count, certificates })));
}

const versions = [...new Set(rows.map((row) => row.version))];
const scenarios = [...new Set(rows.map((row) => `${row.transport}: ${row.scenario}`))];
console.log(`| scenario | ${versions.join(" | ")} |\n|---|${"---|".repeat(versions.length)}`);
for (const scenario of scenarios) {
  const cells = versions.map((version) => {
    const own = rows.filter((row) => row.version === version && `${row.transport}: ${row.scenario}` === scenario);
    const failures = own.filter((row) => row.outcome !== "survived");
    if (failures.length === 0) return "ok";
    return `**${failures.length}/${own.length}** ${[...new Set(failures.map((row) => row.detail))].join("; ")}`
      .replaceAll("|", "/");
  });
  console.log(`| ${scenario} | ${cells.join(" | ")} |`);
}
if (leaks.size > 0) {
  console.log(
    `\n| bytes left by a connection: heap, resident | ${versions.join(" | ")} |\n|---|${
      "---|".repeat(versions.length)
    }`,
  );
  for (const [index, kind] of LEAK_KINDS.entries()) {
    const cells = versions.map((version) => leaks.get(version)![index]).map(({ heap, resident }) =>
      `${heap}, ${resident}`
    );
    console.log(`| ${kind} | ${cells.join(" | ")} |`);
  }
}
for (const version of versions) console.log(summary(version));
Deno.exit(0);
