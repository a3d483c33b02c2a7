/**
 * Tries each version of Deno that the npm registry has and that is newer than the pinned one, and says what breaks:
 *
 *     deno task try-newer-deno
 *     deno task try-newer-deno --only=sleep --count=50 --minutes=2 2.9.6
 *
 * The pinned version is tried too, as the control. Exits with 0 when a newer version breaks nothing. It takes an hour
 * for each version; `--groups=core,wire`, `--seconds`, `--count`, `--minutes` and `--connections` make it shorter.
 * Linux only.
 */
import { parseArgs } from "node:util";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { trialsFor } from "./deno_trials.ts";
import { installDeno, newerVersions, pinnedVersion } from "./deno_versions.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "" },
    groups: {
      type: "string",
      default: "amqp,app,cli,client,core,crash,e2e,grpc,packaging,session,store,terminal,wire",
    },
    seconds: { type: "string", default: "60" },
    count: { type: "string", default: "20" },
    minutes: { type: "string", default: "1" },
    connections: { type: "string", default: "2000" },
  },
});
const trials = trialsFor({
  groups: values.groups.split(",").filter((group) => group !== ""),
  attackSeconds: Number(values.seconds),
  sleepers: Number(values.count),
  sleepMinutes: Number(values.minutes),
  connections: Number(values.connections),
}).filter(({ name }) => name.includes(values.only));
const versions = [pinnedVersion, ...positionals.length > 0 ? positionals : await newerVersions()];

/** What is broken, by version and trial. */
const found = new Map<string, Map<string, readonly string[]>>();
using folder = temporaryFolder();
for (const version of versions) {
  const problems = new Map<string, readonly string[]>();
  found.set(version, problems);
  const deno = await installDeno(version, `${folder.path}/${version}`);
  for (const { name, run } of trials) {
    problems.set(name, await run(deno).catch((error) => [String(error)]));
    console.error(`${version} ${name}: ${cell(problems.get(name)!)}`);
  }
}

function cell(problems: readonly string[]): string {
  return problems.length === 0 ? "ok" : "**broken**";
}

console.log(`| Trial | ${versions.join(" | ")} |\n|---|${"---|".repeat(versions.length)}`);
for (const { name } of trials) {
  console.log(`| ${name} | ${versions.map((version) => cell(found.get(version)!.get(name)!)).join(" | ")} |`);
}
for (const [version, problems] of found) {
  for (const [name, lines] of problems) {
    if (lines.length > 0) console.log(`\n${version} ${name}:\n${lines.map((line) => `  ${line}`).join("\n")}`);
  }
}
const works = versions.slice(1).some((version) =>
  [...found.get(version)!.values()].every(({ length }) => length === 0)
);
Deno.exit(works ? 0 : 1);
