/**
 * Runs all tests, several processes at a time, and ends with the line "N passed, N failed":
 *
 *     deno task test              # all of them
 *     deno task test core grpc    # these groups, which are folders of `tests/`
 *     deno task ok                # format, lint and types too
 *
 * Exits with 1 when anything failed. A process that ends without a report (a crash, or a test that does not end) counts as a
 * failure. A failed test of the list in `tests/retries.ts` is run once more, alone at the end; one that passes then counts
 * as passed, and is named with its error above the last line. `--no-retry` leaves that out. All processes of a run end
 * with it, also when a signal ends it.
 */
import { retries, type Retry } from "../tests/retries.ts";
import { poolVariable, startBrokerPool } from "../tests/support/brokers/broker_pool.ts";
import { PostgresNode } from "../tests/support/databases/postgres_node.ts";
import { postgresVariable } from "../tests/support/databases/temporary_schema.ts";
import {
  canInstallPackages,
  installCommand,
  missingDebianPackages,
  requireDebianPackages,
} from "../tests/support/processes/debian_package.ts";
import { ProcessGroups } from "./process_groups.ts";
import {
  type Failure,
  type RetriedTest,
  settle,
  type Settled,
  type TestRun,
  testsToRunAgain,
} from "./second_chance.ts";
import { findGroups, planJobs, runJobs, type TestJob } from "./test_plan.ts";
import { runTestProcess } from "./test_process.ts";

const root = new URL("..", import.meta.url);
/** Processes of tests at a time: most of them wait for others most of the time. */
const slots = navigator.hardwareConcurrency + 2;
/** Brokers that tests borrow; each costs 5 s of CPU to start. */
const brokers = 2;
/** Tests share the machine, so their deadlines are longer than the standard ones. */
const slowness = "3";
/** Groups with tests that borrow a broker. */
const brokerGroups = ["amqp", "e2e"];
/** Groups with tests that need packages of Debian. */
const packageGroups = ["amqp", "bench", "core", "e2e", "grpc", "session", "store", "support"];
/** Groups with tests that use schemas of one PostgreSQL. */
const databaseGroups = ["core", "e2e", "grpc", "session", "store"];
/** Lines of an error that are shown at the end. */
const shownLines = 12;

/** Returns the environment without the settings of a chatd that is used on this machine, so that tests see the defaults. */
function environment(): Record<string, string> {
  const own = Object.entries(Deno.env.toObject()).filter(([name]) => !/^CHATD_(?!CRASH_)/.test(name));
  // The same seed for the whole run: names of tests contain it.
  const seed = String(Date.now() % 1_000_000);
  return { CHATD_CRASH_SECONDS: "30", CHATD_CRASH_SEED: seed, TEST_SLOWNESS: slowness, ...Object.fromEntries(own) };
}

const checks = [["fmt", "--check"], ["lint"], ["check", "main.ts", "src", "tests", "proto", "packaging", ".ci"]];

/** How all processes of a run are started. */
interface Surroundings {
  readonly env: Record<string, string>;
  readonly processes: ProcessGroups;
}

/** Runs the checks of the code beside the tests. Their output is shown when they fail. */
async function runChecks({ env, processes }: Surroundings): Promise<Settled> {
  const failures: Failure[] = [];
  for (const args of checks) {
    const options = { args, cwd: root, clearEnv: true, env, stdin: "null", stdout: "piped", stderr: "piped" } as const;
    const { success, stdout, stderr } = await (await processes.spawn(Deno.execPath(), options)).output();
    if (success) continue;
    failures.push({ name: `deno ${args.join(" ")}`, error: [] });
    console.log([stdout, stderr].map((text) => new TextDecoder().decode(text)).join("\n"));
  }
  return { passed: checks.length - failures.length, failed: failures.length, skipped: 0, failures, retried: [] };
}

function countsOf({ passed, failed, skipped }: Pick<Settled, "passed" | "failed" | "skipped">): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

function nameOf({ group, files }: TestJob): string {
  return files.length === 1 ? files[0] : `${group} (${files.length} files)`;
}

/** Runs the jobs of a plan, and tells how each ended. */
async function runPlan(jobs: readonly TestJob[], surroundings: Surroundings): Promise<Map<TestJob, TestRun>> {
  const runs = new Map<TestJob, TestRun>();
  await runJobs(jobs, {
    slots,
    async run(job) {
      const begun = performance.now();
      const result = await runTestProcess({ root, files: job.files, ...surroundings });
      const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
      console.log([`${nameOf(job)}: ${countsOf(result)} (${seconds} s)`, ...result.output].join("\n"));
      runs.set(job, result);
    },
  });
  return runs;
}

/** Runs the tests again that failed and are in the list, one at a time. */
async function retry(run: TestRun, surroundings: Surroundings): Promise<Settled> {
  const again = new Map<Retry, TestRun>();
  for (const each of testsToRunAgain(run, retries)) {
    const result = await runTestProcess({ root, files: [each.file], test: each.test, ...surroundings });
    console.log(`${each.file}, "${each.test}" again: ${countsOf(result)}`);
    again.set(each, result);
  }
  return settle(run, again);
}

interface Options {
  readonly groups: readonly string[];
  readonly hasChecks: boolean;
  readonly mayRetry: boolean;
}

function parseOptions(args: readonly string[]): Options {
  const options = args.filter((arg) => arg.startsWith("--"));
  const unknown = options.filter((arg) => arg !== "--checks" && arg !== "--no-retry");
  if (unknown.length > 0) throw new Error(`no option ${unknown.join(", ")}: there are --checks, --no-retry`);
  const groups = args.filter((arg) => !arg.startsWith("--"));
  return { groups, hasChecks: args.includes("--checks"), mayRetry: !args.includes("--no-retry") };
}

function wantedGroups(wanted: readonly string[]): Map<string, string[]> {
  const groups = findGroups(root);
  const unknown = wanted.filter((name) => !groups.has(name));
  if (unknown.length > 0) throw new Error(`no group ${unknown.join(", ")}: there are ${[...groups.keys()].join(", ")}`);
  return new Map([...groups].filter(([name]) => wanted.length === 0 || wanted.includes(name)));
}

/** Returns the results by group, the checks of the code among them. */
async function runAll({ groups: wanted, hasChecks, mayRetry }: Options): Promise<Map<string, Settled[]>> {
  const groups = wantedGroups(wanted);
  const results = new Map<string, Settled[]>([...groups.keys()].map((group) => [group, []]));
  if (packageGroups.some((group) => groups.has(group))) providePackages();
  const env = environment();
  await using processes = new ProcessGroups();
  const surroundings = { env, processes };
  const borrows = brokerGroups.some((group) => groups.has(group));
  await using pool = borrows ? startBrokerPool(brokers, `${processes.folder}/brokers`) : undefined;
  if (pool !== undefined) {
    env[poolVariable] = pool.folder;
    void pool.started.catch((error) => console.error(error));
  }
  await using database = databaseGroups.some((group) => groups.has(group)) ? await PostgresNode.start() : undefined;
  if (database !== undefined) env[postgresVariable] = JSON.stringify(database.address);
  const checking = hasChecks ? runChecks(surroundings) : undefined;
  const runs = await runPlan(planJobs(groups), surroundings);
  for (const [job, run] of runs) {
    results.get(job.group)!.push(mayRetry ? await retry(run, surroundings) : settle(run, new Map()));
  }
  if (checking !== undefined) results.set("format, lint and types", [await checking]);
  return results;
}

function add(results: readonly Settled[]): Settled {
  const sum = (count: (result: Settled) => number) => results.reduce((total, result) => total + count(result), 0);
  return {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
    failures: results.flatMap(({ failures }) => failures),
    retried: results.flatMap(({ retried }) => retried),
  };
}

function describeRetried({ retry: { file, test, reason, since }, error }: RetriedTest): string[] {
  return [
    `  "${test}" of ${file} (${reason}; listed since ${since})`,
    ...firstLines(error),
  ];
}

function describeFailure(group: string, { name, error }: Failure): string[] {
  return [`  ${group}: ${name}`, ...firstLines(error)];
}

function firstLines(error: readonly string[]): string[] {
  return error.slice(0, shownLines).map((line) => `    ${line}`);
}

function report(results: ReadonlyMap<string, readonly Settled[]>): Settled {
  console.log();
  for (const [group, parts] of results) console.log(`${group}: ${countsOf(add(parts))}`);
  const all = add([...results.values()].flat());
  const failures = [...results].flatMap(([group, parts]) =>
    add(parts).failures.flatMap((failure) => describeFailure(group, failure))
  );
  if (failures.length > 0) console.log(`\nFAILED:\n${failures.join("\n")}\n`);
  if (all.skipped > 0) console.log(`${all.skipped} skipped: this machine lacks what they need.`);
  if (all.retried.length > 0) {
    console.log(`${all.retried.length} RETRIED, failed once and passed when run again (tests/retries.ts):`);
    console.log(all.retried.flatMap(describeRetried).join("\n"));
  }
  console.log(`${all.passed} passed, ${all.failed} failed`);
  return all;
}

/** Installs packages of Debian that tests need, before tests in several processes do, or says which are missing. */
function providePackages(): void {
  const missing = missingDebianPackages();
  if (missing.length === 0) return;
  if (canInstallPackages()) requireDebianPackages(missing, "tests need them");
  else console.log(`Some tests need packages that are not installed, and fail: ${installCommand(missing)}`);
}

function hasTmux(): boolean {
  try {
    return new Deno.Command("tmux", { args: ["-V"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  if (!hasTmux()) console.log("tmux is not installed: the tests of the client on a terminal are skipped.");
  const { passed, failed } = report(await runAll(parseOptions(Deno.args)));
  Deno.exit(failed === 0 && passed > 0 ? 0 : 1);
}
