/** What a version of Deno has to do before chatd can move to it. */
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { createCertificates } from "./certificates.ts";
import { isLeak, measureLeaks, tellLeak } from "./leaks.ts";
import { runSleepingClients } from "./sleeping_clients.ts";
import { runSuite } from "./suite.ts";
import { WAYS } from "./front_door.ts";
import { baselineVictim } from "./victim.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface TrialOptions {
  /** Groups of tests to run. */
  groups: readonly string[];
  /** Time for each attack on servers and clients of `node:http2`, together. */
  attackSeconds: number;
  /** Clients that sleep, in each way to the server. */
  sleepers: number;
  /** How long they sleep. */
  sleepMinutes: number;
  /** Connections of each kind that leaks are measured with. */
  connections: number;
}

export interface Trial {
  readonly name: string;
  /** Returns what is broken under the `deno` at a path, in a line each; nothing when all is well. */
  run(deno: string): Promise<readonly string[]>;
}

export function trialsFor(options: TrialOptions): readonly Trial[] {
  const places = ["main.ts", "src", "tests", "proto", "packaging", ".ci"];
  return [
    command("types", ["check", ...places]),
    command("format", ["fmt", "--check"]),
    command("lint", ["lint"]),
    { name: "bundle", run: bundle },
    ...options.groups.map((group) => command(`tests of ${group}`, ["run", "-A", ".ci/run_tests.ts", group])),
    { name: "attacks on node:http2", run: (deno) => attack(deno, options.attackSeconds) },
    ...WAYS.map((way) => ({
      name: `clients that sleep, ${way}`,
      async run(deno: string) {
        const { sleepers: count, sleepMinutes: minutes } = options;
        return (await runSleepingClients({ deno, count, minutes, rounds: 2, way })).losses;
      },
    })),
    { name: "leaks", run: (deno) => leaks(deno, options.connections) },
  ];
}

/** A trial that fails with the last lines of what a command of Deno says. */
function command(name: string, args: readonly string[]): Trial {
  return { name, run: (deno) => problemsOf(deno, args) };
}

async function problemsOf(deno: string, args: readonly string[]): Promise<readonly string[]> {
  const { success, stdout, stderr } = await new Deno.Command(deno, {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (success) return [];
  const lines = [stdout, stderr].flatMap((bytes) => new TextDecoder().decode(bytes).split("\n"));
  const failed = lines.indexOf("FAILED:");
  return (failed < 0 ? lines.filter((line) => line.trim() !== "").slice(-10) : lines.slice(failed + 1))
    .filter((line) => line.trim() !== "");
}

async function bundle(deno: string): Promise<readonly string[]> {
  using folder = temporaryFolder();
  const file = `${folder.path}/chatd.js`;
  const problems = await problemsOf(deno, ["bundle", "--quiet", "--output", file, "main.ts"]);
  return problems.length > 0 ? problems : await problemsOf(deno, ["run", "-A", file, "--version"]);
}

async function attack(deno: string, seconds: number): Promise<readonly string[]> {
  const problems: string[] = [];
  const suite = runSuite({
    victim: baselineVictim({ deno }),
    transport: "plain",
    certificates: await createCertificates(),
    seed: 1,
    budgetMs: seconds * 1000,
  });
  for await (const { scenario, outcome, detail } of suite) {
    if (outcome !== "survived") problems.push(`${scenario}: ${outcome}, ${detail}`);
  }
  return problems;
}

async function leaks(deno: string, count: number): Promise<readonly string[]> {
  const problems: string[] = [];
  for await (const leak of measureLeaks({ deno, count, certificates: await createCertificates() })) {
    if (isLeak(leak)) problems.push(tellLeak(leak));
  }
  return problems;
}
